/* What the stand-ins of CUDA's other libraries share. They compute nothing: a call that starts work says success. */
#ifndef SIMULATED_GPU_LIBRARY_H
#define SIMULATED_GPU_LIBRARY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

#endif
