/* What the device says of itself, and the faults. */
#include "device.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By this symbol scripts/inside/device.py knows that a device is simulated. */
EXPORTED const int kokoro_spark_simulated_gpu = 1;

#define GB10_MEMORY ((size_t)122570 << 20)

static struct gpu_settings settings;
static pthread_once_t settings_read = PTHREAD_ONCE_INIT;

static const char *text_of(const char *variable, const char *otherwise) {
    const char *value = getenv(variable);
    return value != NULL && *value != '\0' ? value : otherwise;
}

static long long number_of(const char *variable, long long otherwise) {
    const char *value = text_of(variable, NULL);
    return value == NULL ? otherwise : strtoll(value, NULL, 10);
}

static void read_settings(void) {
    settings.name = text_of("SIMULATED_GPU_NAME", "NVIDIA GB10");
    if (sscanf(text_of("SIMULATED_GPU_CAPABILITY", "12.1"), "%d.%d", &settings.major, &settings.minor) != 2) {
        fputs("SIMULATED_GPU_CAPABILITY is not of the form 12.1\n", stderr);
        abort();
    }
    settings.memory = (size_t)number_of("SIMULATED_GPU_MEMORY", (long long)GB10_MEMORY);
    /* CUDA_VERSION is that of the torch that this was built for: a driver of that release runs it. */
    settings.driver = (int)number_of("SIMULATED_GPU_DRIVER", CUDA_VERSION);
    settings.devices = (int)number_of("SIMULATED_GPU_DEVICES", 1);
    settings.trace = text_of("SIMULATED_GPU_TRACE", NULL);
    settings.module_error = (int)number_of("SIMULATED_GPU_MODULE_ERROR", 0);
    settings.launch_error = (int)number_of("SIMULATED_GPU_LAUNCH_ERROR", 0);
    settings.ending = text_of("SIMULATED_GPU_LAUNCH_ENDING", "");
    settings.kernel = text_of("SIMULATED_GPU_KERNEL", "");
}

const struct gpu_settings *simgpu_settings(void) {
    pthread_once(&settings_read, read_settings);
    return &settings;
}

int simgpu_architecture(void) {
    return 10 * simgpu_settings()->major + simgpu_settings()->minor;
}

/* Values: the CUDA Programming Guide's table of compute capabilities, column 12.x, and GB10's public figures. */
int simgpu_attribute(int attribute) {
    switch (attribute) {
    case 1: /* MaxThreadsPerBlock */
    case 2: /* MaxBlockDimX */
    case 3: /* MaxBlockDimY */
        return 1024;
    case 4: /* MaxBlockDimZ */
        return 64;
    case 5:  /* MaxGridDimX */
    case 11: /* MaxPitch */
        return 2147483647;
    case 6: /* MaxGridDimY */
    case 7: /* MaxGridDimZ */
        return 65535;
    case 8: /* MaxSharedMemoryPerBlock */
        return 48 << 10;
    case 9:  /* TotalConstantMemory */
    case 12: /* MaxRegistersPerBlock */
    case 82: /* MaxRegistersPerMultiprocessor */
        return 64 << 10;
    case 10: /* WarpSize */
        return 32;
    case 13: /* ClockRate, kHz */
        return 2418000;
    case 14: /* TextureAlignment */
        return 512;
    case ATTRIBUTE_MULTIPROCESSORS:
        return 48;
    case 33: /* PciBusId */
        return 0xF;
    case 36: /* MemoryClockRate, kHz */
        return 4266000;
    case 37: /* GlobalMemoryBusWidth, bits */
        return 256;
    case 38: /* L2CacheSize */
        return 24 << 20;
    case ATTRIBUTE_THREADS_PER_MULTIPROCESSOR:
        return 1536;
    case 40: /* AsyncEngineCount */
        return 2;
    case 51: /* TexturePitchAlignment */
        return 32;
    case 75: /* ComputeCapabilityMajor */
        return simgpu_settings()->major;
    case 76: /* ComputeCapabilityMinor */
        return simgpu_settings()->minor;
    case 81: /* MaxSharedMemoryPerMultiprocessor */
        return 100 << 10;
    case 97: /* MaxSharedMemoryPerBlockOptin */
        return 99 << 10;
    case 106: /* MaxBlocksPerMultiprocessor */
        return 24;
    case 111: /* ReservedSharedMemoryPerBlock */
        return 1 << 10;
    case 15:  /* GpuOverlap */
    case 18:  /* Integrated: GB10 shares its memory with the CPU */
    case 19:  /* CanMapHostMemory */
    case 31:  /* ConcurrentKernels */
    case 34:  /* PciDeviceId */
    case 41:  /* UnifiedAddressing */
    case 78:  /* StreamPrioritiesSupported */
    case 79:  /* GlobalL1CacheSupported */
    case 80:  /* LocalL1CacheSupported */
    case 83:  /* ManagedMemory */
    case 88:  /* PageableMemoryAccess */
    case 89:  /* ConcurrentManagedAccess */
    case 91:  /* CanUseHostPointerForRegisteredMem */
    case 95:  /* CooperativeLaunch */
    case 99:  /* HostRegisterSupported */
    case 102: /* VirtualMemoryManagementSupported, the driver's alone */
    case 115: /* MemoryPoolsSupported */
    case 120: /* ClusterLaunch */
        return 1;
    default:
        return 0;
    }
}

static bool is_meant(const char *name, bool compiled) {
    const char *part = simgpu_settings()->kernel;
    return *part == '\0' ? compiled : strstr(name, part) != NULL;
}

int simgpu_launch_fault(const char *name, bool compiled) {
    const struct gpu_settings *wanted = simgpu_settings();
    if ((*wanted->ending == '\0' && wanted->launch_error == 0) || !is_meant(name, compiled)) {
        return SUCCESS;
    }
    if (strcmp(wanted->ending, "hang") == 0) {
        for (;;) {
            pause();
        }
    }
    if (strcmp(wanted->ending, "crash") == 0) {
        raise(SIGSEGV);
    }
    if (strcmp(wanted->ending, "kill") == 0) {
        raise(SIGKILL);
    }
    return wanted->launch_error;
}
