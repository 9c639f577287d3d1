"""torch, its NVRTC and what `import torch` takes, installed for the aarch64 machine from outside.

Under emulation an install takes ten times as long. What is left out is the rest of CUDA, which is simulated, and
Kokoro with its closure, which is not run there.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import write_whole
from scripts.environments.uv import failure, killed
from scripts.errors import IntegrityError
from scripts.model.plan import InstallLock, Pin, Plan, Request
from scripts.model.target import Architecture, Target
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.strategies.locks import NVRTC_NAMES
from tests.simulated_gpu.arm64.machine import PYTHON
from tests.simulated_gpu.kept import kept

IMPORTED = frozenset(
    {"torch", "filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "numpy", "setuptools", "sympy"}
    | {"typing-extensions"}
)
"""What `import torch` imports. Canonical names."""


@dataclass(frozen=True, kw_only=True)
class ArmTorch:
    """A virtual environment on the aarch64 machine, which it sees under the same path."""

    folder: Path
    target: Target
    torch: str
    cuda: str
    nvrtc: str

    @property
    def python(self) -> Path:
        """Its interpreter: a link that leads to the machine's own there, and to nowhere useful here."""
        return self.folder / "bin" / "python"

    @property
    def torch_folder(self) -> Path:
        """`site-packages/torch`."""
        return site_packages(self.folder, self.target) / "torch"

    @property
    def nvrtc_library(self) -> Path:
        """The NVRTC that torch finds by its DT_RPATH."""
        return next(self.torch_folder.parent.glob("nvidia/*/lib/libnvrtc.so.*"))


def site_packages(folder: Path, target: Target) -> Path:
    """Name the packages' folder of a virtual environment."""
    return folder / "lib" / f"python{target.python}" / "site-packages"


def plan_for(torch: str | None, target: Target, context: Context) -> Plan:
    """Plan as `setup --strategy pypi --platform aarch64` does; `torch` None: the pinned one. Raises what it raises."""
    request = Request(strategy="pypi", torch=torch, python=target.python, architecture=Architecture.AARCH64)
    return make_plan(request, context).plan


def requirements(plan: Plan) -> str:
    """Write the part of a plan's pins that is installed, with their hashes.

    Raises IntegrityError where the plan does not pin all of it.
    """
    pins = {pin.name: pin for step in plan.steps if isinstance(step, InstallLock) for pin in step.lock.pins}
    compilers = [name for name in NVRTC_NAMES if name in pins]
    wanted = sorted(IMPORTED | set(compilers))
    missing = [name for name in wanted if name not in pins] or ([] if compilers else ["NVRTC"])
    if missing:
        raise IntegrityError(
            f"the plan of torch {plan.torch} does not pin {', '.join(missing)}",
            reference="bad-lock",
            hint="regenerate the pins with `invoke lock`",
        )
    return "".join(_line(pins[name]) for name in wanted)


def arm_torch(torch: str | None, target: Target, context: Context) -> ArmTorch:
    """Give an environment with a torch, made once; None: the pinned one. Raises what planning and installing raise."""
    plan = plan_for(torch, target, context)
    if plan.cuda is None or plan.nvrtc is None:
        raise AssertionError("strategy pypi plans no CPU-only build")
    text = requirements(plan)

    def make(folder: Path) -> None:
        install(text, site_packages(folder, target), target, context)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(PYTHON)
        write_whole(folder / "pyvenv.cfg", f"home = {PYTHON.parent}\ninclude-system-site-packages = false\n")

    folder = kept(f"aarch64-torch-{plan.torch}", f"{target}\n{text}", context.home, make)
    return ArmTorch(folder=folder, target=target, torch=plan.torch, cuda=plan.cuda, nvrtc=plan.nvrtc)


def install(text: str, folder: Path, target: Target, context: Context) -> None:
    """Install exactly what `text` pins into a folder, for the target's platform. Raises the error that uv's means."""
    glibc = "_".join(map(str, target.glibc))
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-aarch64-") as name:
        file = Path(name) / "requirements.txt"
        write_whole(file, text)
        place = ["--target", str(folder), "--python-version", str(target.python)]
        place += ["--python-platform", f"{target.architecture}-manylinux_{glibc}"]
        pinned = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(file)]
        argv = [context.uv, "--no-config", "pip", "install", "--quiet", *place, *pinned]
        done = context.run(argv, env=context.uv_environ, tee=True)
    doing = "installing for the aarch64 machine"
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing)
    if not done.ok:
        raise failure(done.stderr + done.stdout, doing=doing)


def _line(pin: Pin) -> str:
    return f"{pin.name}=={pin.version}" + "".join(f" --hash={one}" for one in pin.hashes) + "\n"
