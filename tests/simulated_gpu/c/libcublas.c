/* libcublas.so: modes that torch reads back. */
#include "library.h"

EXPORTED int cublasGetMathMode(void *handle, int *mode) {
    *mode = 0; /* CUBLAS_DEFAULT_MATH */
    return 0;
}

EXPORTED int cublasGetPointerMode_v2(void *handle, int *mode) {
    *mode = 0; /* CUBLAS_POINTER_MODE_HOST */
    return 0;
}
