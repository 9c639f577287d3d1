/* What the parts of the stand-in for the runtime share. */
#ifndef SIMULATED_GPU_CUDART_H
#define SIMULATED_GPU_CUDART_H

#include "device.h"

/* Remember a failure for cudaGetLastError, and answer it. */
int answer(int code);

/* SUCCESS where the driver is there, new enough and has a device; else what every call of the runtime answers. */
int runtime_ready(void);

struct dim3 {
    unsigned x, y, z;
};

#endif
