/* libcudart.so, the runtime: devices, errors, versions. CUDART_MAJOR is 12 or 13, CUDA_VERSION e.g. 12080. */
#include "cudart.h"
#include "cudart_layouts.h"

#include <stdio.h>
#include <string.h>

EXPORTED const int kokoro_spark_simulated_gpu = 1; /* as in the driver: see device.c */

static __thread int chosen_device;
static __thread int last_error;

int answer(int code) {
    if (code != SUCCESS) {
        last_error = code;
    }
    return code;
}

int runtime_ready(void) {
    /* Minor-version compatibility: a driver of the same major is new enough. */
    if (simgpu_settings()->driver / 1000 < CUDART_MAJOR) {
        return answer(INSUFFICIENT_DRIVER);
    }
    if (simgpu_settings()->devices == 0) {
        return answer(NO_DEVICE);
    }
    simgpu_trace_device();
    return SUCCESS;
}

static bool is_device(int device) {
    return device >= 0 && device < simgpu_settings()->devices;
}

EXPORTED int cudaGetDeviceCount(int *count) {
    int ready = runtime_ready();
    *count = ready == SUCCESS ? simgpu_settings()->devices : 0;
    return ready;
}

EXPORTED int cudaGetDevice(int *device) {
    int ready = runtime_ready();
    *device = chosen_device;
    return ready;
}

EXPORTED int cudaSetDevice(int device) {
    int ready = runtime_ready();
    if (ready != SUCCESS) {
        return ready;
    }
    if (!is_device(device)) {
        return answer(INVALID_DEVICE);
    }
    chosen_device = device;
    return SUCCESS;
}

EXPORTED int cudaDeviceGetAttribute(int *value, int attribute, int device) {
    int ready = runtime_ready();
    if (ready != SUCCESS) {
        return ready;
    }
    if (!is_device(device)) {
        return answer(INVALID_DEVICE);
    }
    *value = simgpu_attribute(attribute);
    return SUCCESS;
}

static int fill_properties(struct device_properties *properties, int device) {
    int ready = runtime_ready();
    if (ready != SUCCESS) {
        return ready;
    }
    if (!is_device(device)) {
        return answer(INVALID_DEVICE);
    }
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "%s", simgpu_settings()->name);
    properties->uuid[15] = (char)(device + 1);
    properties->totalGlobalMem = simgpu_settings()->memory;
    properties->sharedMemPerBlock = (size_t)simgpu_attribute(8);
    properties->regsPerBlock = simgpu_attribute(12);
    properties->warpSize = simgpu_attribute(10);
    properties->memPitch = (size_t)simgpu_attribute(11);
    properties->maxThreadsPerBlock = simgpu_attribute(1);
    for (int axis = 0; axis < 3; axis++) {
        properties->maxThreadsDim[axis] = simgpu_attribute(2 + axis);
        properties->maxGridSize[axis] = simgpu_attribute(5 + axis);
    }
    properties->totalConstMem = (size_t)simgpu_attribute(9);
    properties->major = simgpu_settings()->major;
    properties->minor = simgpu_settings()->minor;
    properties->textureAlignment = (size_t)simgpu_attribute(14);
    properties->texturePitchAlignment = (size_t)simgpu_attribute(51);
    properties->multiProcessorCount = simgpu_attribute(ATTRIBUTE_MULTIPROCESSORS);
    properties->integrated = simgpu_attribute(18);
    properties->canMapHostMemory = simgpu_attribute(19);
    properties->concurrentKernels = simgpu_attribute(31);
    properties->pciBusID = simgpu_attribute(33);
    properties->pciDeviceID = simgpu_attribute(34) + device;
    properties->asyncEngineCount = simgpu_attribute(40);
    properties->unifiedAddressing = simgpu_attribute(41);
    properties->memoryBusWidth = simgpu_attribute(37);
    properties->l2CacheSize = simgpu_attribute(38);
    properties->maxThreadsPerMultiProcessor = simgpu_attribute(ATTRIBUTE_THREADS_PER_MULTIPROCESSOR);
    properties->streamPrioritiesSupported = simgpu_attribute(78);
    properties->globalL1CacheSupported = simgpu_attribute(79);
    properties->localL1CacheSupported = simgpu_attribute(80);
    properties->sharedMemPerMultiprocessor = (size_t)simgpu_attribute(81);
    properties->regsPerMultiprocessor = simgpu_attribute(82);
    properties->managedMemory = simgpu_attribute(83);
    properties->pageableMemoryAccess = simgpu_attribute(88);
    properties->concurrentManagedAccess = simgpu_attribute(89);
    properties->canUseHostPointerForRegisteredMem = simgpu_attribute(91);
    properties->cooperativeLaunch = simgpu_attribute(95);
    properties->sharedMemPerBlockOptin = (size_t)simgpu_attribute(97);
    properties->maxBlocksPerMultiProcessor = simgpu_attribute(106);
    properties->reservedSharedMemPerBlock = (size_t)simgpu_attribute(111);
    properties->hostRegisterSupported = simgpu_attribute(99);
    properties->memoryPoolsSupported = simgpu_attribute(115);
    properties->clusterLaunch = simgpu_attribute(120);
    return SUCCESS;
}

/* CUDA 12's headers turn the first name into the second; what is left under the first has CUDA 11's layout, which
 * no torch of today asks for. */
#if CUDART_MAJOR == 12
EXPORTED int cudaGetDeviceProperties_v2(struct device_properties *properties, int device) {
    return fill_properties(properties, device);
}
#else
EXPORTED int cudaGetDeviceProperties(struct device_properties *properties, int device) {
    return fill_properties(properties, device);
}
#endif

EXPORTED int cudaDeviceGetPCIBusId(char *text, int room, int device) {
    snprintf(text, (size_t)room, "0000:0F:%02X.0", simgpu_attribute(34) + device);
    return SUCCESS;
}

EXPORTED int cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    if (least != NULL) {
        *least = 0;
    }
    if (greatest != NULL) {
        *greatest = -5;
    }
    return runtime_ready();
}

EXPORTED int cudaDeviceCanAccessPeer(int *can, int device, int peer) {
    *can = 0;
    return SUCCESS;
}

EXPORTED int cudaDriverGetVersion(int *version) {
    *version = simgpu_settings()->driver;
    return SUCCESS;
}

EXPORTED int cudaRuntimeGetVersion(int *version) {
    *version = CUDA_VERSION;
    return SUCCESS;
}

EXPORTED int cudaGetLastError(void) {
    int code = last_error;
    last_error = SUCCESS;
    return code;
}

EXPORTED int cudaPeekAtLastError(void) {
    return last_error;
}

EXPORTED const char *cudaGetErrorName(int code) {
    const char *name = simgpu_error_name(code, true);
    return name == NULL ? "unrecognized error code" : name;
}

EXPORTED const char *cudaGetErrorString(int code) {
    const char *text = simgpu_error_text(code);
    return text == NULL ? "unrecognized error code" : text;
}

/* ---- the driver's functions, by name ---- */

EXPORTED int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version, uint64_t flags,
                                              int *status) {
    *function = simgpu_entry_point(name);
    if (status != NULL) {
        *status = *function == NULL; /* cudaDriverEntryPointSymbolNotFound */
    }
    return SUCCESS;
}

EXPORTED int cudaGetDriverEntryPoint(const char *name, void **function, uint64_t flags, int *status) {
    return cudaGetDriverEntryPointByVersion(name, function, CUDA_VERSION, flags, status);
}
