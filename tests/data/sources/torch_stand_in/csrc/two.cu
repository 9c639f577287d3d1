extern "C" __global__ void two(float *values) {
    values[threadIdx.x] += 1.0f;
}
