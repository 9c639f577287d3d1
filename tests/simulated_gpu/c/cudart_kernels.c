/* libcudart.so: fat binaries and kernels, as nvcc's host code registers and launches them.
 *
 * torch registers hundreds of thousands of kernels when it is loaded, so that is kept cheap: a fat binary is read only
 * when the first kernel of it is asked for, and kernels are found by address in a hash table.
 */
#include "cudart.h"
#include "cudart_layouts.h"
#include "fatbin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct binary {
    const struct fatbin_wrapper *wrapper;
    bool was_read;
    bool runs;
    struct device_code code; /* what a driver would choose, where `runs` */
};

struct entry {
    const void *address; /* a host function, or a host variable */
    const char *name;    /* in the device code */
    struct binary *binary;
    size_t bytes;  /* of a variable */
    void *storage; /* of a variable, once it was asked for */
    bool launched;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry **table; /* open addressing; a power of two of places, at most half of them taken */
static size_t places, taken;

static size_t place_of(struct entry *const *in, size_t count, const void *address) {
    size_t place = ((uintptr_t)address >> 4) * (size_t)0x9e3779b97f4a7c15u >> 20 & (count - 1);
    while (in[place] != NULL && in[place]->address != address) {
        place = (place + 1) & (count - 1);
    }
    return place;
}

static void grow(void) {
    size_t more = places == 0 ? 1 << 16 : 2 * places;
    struct entry **larger = calloc(more, sizeof *larger);
    if (larger == NULL) {
        abort();
    }
    for (size_t index = 0; index < places; index++) {
        if (table[index] != NULL) {
            larger[place_of(larger, more, table[index]->address)] = table[index];
        }
    }
    free(table);
    table = larger;
    places = more;
}

static void put(const void *address, const char *name, struct binary *binary, size_t bytes) {
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        abort();
    }
    *entry = (struct entry){.address = address, .name = name, .binary = binary, .bytes = bytes};
    pthread_mutex_lock(&lock);
    if (2 * taken >= places) {
        grow();
    }
    size_t place = place_of(table, places, address);
    taken += table[place] == NULL;
    table[place] = entry; /* a library that was closed and loaded again takes the place of what was there */
    pthread_mutex_unlock(&lock);
}

static struct entry *find(const void *address) {
    pthread_mutex_lock(&lock);
    struct entry *entry = places == 0 ? NULL : table[place_of(table, places, address)];
    if (entry != NULL && !entry->binary->was_read) {
        struct binary *binary = entry->binary;
        binary->runs = choose_from_fatbin(binary->wrapper->data, &binary->code);
        binary->was_read = true;
    }
    pthread_mutex_unlock(&lock);
    return entry;
}

/* ---- registration ---- */

EXPORTED void **__cudaRegisterFatBinary(const struct fatbin_wrapper *wrapper) {
    struct binary *binary = calloc(1, sizeof *binary);
    if (binary == NULL || wrapper->magic != WRAPPER_MAGIC) {
        abort();
    }
    binary->wrapper = wrapper;
    return (void **)binary;
}

EXPORTED void __cudaRegisterFunction(void **handle, const char *host_function, char *device_function, const char *name,
                                     int thread_limit, void *thread, void *block, void *block_dim, void *grid_dim,
                                     int *warp_size) {
    put(host_function, name, (struct binary *)handle, 0);
}

EXPORTED void __cudaRegisterVar(void **handle, char *host_variable, char *device_address, const char *name,
                                int is_external, size_t bytes, int is_constant, int is_global) {
    put(host_variable, name, (struct binary *)handle, bytes);
}

EXPORTED char __cudaInitModule(void **handle) {
    return 1;
}

/* ---- variables of the device ---- */

static int storage_of(void **storage, const void *symbol) {
    struct entry *entry = find(symbol);
    if (entry == NULL) {
        return answer(13); /* cudaErrorInvalidSymbol */
    }
    if (!entry->binary->runs) {
        return answer(NO_KERNEL_IMAGE);
    }
    if (entry->storage == NULL) {
        int made = simgpu_allocate(&entry->storage, entry->bytes, GPU_DEVICE);
        if (made != SUCCESS) {
            return answer(made);
        }
    }
    *storage = entry->storage;
    return SUCCESS;
}

EXPORTED int cudaGetSymbolAddress(void **address, const void *symbol) {
    return storage_of(address, symbol);
}

