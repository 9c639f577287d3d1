"""A CUDA extension, as torch documents it: BuildExtension compiles with ninja, for TORCH_CUDA_ARCH_LIST."""

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

SOURCES = ["csrc/operators.cpp", "csrc/scale_kernel.cu", "csrc/shift_kernel.cu"]

setup(
    ext_modules=[CUDAExtension("spark_extension._C", SOURCES)],
    cmdclass={"build_ext": BuildExtension},
)
