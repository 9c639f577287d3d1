"""C text of the stubs, and version scripts."""

from __future__ import annotations

import pytest

from tests.simulated_gpu.stubs import LOOKED_UP, source, stub, version_script
from tests.simulated_gpu.symbols import Standin


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("cublasSgemm_v2", "{ return 0; }"),
        ("ncclRedOpCreatePreMulSum", "{ return 0; }"),
        ("cuptiEventGroupSetsCreate", "{ return 0; }"),
        ("cufftDestroy", "{ return 0; }"),
        ("cusparseLtMatDescriptorDestroy", "{ return 0; }"),  # the caller's own memory
        ("cublasCreate_v2", "*handle = calloc(1, 1024);"),
        ("cublasLtMatmulDescCreate", "*handle = calloc(1, 1024);"),
        ("cudnnCreateTensorDescriptor", "*handle = calloc(1, 1024);"),
        ("cusparseSpGEMM_createDescr", "*handle = calloc(1, 1024);"),
        ("cudnnDestroyTensorDescriptor", "free(handle);"),
        ("cublasLtMatmulDescDestroy", "free(handle);"),
        ("cublasGetStatusString", 'return "simulated: cublasGetStatusString";'),
        ("ncclGetLastError", 'return "simulated: ncclGetLastError";'),
        ("cuMulticastCreate", "{ return 801; }"),
        ("cusolverDnXsyevd_bufferSize", "{ return 9; }"),
        ("cusolverDnXsyevd", "{ return 0; }"),
        ("cusparseXcsrsort_bufferSizeExt", "{ return 10; }"),
        ("cusparseSpMatGetSize", "{ return 10; }"),
        ("cusparseLtMatmulGetWorkspace", "{ return 10; }"),
        ("cusparseGetErrorString", 'return "simulated: cusparseGetErrorString";'),
        ("cudnnGetConvolutionForwardAlgorithm_v7", "{ return 3000; }"),
        ("cudnnSetConvolutionGroupCount", "{ return 0; }"),
    ],
)
def test_what_a_stub_does(name: str, body: str) -> None:
    text = stub(name)
    assert body in text
    assert f" {name}(" in text or f"*{name}(" in text


def test_every_stub_is_weak() -> None:
    text = source(Standin(soname="libcufft.so.12", imports=(("cufftCreate", "libcufft.so.12"), ("cufftXtExec", ""))))
    definitions = [line for line in text.splitlines() if line.endswith("}")]
    assert len(definitions) == 2
    assert all(line.startswith("STUB ") for line in definitions)
    assert "weak" in text.partition("#define STUB")[2].splitlines()[0]


def test_the_driver_has_what_torch_looks_up_by_name() -> None:
    driver = source(Standin(soname="libcuda.so.1", imports=(("cuInit", ""),)))
    assert all(f" {name}(" in driver for name in ("cuInit", *LOOKED_UP))
    assert LOOKED_UP[0] not in source(Standin(soname="libnccl.so.2", imports=(("ncclSend", ""),)))


def test_version_scripts() -> None:
    assert version_script(Standin(soname="libcuda.so.1", imports=(("cuInit", ""),))) == ""
    one = Standin(soname="libcufft.so.12", imports=(("cufftCreate", "libcufft.so.12"), ("cufftXtExec", "")))
    assert version_script(one) == "libcufft.so.12 { global: *; };\n"
    two = Standin(soname="libx.so.1", imports=(("a", "X_1"), ("b", "X_2"), ("c", "X_2")))
    assert version_script(two) == "X_1 { global: *; };\nX_2 { global: b; c; };\n"
