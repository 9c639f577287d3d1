/* What the parts of the stand-in for cuDNN share. */
#ifndef SIMULATED_GPU_CUDNN_H
#define SIMULATED_GPU_CUDNN_H

#include "library.h"

#define MOST_DIMENSIONS 8

struct tensor {
    int type;
    int dimensions;
    int sizes[MOST_DIMENSIONS];
    int strides[MOST_DIMENSIONS];
};

void set_tensor(struct tensor *tensor, int type, int dimensions, const int *sizes, const int *strides);

#endif
