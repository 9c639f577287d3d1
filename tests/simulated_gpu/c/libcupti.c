/* libcupti.so: no activity is ever recorded. */
#include "library.h"

#define MAX_LIMIT_REACHED 12 /* CUPTI_ERROR_MAX_LIMIT_REACHED: the buffer holds no further record */

EXPORTED int cuptiGetVersion(uint32_t *version) {
    *version = CUDA_VERSION;
    return 0;
}

EXPORTED int cuptiGetResultString(int result, const char **text) {
    *text = result == 0 ? "CUPTI_SUCCESS" : "an error of the simulated CUPTI";
    return 0;
}

EXPORTED int cuptiActivityGetNextRecord(void *buffer, size_t bytes, void **record) {
    *record = NULL;
    return MAX_LIMIT_REACHED;
}
