/* libnvidia-ml.so.1, which comes with the driver: what torch asks of it when it counts devices and maps memory. */
#include "device.h"

#include <stdio.h>

enum { NVML_SUCCESS = 0, NVML_INVALID_ARGUMENT = 2, NVML_NOT_SUPPORTED = 3 };

EXPORTED int nvmlInit(void) {
    return NVML_SUCCESS;
}

EXPORTED int nvmlInit_v2(void) {
    return NVML_SUCCESS;
}

EXPORTED int nvmlShutdown(void) {
    return NVML_SUCCESS;
}

EXPORTED int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    *version = simgpu_settings()->driver;
    return NVML_SUCCESS;
}

EXPORTED int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)simgpu_settings()->devices;
    return NVML_SUCCESS;
}

/* A device's handle is its index plus one. */
EXPORTED int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)(uintptr_t)(index + 1);
    return index < (unsigned)simgpu_settings()->devices ? NVML_SUCCESS : NVML_INVALID_ARGUMENT;
}

EXPORTED int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device) {
    return nvmlDeviceGetHandleByIndex_v2(0, device);
}

EXPORTED int nvmlDeviceGetUUID(void *device, char *text, unsigned room) {
    snprintf(text, room, "GPU-00000000-0000-0000-0000-%012x", (unsigned)(uintptr_t)device);
    return NVML_SUCCESS;
}

EXPORTED int nvmlDeviceGetComputeRunningProcesses(void *device, unsigned *count, void *processes) {
    *count = 0;
    return NVML_SUCCESS;
}

/* One GB10 is in no fabric of NVLinks. */
EXPORTED int nvmlDeviceGetGpuFabricInfoV(void *device, void *fabric) {
    return NVML_NOT_SUPPORTED;
}

EXPORTED int nvmlDeviceGetNvLinkRemoteDeviceType(void *device, unsigned link, int *type) {
    return NVML_NOT_SUPPORTED;
}

EXPORTED int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *device, unsigned link, void *information) {
    return NVML_NOT_SUPPORTED;
}
