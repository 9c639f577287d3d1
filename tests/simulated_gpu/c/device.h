/* The simulated device: what it says of itself, its memory, its trace, its faults.
 *
 * All of it lives in the stand-in for the driver, libcuda.so.1; the stand-in for the runtime is linked against that,
 * as NVIDIA's runtime asks NVIDIA's driver. Nothing but environment variables configures it (SIMULATED_GPU_*).
 * Layouts and numbers are those that the CUDA documentation gives; no header of CUDA's is needed.
 */
#ifndef SIMULATED_GPU_DEVICE_H
#define SIMULATED_GPU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

/* Codes that CUresult and cudaError_t share. */
enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INSUFFICIENT_DRIVER = 35,     /* the runtime's alone */
    INVALID_DEVICE_FUNCTION = 98, /* the runtime's alone */
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    NO_KERNEL_IMAGE = 209,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX_VERSION = 222,
    FILE_NOT_FOUND = 301,
    NOT_FOUND = 500,
    NOT_SUPPORTED = 801,
};

/* What the environment variables say; read once a process. */
struct gpu_settings {
    const char *name;   /* SIMULATED_GPU_NAME */
    int major, minor;   /* SIMULATED_GPU_CAPABILITY, "12.1" */
    size_t memory;      /* SIMULATED_GPU_MEMORY, bytes */
    int driver;         /* SIMULATED_GPU_DRIVER, 1000 * major + 10 * minor */
    int devices;        /* SIMULATED_GPU_DEVICES */
    const char *trace;  /* SIMULATED_GPU_TRACE, or NULL */
    int module_error;   /* SIMULATED_GPU_MODULE_ERROR */
    int launch_error;   /* SIMULATED_GPU_LAUNCH_ERROR */
    const char *ending; /* SIMULATED_GPU_LAUNCH_ENDING: "hang", "crash", "kill" or "" */
    const char *kernel; /* SIMULATED_GPU_KERNEL: part of a kernel's name, or "" */
};

/* What follows is exported to the runtime. */
#pragma GCC visibility push(default)

const struct gpu_settings *simgpu_settings(void);

/* One of cudaDeviceAttr or CUdevice_attribute: the two share their numbers. Unknown ones are 0, as an absent feature.
 */
int simgpu_attribute(int attribute);

/* Attributes that are asked for by name here. */
enum {
    ATTRIBUTE_MULTIPROCESSORS = 16,
    ATTRIBUTE_THREADS_PER_MULTIPROCESSOR = 39,
};

/* "12.1": the capability as one number, 121. */
int simgpu_architecture(void);

/* Error names and descriptions. `runtime`: cudaErrorNoDevice instead of CUDA_ERROR_NO_DEVICE. */
const char *simgpu_error_name(int code, bool runtime);
const char *simgpu_error_text(int code);

/* The driver's function of that name, in its newest version; NULL: there is none. */
void *simgpu_entry_point(const char *name);

/* The trace: one JSON object a line. Each call writes one line, whole. */
void simgpu_trace_device(void); /* once a process */
void simgpu_trace_module(const char *kind, const char *architecture, size_t bytes, int answer);
void simgpu_trace_function(const char *name, const char *architecture);
void simgpu_trace_launch(const char *api, const char *name, int answer);
void simgpu_trace_no_image(const char *name);

/* What a launch of that kernel answers: SUCCESS, or the fault asked for. `compiled`: it was compiled at run time.
 * Does not return where the fault is a hang, a crash or a kill. */
int simgpu_launch_fault(const char *name, bool compiled);

/* Memory. Host memory stands in for the device's; it is zeroed, and takes room only where it is written. */
enum gpu_memory_kind { GPU_UNREGISTERED = 0, GPU_HOST = 1, GPU_DEVICE = 2, GPU_MANAGED = 3 };

struct gpu_block {
    char *start;
    size_t bytes;
    enum gpu_memory_kind kind;
    bool borrowed; /* registered, not allocated here */
};

int simgpu_allocate(void **pointer, size_t bytes, enum gpu_memory_kind kind);
int simgpu_free(void *pointer);
int simgpu_borrow(void *pointer, size_t bytes, enum gpu_memory_kind kind);
int simgpu_give_back(void *pointer);
bool simgpu_find(const void *pointer, struct gpu_block *found);
int simgpu_reserve(size_t bytes); /* counts physical memory without an address, as cuMemCreate does */
void simgpu_release(size_t bytes);
size_t simgpu_memory_free(void);

#pragma GCC visibility pop

#endif
