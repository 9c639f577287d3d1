// The operators' schemas, and what they do on the CPU: a simulated GPU takes its values from there.
#include <Python.h>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <torch/library.h>

#include "operators.h"

namespace {

at::Tensor scale_cpu(const at::Tensor &input, double factor) {
    return at::mul(input, at::Scalar(factor));
}

at::Tensor shift_cpu(const at::Tensor &input, double offset) {
    return at::add(input, at::Scalar(offset));
}

} // namespace

TORCH_LIBRARY(spark_extension, library) {
    library.def("scale(Tensor input, float factor) -> Tensor");
    library.def("shift(Tensor input, float offset) -> Tensor");
}

TORCH_LIBRARY_IMPL(spark_extension, CPU, library) {
    library.impl("scale", scale_cpu);
    library.impl("shift", shift_cpu);
}

TORCH_LIBRARY_IMPL(spark_extension, CUDA, library) {
    library.impl("scale", spark_extension::scale_cuda);
    library.impl("shift", spark_extension::shift_cuda);
}

// An empty module: importing it loads this library, which registers the operators.
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__C(void) {
    return PyModule_Create(&module);
}
