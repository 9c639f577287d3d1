/* libcudnn.so: tensor and filter descriptors, which torch reads back, and the graph API. See cudnn_rnn.c too. */
#include "cudnn.h"

/* Newer than any that torch was built with: torch asks for the same major version and no older minor one. */
#define CUDNN_MAJOR 9
#define CUDNN_MINOR 99
#define CUDNN_PATCH 0

EXPORTED size_t cudnnGetVersion(void) {
    return CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCH;
}

EXPORTED size_t cudnnGetCudartVersion(void) {
    return CUDA_VERSION;
}

EXPORTED int cudnnGetProperty(int property, int *value) {
    static const int version[] = {CUDNN_MAJOR, CUDNN_MINOR, CUDNN_PATCH};
    *value = version[property];
    return 0;
}

EXPORTED const char *cudnnGetErrorString(int status) {
    return status == 0 ? "CUDNN_STATUS_SUCCESS" : "an error of the simulated cuDNN";
}

EXPORTED void cudnnGetLastErrorString(char *text, size_t room) {
    if (room > 0) {
        *text = '\0';
    }
}

/* ---- descriptors ---- */

void set_tensor(struct tensor *tensor, int type, int dimensions, const int *sizes, const int *strides) {
    tensor->type = type;
    tensor->dimensions = dimensions < MOST_DIMENSIONS ? dimensions : MOST_DIMENSIONS;
    for (int index = 0; index < tensor->dimensions; index++) {
        tensor->sizes[index] = sizes[index];
        tensor->strides[index] = strides == NULL ? 0 : strides[index];
    }
}

EXPORTED int cudnnSetTensorNdDescriptor(struct tensor *tensor, int type, int dimensions, const int *sizes,
                                        const int *strides) {
    set_tensor(tensor, type, dimensions, sizes, strides);
    return 0;
}

EXPORTED int cudnnGetTensorNdDescriptor(const struct tensor *tensor, int asked, int *type, int *dimensions, int *sizes,
                                        int *strides) {
    *type = tensor->type;
    *dimensions = tensor->dimensions;
    for (int index = 0; index < asked && index < tensor->dimensions; index++) {
        sizes[index] = tensor->sizes[index];
        strides[index] = tensor->strides[index];
    }
    return 0;
}

EXPORTED int cudnnSetFilterNdDescriptor(struct tensor *filter, int type, int format, int dimensions, const int *sizes) {
    set_tensor(filter, type, dimensions, sizes, NULL);
    return 0;
}

EXPORTED int cudnnGetFilterNdDescriptor(const struct tensor *filter, int asked, int *type, int *format, int *dimensions,
                                        int *sizes) {
    *type = filter->type;
    *format = 0; /* CUDNN_TENSOR_NCHW */
    *dimensions = filter->dimensions;
    for (int index = 0; index < asked && index < filter->dimensions; index++) {
        sizes[index] = filter->sizes[index];
    }
    return 0;
}

EXPORTED int cudnnDropoutGetStatesSize(void *handle, size_t *bytes) {
    *bytes = 1024;
    return 0;
}

/* ---- the graph API: every graph has one engine, which needs no workspace ---- */

enum {
    ENGINE_HEURISTIC_RESULTS = 202, /* CUDNN_ATTR_ENGINEHEUR_RESULTS */
    PLAN_WORKSPACE_SIZE = 402,      /* CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE */
};

EXPORTED int cudnnBackendCreateDescriptor(int kind, void **descriptor) {
    *descriptor = calloc(1, 64);
    return *descriptor == NULL;
}

EXPORTED int cudnnBackendDestroyDescriptor(void *descriptor) {
    free(descriptor);
    return 0;
}

EXPORTED int cudnnBackendGetAttribute(void *descriptor, int name, int type, int64_t asked, int64_t *count,
                                      void *values) {
    if (count != NULL) {
        *count = name == ENGINE_HEURISTIC_RESULTS || name == PLAN_WORKSPACE_SIZE;
    }
    if (name == PLAN_WORKSPACE_SIZE && values != NULL) {
        *(int64_t *)values = 0;
    }
    return 0;
}

/* ---- workspaces: torch allocates what it is told, so it must be told something ---- */

EXPORTED int cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(void *handle, int mode, int operations, void *x,
                                                                      void *z, void *y, void *scale, void *activation,
                                                                      size_t *bytes) {
    *bytes = 0;
    return 0;
}

EXPORTED int cudnnGetBatchNormalizationBackwardExWorkspaceSize(void *handle, int mode, int operations, void *x, void *y,
                                                               void *dy, void *dz, void *dx, void *scale,
                                                               void *activation, size_t *bytes) {
    *bytes = 0;
    return 0;
}

EXPORTED int cudnnGetBatchNormalizationTrainingExReserveSpaceSize(void *handle, int mode, int operations,
                                                                  void *activation, void *x, size_t *bytes) {
    *bytes = 0;
    return 0;
}

EXPORTED int cudnnGetConvolutionForwardWorkspaceSize(void *handle, void *x, void *weights, void *convolution, void *y,
                                                     int algorithm, size_t *bytes) {
    *bytes = 0;
    return 0;
}

EXPORTED int cudnnGetConvolutionBackwardDataWorkspaceSize(void *handle, void *weights, void *dy, void *convolution,
                                                          void *dx, int algorithm, size_t *bytes) {
    *bytes = 0;
    return 0;
}

EXPORTED int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *handle, void *x, void *dy, void *convolution,
                                                            void *dw, int algorithm, size_t *bytes) {
    *bytes = 0;
    return 0;
}
