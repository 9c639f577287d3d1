"""The stand-ins themselves, under real torch, without the mirror: what they answer, not what kernels would compute."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scripts.errors import BuildError, NoCandidateError, UsageError
from scripts.model.target import Architecture
from scripts.operations.context import Context
from scripts.shell import Completed, run
from tests.simulated_gpu import needs
from tests.simulated_gpu.build import SOURCES, WARNINGS, Simulator, build, compiler_name
from tests.simulated_gpu.conftest import environment
from tests.simulated_gpu.gpu import find_torch_folder
from tests.simulated_gpu.trace import Trace

pytestmark = [pytest.mark.simulated, needs.COMPILER]

TORCHES = (pytest.param("2.9.1", marks=needs.X86), "newest")
HERE = Architecture(platform.machine())
JIT = {"abs", "angle", "exp", "prod", "lgamma", "i0e", "bessel_j0", "jiterator"}
"""The operations of OPERATIONS that are compiled at run time."""
OPERATIONS = (Path(__file__).parent / "try_operations.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Installed:
    """One torch and its stand-ins."""

    python: Path
    folder: Path
    simulator: Simulator

    def run(
        self, program: str, trace: Path, variables: Mapping[str, str] | None = None, *, timeout: float = 300
    ) -> Completed:
        """Run a program on a simulated GB10 with an empty kernel cache."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATED_GPU_")}
        kernels = trace.parent / "kernels"
        kernels.mkdir(exist_ok=True)
        environ = {
            **kept,
            "LD_PRELOAD": ":".join(map(str, self.simulator.libraries)),
            "PYTORCH_KERNEL_CACHE_PATH": str(kernels),
            "OMP_WAIT_POLICY": "PASSIVE",
            "SIMULATED_GPU_TRACE": str(trace),
            **(variables or {}),
        }
        return run([str(self.python), "-I", "-c", program], env=environ, timeout=timeout)


def install(version: str, context: Context) -> Installed:
    python = environment(version, context)
    folder = find_torch_folder(python, run=run)
    cache = context.home.cache / "simulated-gpu"
    return Installed(python, folder, build(folder, cache=cache, architecture=HERE, run=run))


@pytest.fixture(scope="module", params=TORCHES)
def each_torch(request: pytest.FixtureRequest, newest: Installed, simulated_context: Context) -> Installed:
    return newest if request.param == "newest" else install(request.param, simulated_context)


@pytest.fixture(scope="module")
def newest(newest: str, simulated_context: Context) -> Installed:
    return install(newest, simulated_context)


def attempts(torch: Installed, trace: Path, capability: str) -> dict[str, str]:
    """How each operation ended, by name: empty where it worked."""
    done = torch.run(OPERATIONS, trace, {"SIMULATED_GPU_CAPABILITY": capability})
    assert done.ok, done.stderr[-3000:]
    answers: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("capability", ["12.1", "12.0", "9.0"])
def test_operations(each_torch: Installed, capability: str, tmp_path: Path) -> None:
    """No operation dies, and none fails but for the NVRTC that does not know the device."""
    answers = attempts(each_torch, tmp_path / "trace", capability)
    failed = {name for name, said in answers.items() if said}
    too_old = "+cu128" in (each_torch.folder / "version.py").read_text()
    assert failed == (JIT if too_old and capability == "12.1" else set()), answers
    assert all("invalid value for --gpu-architecture" in answers[name] for name in failed)
    architecture = f"sm_{capability.replace('.', '')}"
    modules = {one.architecture for one in Trace.parse((tmp_path / "trace").read_text()).modules}
    assert modules == (set() if failed else {architecture})


def test_without_device_code_every_launch_says_so(each_torch: Installed, tmp_path: Path) -> None:
    answers = attempts(each_torch, tmp_path / "trace", "13.7")
    launched = {name for name, said in answers.items() if "no kernel image is available for execution" in said}
    assert launched >= {"add", "mul", "matmul", "stft", "sum", "sort"}
    assert not answers["copy"], "bytes move without a kernel"
    trace = Trace.parse((tmp_path / "trace").read_text())
    assert trace.without_image
    assert not trace.launches


ADD = "import torch; print((torch.zeros(4, device='cuda') + 1).shape)"
ABS = "import torch; print(torch.ones(3, dtype=torch.complex64, device='cuda').abs().shape)"
IS_THERE = "import torch; print(torch.cuda.is_available()); torch.cuda.init()"


@pytest.mark.parametrize(
    ("program", "variables", "said"),
    [
        (IS_THERE, {"SIMULATED_GPU_DEVICES": "0"}, "No CUDA GPUs are available"),
        (IS_THERE, {"SIMULATED_GPU_DRIVER": "12080"}, "driver on your system is too old (found version 12080)"),
        (ABS, {"SIMULATED_GPU_MODULE_ERROR": "218"}, "a PTX JIT compilation failed"),
        (ABS, {"SIMULATED_GPU_LAUNCH_ERROR": "719"}, "unspecified launch failure"),
        (ADD, {"SIMULATED_GPU_LAUNCH_ERROR": "700", "SIMULATED_GPU_KERNEL": "_add"}, "illegal memory access"),
        ("import torch; torch.zeros(2**25, device='cuda')", {"SIMULATED_GPU_MEMORY": str(2**26)}, "out of memory"),
    ],
)
def test_faults(newest: Installed, program: str, variables: dict[str, str], said: str, tmp_path: Path) -> None:
    done = newest.run(program, tmp_path / "trace", variables)
    assert done.returncode == 1
    assert said in done.stderr
    assert not done.stdout.startswith("True")


