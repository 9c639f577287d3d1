/* libcudart.so: streams, events, host functions. All work is done when the call that asks for it returns. */
#include "cudart.h"

#include <stdlib.h>
#include <time.h>

static int create(void **handle, size_t bytes) {
    int ready = runtime_ready();
    if (ready != SUCCESS) {
        return ready;
    }
    *handle = calloc(1, bytes);
    return *handle == NULL ? answer(OUT_OF_MEMORY) : SUCCESS;
}

struct stream {
    int priority;
};

EXPORTED int cudaStreamCreateWithPriority(struct stream **stream, unsigned flags, int priority) {
    int made = create((void **)stream, sizeof **stream);
    if (made == SUCCESS) {
        (*stream)->priority = priority;
    }
    return made;
}

EXPORTED int cudaStreamCreateWithFlags(struct stream **stream, unsigned flags) {
    return cudaStreamCreateWithPriority(stream, flags, 0);
}

EXPORTED int cudaStreamCreate(struct stream **stream) {
    return cudaStreamCreateWithPriority(stream, 0, 0);
}

EXPORTED int cudaStreamDestroy(struct stream *stream) {
    free(stream);
    return SUCCESS;
}

/* Handles 0, 1 and 2 are the default streams. */
EXPORTED int cudaStreamGetPriority(const struct stream *stream, int *priority) {
    *priority = (uintptr_t)stream <= 2 ? 0 : stream->priority;
    return SUCCESS;
}

/* ---- capture into graphs: refused, as work that is done at once cannot be recorded ---- */

EXPORTED int cudaStreamBeginCapture(const struct stream *stream, int mode) {
    return answer(NOT_SUPPORTED);
}

EXPORTED int cudaStreamIsCapturing(const struct stream *stream, int *status) {
    *status = 0; /* cudaStreamCaptureStatusNone */
    return SUCCESS;
}

static int no_capture(int *status, uint64_t *id, void **graph, size_t *dependencies) {
    *status = 0;
    if (id != NULL) {
        *id = 0;
    }
    if (graph != NULL) {
        *graph = NULL;
    }
    if (dependencies != NULL) {
        *dependencies = 0;
    }
    return SUCCESS;
}

#if CUDART_MAJOR == 12
EXPORTED int cudaStreamGetCaptureInfo_v2(const struct stream *stream, int *status, uint64_t *id, void **graph,
                                         void **nodes, size_t *dependencies) {
    return no_capture(status, id, graph, dependencies);
}
#else
EXPORTED int cudaStreamGetCaptureInfo(const struct stream *stream, int *status, uint64_t *id, void **graph,
                                      void **nodes, void **edges, size_t *dependencies) {
    return no_capture(status, id, graph, dependencies);
}
#endif

/* ---- host functions ---- */

EXPORTED int cudaLaunchHostFunc(const struct stream *stream, void (*function)(void *), void *data) {
    function(data);
    return SUCCESS;
}

EXPORTED int cudaStreamAddCallback(struct stream *stream, void (*callback)(struct stream *, int, void *), void *data,
                                   unsigned flags) {
    callback(stream, SUCCESS, data);
    return SUCCESS;
}

/* ---- events: the time of the host ---- */

EXPORTED int cudaEventCreateWithFlags(struct timespec **event, unsigned flags) {
    return create((void **)event, sizeof **event);
}

EXPORTED int cudaEventCreate(struct timespec **event) {
    return cudaEventCreateWithFlags(event, 0);
}

EXPORTED int cudaEventDestroy(struct timespec *event) {
    free(event);
    return SUCCESS;
}

EXPORTED int cudaEventRecord(struct timespec *event, const struct stream *stream) {
    clock_gettime(CLOCK_MONOTONIC, event);
    return SUCCESS;
}

EXPORTED int cudaEventRecordWithFlags(struct timespec *event, const struct stream *stream, unsigned flags) {
    return cudaEventRecord(event, stream);
}

EXPORTED int cudaEventElapsedTime(float *milliseconds, const struct timespec *begin, const struct timespec *end) {
    *milliseconds =
        (float)((double)(end->tv_sec - begin->tv_sec) * 1e3 + (double)(end->tv_nsec - begin->tv_nsec) / 1e6);
    return SUCCESS;
}
