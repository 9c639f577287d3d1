/* Device code: what it is for, and whether it runs on the simulated device. */
#ifndef SIMULATED_GPU_FATBIN_H
#define SIMULATED_GPU_FATBIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device_code {
    bool is_ptx;
    int architecture; /* 121 */
    char suffix;      /* 'a', 'f' or '\0' */
    size_t bytes;     /* of a cubin or a PTX text; 0 where it is of a fat binary */
};

/* What nvcc's host code gives to __cudaRegisterFatBinary. */
struct fatbin_wrapper {
    int magic; /* WRAPPER_MAGIC */
    int version;
    const void *data; /* a fat binary */
    const void *prelinked;
};
#define WRAPPER_MAGIC 0x466243b1

/* The rule of scripts/wheels/architectures.py: a cubin runs on its own major and the same or a higher minor, with
 * suffix `a` on exactly its own capability; PTX is compiled for its own or a higher one. */
bool code_runs(const struct device_code *code);

/* Choose from a fat binary what a driver would run: a cubin before PTX, the nearest architecture first.
 * False: nothing in it runs on the device. */
bool choose_from_fatbin(const void *fatbin, struct device_code *chosen);

/* Read a module image: a cubin, PTX text or a fat binary. SUCCESS; INVALID_IMAGE, INVALID_PTX: it is none;
 * NO_KERNEL_IMAGE: it does not run on the device; UNSUPPORTED_PTX_VERSION: the driver is too old for that PTX.
 * `code` says what it is, also where it does not run, as far as that could be read. */
int read_image(const void *image, struct device_code *code);

/* "sm_121a" or "compute_120". */
void name_architecture(const struct device_code *code, char *name, size_t room);

#endif