EXPORTED int cudaMemcpyToSymbol(const void *symbol, const void *from, size_t bytes, size_t offset, int kind) {
    void *storage;
    int found = storage_of(&storage, symbol);
    if (found == SUCCESS) {
        memmove((char *)storage + offset, from, bytes);
    }
    return found;
}

/* ---- launches ---- */

static __thread struct {
    struct dim3 grid, block;
    size_t shared_bytes;
    void *stream;
} configuration; /* between <<<...>>> and the launch */

EXPORTED unsigned __cudaPushCallConfiguration(struct dim3 grid, struct dim3 block, size_t shared_bytes, void *stream) {
    configuration.grid = grid;
    configuration.block = block;
    configuration.shared_bytes = shared_bytes;
    configuration.stream = stream;
    return 0;
}

EXPORTED int __cudaPopCallConfiguration(struct dim3 *grid, struct dim3 *block, size_t *shared_bytes, void **stream) {
    *grid = configuration.grid;
    *block = configuration.block;
    *shared_bytes = configuration.shared_bytes;
    *stream = configuration.stream;
    return SUCCESS;
}

/* Find a kernel that runs on the device. */
static int runnable(struct entry **kernel, const void *function) {
    int ready = runtime_ready();
    if (ready != SUCCESS) {
        return ready;
    }
    *kernel = find(function);
    if (*kernel == NULL) {
        return answer(INVALID_DEVICE_FUNCTION);
    }
    if (!(*kernel)->binary->runs) {
        if (!(*kernel)->launched) {
            (*kernel)->launched = true;
            simgpu_trace_no_image((*kernel)->name);
        }
        return answer(NO_KERNEL_IMAGE);
    }
    return SUCCESS;
}

static int launch(const void *function) {
    struct entry *kernel;
    int code = runnable(&kernel, function);
    if (code != SUCCESS) {
        return code;
    }
    code = simgpu_launch_fault(kernel->name, false);
    if (!kernel->launched || code != SUCCESS) {
        kernel->launched = true;
        simgpu_trace_launch("runtime", kernel->name, code);
    }
    return answer(code);
}

EXPORTED int cudaLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments,
                              size_t shared_bytes, void *stream) {
    return launch(function);
}

EXPORTED int cudaLaunchCooperativeKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments,
                                         size_t shared_bytes, void *stream) {
    return cudaLaunchKernel(function, grid, block, arguments, shared_bytes, stream);
}

EXPORTED int cudaLaunchKernelExC(const void *launch_configuration, const void *function, void **arguments) {
    return launch(function);
}

/* CUDA 13's host code asks for a kernel's handle first: here that is the host function's address. */
EXPORTED int __cudaGetKernel(const void **kernel, const void *function) {
    *kernel = function;
    return SUCCESS;
}

EXPORTED int __cudaLaunchKernel(const void *kernel, struct dim3 grid, struct dim3 block, void **arguments,
                                size_t shared_bytes, void *stream) {
    return cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}

/* ---- what is asked about kernels ---- */

EXPORTED int cudaFuncGetAttributes(struct function_attributes *attributes, const void *function) {
    struct entry *kernel;
    int code = runnable(&kernel, function);
    if (code != SUCCESS) {
        return code;
    }
    memset(attributes, 0, sizeof *attributes);
    attributes->maxThreadsPerBlock = simgpu_attribute(1);
    attributes->numRegs = 32;
    attributes->maxDynamicSharedSizeBytes = simgpu_attribute(8);
    /* CUB looks its tuning up by these. PTX is compiled for the device. */
    attributes->ptxVersion = kernel->binary->code.architecture;
    attributes->binaryVersion = kernel->binary->code.is_ptx ? simgpu_architecture() : kernel->binary->code.architecture;
    return SUCCESS;
}

EXPORTED int cudaFuncSetAttribute(const void *function, int attribute, int value) {
    struct entry *kernel;
    return runnable(&kernel, function);
}

EXPORTED int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function,
                                                                    int block_threads, size_t shared_bytes,
                                                                    unsigned flags) {
    struct entry *kernel;
    *blocks = block_threads > 0 ? simgpu_attribute(ATTRIBUTE_THREADS_PER_MULTIPROCESSOR) / block_threads : 0;
    return runnable(&kernel, function);
}

EXPORTED int cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int block_threads,
                                                           size_t shared_bytes) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, block_threads, shared_bytes, 0);
}
