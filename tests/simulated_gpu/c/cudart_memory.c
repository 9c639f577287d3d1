/* libcudart.so: memory. Copies move bytes at once, since the host's memory is the device's. */
#include "cudart.h"
#include "cudart_layouts.h"

#include <string.h>

static int allocate(void **pointer, size_t bytes, enum gpu_memory_kind kind) {
    int ready = runtime_ready();
    return ready == SUCCESS ? answer(simgpu_allocate(pointer, bytes, kind)) : ready;
}

EXPORTED int cudaMalloc(void **pointer, size_t bytes) {
    return allocate(pointer, bytes, GPU_DEVICE);
}

EXPORTED int cudaMallocAsync(void **pointer, size_t bytes, void *stream) {
    return allocate(pointer, bytes, GPU_DEVICE);
}

EXPORTED int cudaMallocManaged(void **pointer, size_t bytes, unsigned flags) {
    return allocate(pointer, bytes, GPU_MANAGED);
}

EXPORTED int cudaHostAlloc(void **pointer, size_t bytes, unsigned flags) {
    return allocate(pointer, bytes, GPU_HOST);
}

EXPORTED int cudaMallocHost(void **pointer, size_t bytes) {
    return allocate(pointer, bytes, GPU_HOST);
}

EXPORTED int cudaFree(void *pointer) {
    int ready = runtime_ready(); /* cudaFree(NULL) is how programs initialise the runtime */
    return ready == SUCCESS ? answer(simgpu_free(pointer)) : ready;
}

EXPORTED int cudaFreeAsync(void *pointer, void *stream) {
    return answer(simgpu_free(pointer));
}

EXPORTED int cudaFreeHost(void *pointer) {
    return answer(simgpu_free(pointer));
}

EXPORTED int cudaHostRegister(void *pointer, size_t bytes, unsigned flags) {
    return answer(simgpu_borrow(pointer, bytes, GPU_HOST));
}

EXPORTED int cudaHostUnregister(void *pointer) {
    return answer(simgpu_give_back(pointer));
}

EXPORTED int cudaHostGetDevicePointer(void **device_pointer, void *host_pointer, unsigned flags) {
    *device_pointer = host_pointer;
    return SUCCESS;
}

EXPORTED int cudaPointerGetAttributes(struct pointer_attributes *attributes, const void *pointer) {
    struct gpu_block block;
    memset(attributes, 0, sizeof *attributes);
    if (!simgpu_find(pointer, &block)) {
        attributes->device = -2; /* cudaInvalidDeviceId: memory that CUDA does not know */
        return SUCCESS;
    }
    attributes->type = (int)block.kind;
    attributes->device = 0;
    attributes->devicePointer = (void *)pointer;
    attributes->hostPointer = block.kind == GPU_DEVICE ? NULL : (void *)pointer;
    return SUCCESS;
}

EXPORTED int cudaMemGetInfo(size_t *left, size_t *total) {
    *left = simgpu_memory_free();
    *total = simgpu_settings()->memory;
    return runtime_ready();
}

/* ---- copies ---- */

EXPORTED int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
    memmove(to, from, bytes);
    return SUCCESS;
}

EXPORTED int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
    memmove(to, from, bytes);
    return SUCCESS;
}

EXPORTED int cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t bytes,
                                 void *stream) {
    memmove(to, from, bytes);
    return SUCCESS;
}

EXPORTED int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                               size_t height, int kind, void *stream) {
    for (size_t row = 0; row < height; row++) {
        memmove((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
    }
    return SUCCESS;
}

EXPORTED int cudaMemset(void *to, int value, size_t bytes) {
    memset(to, value, bytes);
    return SUCCESS;
}

EXPORTED int cudaMemsetAsync(void *to, int value, size_t bytes, void *stream) {
    memset(to, value, bytes);
    return SUCCESS;
}

/* ---- pools, for the back end cudaMallocAsync ---- */

static char default_pool;

EXPORTED int cudaDeviceGetDefaultMemPool(void **pool, int device) {
    *pool = &default_pool;
    return SUCCESS;
}

/* Every attribute of a pool that torch reads is a count of 64 bits. */
EXPORTED int cudaMemPoolGetAttribute(void *pool, int attribute, void *value) {
    memset(value, 0, sizeof(uint64_t));
    return SUCCESS;
}

EXPORTED int cudaDeviceGetGraphMemAttribute(int device, int attribute, void *value) {
    memset(value, 0, sizeof(uint64_t));
    return SUCCESS;
}
