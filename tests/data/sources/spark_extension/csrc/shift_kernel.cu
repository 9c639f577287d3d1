#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "operators.h"

namespace {

constexpr int THREADS = 256;

__global__ void shift_kernel(const float *input, float *output, float offset, int64_t count) {
    const int64_t index = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
    if (index < count) {
        output[index] = input[index] + offset;
    }
}

} // namespace

namespace spark_extension {

at::Tensor shift_cuda(const at::Tensor &input, double offset) {
    TORCH_CHECK(input.scalar_type() == at::kFloat, "shift takes float32");
    const c10::cuda::CUDAGuard guard(input.device());
    const at::Tensor whole = input.contiguous();
    at::Tensor output = at::empty_like(whole);
    const int64_t count = whole.numel();
    if (count > 0) {
        const auto blocks = static_cast<unsigned int>((count + THREADS - 1) / THREADS);
        shift_kernel<<<blocks, THREADS, 0, c10::cuda::getCurrentCUDAStream()>>>(
            whole.const_data_ptr<float>(), output.mutable_data_ptr<float>(), static_cast<float>(offset), count);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }
    return output;
}

} // namespace spark_extension
