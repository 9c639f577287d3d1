/* libcuda.so.1, the driver: devices, contexts, entry points by name, and the memory behind torch's expandable segments;
 * modules are in driver_modules.c. Everything else that torch imports is a stub (stubs.py).
 */
#define _GNU_SOURCE
#include "device.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static char context; /* every device has this one: nothing is ever told apart by it */

EXPORTED int cuInit(unsigned flags) {
    if (simgpu_settings()->devices == 0) {
        return NO_DEVICE;
    }
    simgpu_trace_device();
    return SUCCESS;
}

EXPORTED int cuDriverGetVersion(int *version) {
    *version = simgpu_settings()->driver;
    return SUCCESS;
}

EXPORTED int cuDeviceGetCount(int *count) {
    *count = simgpu_settings()->devices;
    return SUCCESS;
}

EXPORTED int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return ordinal >= 0 && ordinal < simgpu_settings()->devices ? SUCCESS : INVALID_DEVICE;
}

EXPORTED int cuDeviceGetName(char *name, int room, int device) {
    snprintf(name, (size_t)room, "%s", simgpu_settings()->name);
    return SUCCESS;
}

EXPORTED int cuDeviceGetUuid(char *uuid, int device) {
    memset(uuid, 0, 16);
    uuid[15] = (char)(device + 1);
    return SUCCESS;
}

EXPORTED int cuDeviceGetUuid_v2(char *uuid, int device) {
    return cuDeviceGetUuid(uuid, device);
}

EXPORTED int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = simgpu_attribute(attribute);
    return SUCCESS;
}

EXPORTED int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = simgpu_settings()->memory;
    return SUCCESS;
}

EXPORTED int cuDeviceComputeCapability(int *major, int *minor, int device) {
    *major = simgpu_settings()->major;
    *minor = simgpu_settings()->minor;
    return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    *flags = 0;
    *active = 1;
    return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxRetain(void **retained, int device) {
    *retained = &context;
    return SUCCESS;
}

EXPORTED int cuCtxGetCurrent(void **current) {
    *current = &context;
    return SUCCESS;
}

EXPORTED int cuCtxGetDevice(int *device) {
    *device = 0;
    return SUCCESS;
}

EXPORTED int cuGetErrorString(int code, const char **text) {
    *text = simgpu_error_text(code);
    return *text == NULL ? INVALID_VALUE : SUCCESS;
}

EXPORTED int cuGetErrorName(int code, const char **name) {
    *name = simgpu_error_name(code, false);
    return *name == NULL ? INVALID_VALUE : SUCCESS;
}

/* ---- entry points by name ---- */

/* The caller says which CUDA it knows, which is left alone: older versions of the few functions that torch asks for do
 * not differ in what they take. */
void *simgpu_entry_point(const char *name) {
    static const char *const versions[] = {"_v3", "_v2", ""};
    char full[256];
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    for (size_t index = 0; index < sizeof versions / sizeof *versions; index++) {
        snprintf(full, sizeof full, "%s%s", name, versions[index]);
        void *found = driver == NULL ? NULL : dlsym(driver, full);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

EXPORTED int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    *function = simgpu_entry_point(name);
    if (status != NULL) {
        *status = *function == NULL; /* CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND */
    }
    return *function == NULL ? NOT_FOUND : SUCCESS;
}

/* Private tables between NVIDIA's own libraries: there are none here. */
EXPORTED int cuGetExportTable(const void **table, const void *id) {
    *table = NULL;
    return NOT_FOUND;
}

/* ---- virtual memory, for expandable segments ---- */

#define GRANULARITY ((size_t)2 << 20)

EXPORTED int cuMemGetAllocationGranularity(size_t *granularity, const void *properties, int option) {
    *granularity = GRANULARITY;
    return SUCCESS;
}

EXPORTED int cuMemAddressReserve(uintptr_t *start, size_t bytes, size_t alignment, uintptr_t wanted, uint64_t flags) {
    void *range = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *start = range == MAP_FAILED ? 0 : (uintptr_t)range;
    return range == MAP_FAILED ? OUT_OF_MEMORY : SUCCESS;
}

EXPORTED int cuMemAddressFree(uintptr_t start, size_t bytes) {
    return munmap((void *)start, bytes) == 0 ? SUCCESS : INVALID_VALUE;
}

/* A handle is the size: physical memory is told apart by nothing else. */
EXPORTED int cuMemCreate(uint64_t *handle, size_t bytes, const void *properties, uint64_t flags) {
    *handle = bytes;
    return simgpu_reserve(bytes);
}

EXPORTED int cuMemRelease(uint64_t handle) {
    simgpu_release(handle);
    return SUCCESS;
}

EXPORTED int cuMemMap(uintptr_t start, size_t bytes, size_t offset, uint64_t handle, uint64_t flags) {
    if (mprotect((void *)start, bytes, PROT_READ | PROT_WRITE) != 0) {
        return INVALID_VALUE;
    }
    return simgpu_borrow((void *)start, bytes, GPU_DEVICE);
}

/* What is mapped here can be read and written from the start. */
EXPORTED int cuMemSetAccess(uintptr_t start, size_t bytes, const void *access, size_t count) {
    return SUCCESS;
}

EXPORTED int cuMemUnmap(uintptr_t start, size_t bytes) {
    madvise((void *)start, bytes, MADV_DONTNEED);
    mprotect((void *)start, bytes, PROT_NONE);
    return simgpu_give_back((void *)start);
}

EXPORTED int cuMemGetInfo_v2(size_t *left, size_t *total) {
    *left = simgpu_memory_free();
    *total = simgpu_settings()->memory;
    return SUCCESS;
}

EXPORTED int cuMemGetAddressRange_v2(uintptr_t *start, size_t *bytes, uintptr_t pointer) {
    struct gpu_block block;
    if (!simgpu_find((void *)pointer, &block)) {
        return NOT_FOUND;
    }
    *start = (uintptr_t)block.start;
    *bytes = block.bytes;
    return SUCCESS;
}

EXPORTED int cuMemsetD32Async(uintptr_t start, unsigned value, size_t words, void *stream) {
    for (size_t index = 0; index < words; index++) {
        ((unsigned *)start)[index] = value;
    }
    return SUCCESS;
}

/* Attributes that torch asks for; each has its own type. */
EXPORTED int cuPointerGetAttribute(void *value, int attribute, uintptr_t pointer) {
    struct gpu_block block;
    if (!simgpu_find((void *)pointer, &block)) {
        return INVALID_VALUE;
    }
    switch (attribute) {
    case 1: /* CONTEXT */
        *(void **)value = &context;
        return SUCCESS;
    case 2: /* MEMORY_TYPE: 1 host, 2 device */
        *(unsigned *)value = block.kind == GPU_HOST ? 1 : 2;
        return SUCCESS;
    case 3: /* DEVICE_POINTER */
    case 4: /* HOST_POINTER */
        *(uintptr_t *)value = pointer;
        return SUCCESS;
    case 8: /* IS_MANAGED */
        *(unsigned *)value = block.kind == GPU_MANAGED;
        return SUCCESS;
    case 9: /* DEVICE_ORDINAL */
        *(int *)value = 0;
        return SUCCESS;
    case 11: /* RANGE_START_ADDR */
        *(void **)value = block.start;
        return SUCCESS;
    case 12: /* RANGE_SIZE */
        *(size_t *)value = block.bytes;
        return SUCCESS;
    default:
        return NOT_SUPPORTED;
    }
}