@pytest.mark.parametrize(("ending", "code"), [("crash", -11), ("kill", -9), ("hang", None)])
def test_endings(newest: Installed, ending: str, code: int | None, tmp_path: Path) -> None:
    done = newest.run(ABS, tmp_path / "trace", {"SIMULATED_GPU_LAUNCH_ENDING": ending}, timeout=20)
    assert done.returncode == code
    trace = Trace.parse((tmp_path / "trace").read_text())
    assert [name for name, _ in trace.jit_kernels()] == ["abs_kernel_vectorized2_kernel"]


def test_a_fault_is_about_its_kernels_alone(newest: Installed, tmp_path: Path) -> None:
    variables = {"SIMULATED_GPU_LAUNCH_ENDING": "kill", "SIMULATED_GPU_KERNEL": "angle"}
    done = newest.run(f"{ADD}\n{ABS}", tmp_path / "trace", variables)
    assert done.ok, done.stderr[-2000:]


@pytest.mark.parametrize("setting", ["expandable_segments:True", "backend:cudaMallocAsync"])
def test_allocators(newest: Installed, setting: str, tmp_path: Path) -> None:
    program = (
        "import torch; before = torch.cuda.mem_get_info()[0]; big = torch.ones(2**24).cuda(); "
        "used = before - torch.cuda.mem_get_info()[0]; print(used >= 2**26, float(big.cpu().sum()) == 2**24); "
        "del big; torch.cuda.empty_cache(); print(torch.cuda.mem_get_info()[0] == before)"
    )
    variables = {"PYTORCH_ALLOC_CONF": setting, "PYTORCH_CUDA_ALLOC_CONF": setting}  # its name in 2.15 and before
    done = newest.run(program, tmp_path / "trace", variables)
    assert done.ok, done.stderr[-2000:]
    assert done.stdout.split() == ["True", "True", "True"]


def test_a_build_is_reused(newest: Installed, simulated_context: Context) -> None:
    started: list[Sequence[str]] = []

    def counting(argv: Sequence[str], **options: object) -> Completed:
        started.append(argv)
        return run(argv)

    cache = simulated_context.home.cache / "simulated-gpu"
    again = build(newest.folder, cache=cache, architecture=HERE, run=counting)
    assert again == newest.simulator
    assert started == [[compiler_name(HERE), "--version"]], "nothing was compiled"
    assert [one.name.partition(".")[0] for one in again.libraries[:2]] == ["libcuda", "libcudart"]


def test_a_failed_build_leaves_nothing(newest: Installed, tmp_path: Path) -> None:
    def failing(argv: Sequence[str], **options: object) -> Completed:
        done = run(argv)
        return done if "--version" in argv else replace(done, returncode=1, stderr="no room")

    with pytest.raises(BuildError) as caught:
        build(newest.folder, cache=tmp_path / "cache", architecture=HERE, run=failing)
    assert (caught.value.reference, caught.value.context) == ("simulator-build", "no room")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_without_a_compiler(newest: Installed, tmp_path: Path) -> None:
    def bare(argv: Sequence[str], **options: object) -> Completed:
        return run(argv, env={"PATH": str(tmp_path)})

    with pytest.raises(UsageError, match="was not found") as caught:
        build(newest.folder, cache=tmp_path / "cache", architecture=HERE, run=bare)
    assert caught.value.reference == "no-compiler"
    assert caught.value.hint.startswith("apt-get install gcc")


@pytest.mark.parametrize("cuda", [(12, 12080), (13, 13020)])
def test_the_sources_give_no_warnings(cuda: tuple[int, int], tmp_path: Path) -> None:
    defines = [f"-DCUDART_MAJOR={cuda[0]}", f"-DCUDA_VERSION={cuda[1]}"]
    for source in sorted(SOURCES.glob("*.c")):
        argv = ["gcc", "-std=gnu11", "-O1", *WARNINGS, "-Werror", *defines, "-c", str(source), "-o"]
        done = run([*argv, str(tmp_path / "object.o")])
        assert done.ok, done.stderr


def test_a_library_of_cuda_that_nobody_knows(tmp_path: Path) -> None:
    """A torch's library, as far as it goes, that imports from what came after all of this was written."""
    lib = tmp_path / "torch" / "lib"
    lib.mkdir(parents=True)
    (tmp_path / "torch" / "version.py").write_text("cuda: Optional[str] = '14.0'\n")
    source = tmp_path / "new.c"
    source.write_text("int cuQuantumLeap(void); int cudaMalloc(void); int go(void) { return cuQuantumLeap(); }\n")
    done = run(["gcc", "-shared", "-fPIC", str(source), "-o", str(lib / "libtorch_cuda.so")])
    assert done.ok, done.stderr
    with pytest.raises(BuildError) as caught:
        build(tmp_path / "torch", cache=tmp_path / "cache", architecture=HERE, run=run)
    assert (caught.value.reference, caught.value.context) == ("unknown-imports", "cuQuantumLeap")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("torch.linalg.eigh(torch.eye(3, device='cuda'))", "cusolver error"),
        ("torch.eye(3).to_sparse_csr().cuda() @ torch.ones(3, 3).cuda()", "when calling `cusparseSpMM_bufferSize"),
    ],
)
def test_a_size_that_nobody_gives_is_refused(newest: Installed, program: str, said: str, tmp_path: Path) -> None:
    done = newest.run(f"import torch; {program}", tmp_path / "trace")
    assert done.returncode == 1
    assert said in done.stderr


def test_a_torch_without_cuda(tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text("__version__ = '2.9.1+cpu'\ncuda: Optional[str] = None\n")
    with pytest.raises(NoCandidateError) as caught:
        build(tmp_path, cache=tmp_path / "cache", architecture=HERE, run=run)
    assert caught.value.reference == "cpu-only-torch"
