/* libcublasLt.so: torch multiplies with the first algorithm that the heuristic gives. */
#include "library.h"

struct heuristic_result { /* cublasLtMatmulHeuristicResult_t */
    uint64_t algorithm[8];
    size_t workspace_bytes;
    int status;
    float waves;
    int reserved[4];
};

EXPORTED size_t cublasLtGetVersion(void) {
    return CUDA_VERSION * 10;
}

EXPORTED int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c, void *d,
                                            void *preference, int asked, struct heuristic_result *results, int *count) {
    *count = asked > 0;
    if (asked > 0) {
        memset(results, 0, sizeof *results);
    }
    return 0;
}
