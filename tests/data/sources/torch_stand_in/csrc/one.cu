extern "C" __global__ void one(float *values) {
    values[threadIdx.x] += 1.0f;
}
