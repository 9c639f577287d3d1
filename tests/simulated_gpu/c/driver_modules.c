/* libcuda.so.1: modules, functions and launches, which is what the Jiterator does with the cubins that NVRTC made. */
#include "device.h"
#include "fatbin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module {
    struct device_code code;
};

struct function {
    struct device_code code;
    char name[]; /* as it is in the module */
};

/* Load a module as a driver would: it must be for this device. */
static int load(struct module **loaded, const void *image) {
    struct device_code code;
    char architecture[32];
    int answer = read_image(image, &code);
    if (simgpu_settings()->module_error != 0) {
        answer = simgpu_settings()->module_error;
    }
    name_architecture(&code, architecture, sizeof architecture);
    simgpu_trace_module(code.is_ptx ? "ptx" : "cubin", architecture, code.bytes, answer);
    if (answer != SUCCESS) {
        return answer;
    }
    *loaded = calloc(1, sizeof **loaded);
    if (*loaded == NULL) {
        return OUT_OF_MEMORY;
    }
    (*loaded)->code = code;
    return SUCCESS;
}

EXPORTED int cuModuleLoadData(struct module **loaded, const void *image) {
    return load(loaded, image);
}

EXPORTED int cuModuleLoadDataEx(struct module **loaded, const void *image, unsigned count, int *options,
                                void **values) {
    return load(loaded, image);
}

EXPORTED int cuModuleLoadFatBinary(struct module **loaded, const void *image) {
    return load(loaded, image);
}

/* Read a whole file, with a zero byte after it, since PTX is text. NULL: it cannot be read. */
static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    rewind(file);
    char *text = bytes < 0 ? NULL : calloc(1, (size_t)bytes + 64);
    if (text != NULL && fread(text, 1, (size_t)bytes, file) != (size_t)bytes) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

EXPORTED int cuModuleLoad(struct module **loaded, const char *path) {
    char *image = read_file(path);
    if (image == NULL) {
        return FILE_NOT_FOUND;
    }
    int answer = load(loaded, image);
    free(image);
    return answer;
}

EXPORTED int cuModuleUnload(struct module *module) {
    free(module);
    return SUCCESS;
}

/* Handles of functions outlive their module here; a driver would refuse them. */
EXPORTED int cuModuleGetFunction(struct function **found, struct module *module, const char *name) {
    char architecture[32];
    struct function *function = calloc(1, sizeof *function + strlen(name) + 1);
    if (function == NULL) {
        return OUT_OF_MEMORY;
    }
    function->code = module->code;
    strcpy(function->name, name);
    name_architecture(&module->code, architecture, sizeof architecture);
    simgpu_trace_function(name, architecture);
    *found = function;
    return SUCCESS;
}

static int launch(struct function *function) {
    int answer = simgpu_launch_fault(function->name, true);
    simgpu_trace_launch("driver", function->name, answer);
    return answer;
}

EXPORTED int cuLaunchKernel(struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                            unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream,
                            void **parameters, void **extra) {
    return launch(function);
}

EXPORTED int cuLaunchKernelEx(const void *configuration, struct function *function, void **parameters, void **extra) {
    return launch(function);
}

EXPORTED int cuLaunchCooperativeKernel(struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                                       void *stream, void **parameters) {
    return launch(function);
}

EXPORTED int cuFuncGetAttribute(int *value, int attribute, struct function *function) {
    switch (attribute) {
    case 0: /* MAX_THREADS_PER_BLOCK */
        *value = 1024;
        return SUCCESS;
    case 4: /* NUM_REGS */
        *value = 32;
        return SUCCESS;
    case 5: /* PTX_VERSION */
    case 6: /* BINARY_VERSION */
        *value = function->code.architecture;
        return SUCCESS;
    case 8: /* MAX_DYNAMIC_SHARED_SIZE_BYTES */
        *value = 48 << 10;
        return SUCCESS;
    default:
        *value = 0;
        return SUCCESS;
    }
}

EXPORTED int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, struct function *function, int block_threads,
                                                         size_t shared_bytes) {
    int threads = simgpu_attribute(ATTRIBUTE_THREADS_PER_MULTIPROCESSOR);
    *blocks = block_threads > 0 ? threads / block_threads : 0;
    return SUCCESS;
}
