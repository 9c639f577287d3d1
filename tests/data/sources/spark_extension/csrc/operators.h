#pragma once

#include <ATen/core/Tensor.h>

namespace spark_extension {

at::Tensor scale_cuda(const at::Tensor &input, double factor);
at::Tensor shift_cuda(const at::Tensor &input, double offset);

} // namespace spark_extension
