"""Reproduce the failure that this project began with, on a simulated GB10, and try a remedy.

For a visitor: `invoke demo.seed-failure --with bridge`. It takes about a minute once the environments are made.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.errors import BrokenError
from scripts.model.target import Architecture
from scripts.operations.context import Context
from scripts.operations.site import this_machine
from scripts.probing import ask
from scripts.progress import say
from scripts.verification.gather import Speech
from scripts.weights.request import to_request
from scripts.weights.store import synthetic
from tests.simulated_gpu.environments import newest_torch, torch_environment
from tests.simulated_gpu.gpu import RunningGpu, SimulatedGpu
from tests.simulated_gpu.nvrtc_folder import nvrtc_folder
from tests.simulated_gpu.seed_story import (
    NVRTC,
    REPAIR,
    SIMULATED,
    TORCH,
    Attempt,
    Remedy,
    SeedFailure,
    remedy_named,
    tell,
    to_attempt,
)

STOCK = "stock Kokoro"
SPOOF = """\
import torch.cuda

_original = torch.cuda.get_device_capability


def _patched(device=None):
    major, minor = _original(device)
    return (9, 0) if major == 12 else (major, minor)


torch.cuda.get_device_capability = _patched
"""
"""The research note's section 4.3, shortened."""


def seed_failure(remedy: str | None, context: Context) -> SeedFailure:
    """Show the failure, then what `remedy` (bridge, transform-only, spoof, override; None: none) does to it.

    Raises UsageError for an unknown remedy, and what making the environments and the simulator raises. What is not as
    it should be is in the answer (require_expected).
    """
    chosen = remedy_named(remedy)
    torch = torch_here(context)
    say(f"torch {torch} with NVRTC {NVRTC} on a simulated GB10")
    say(SIMULATED)
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-seed-") as name:
        folder = Path(name)
        attempt = None
        with gb10(torch, NVRTC, context) as gpu:
            stock = _speak(gpu, "stock", STOCK, folder, context)
            if chosen is not None and chosen.name != "override":
                attempt = _remedied(gpu, chosen, folder, context)
            device = gpu.gpu.name
        if chosen is not None and chosen.name == "override":
            with gb10(torch, REPAIR, context) as gpu:
                attempt = _remedied(gpu, chosen, folder, context)
    return tell(device, torch, stock, chosen, attempt)


def torch_here(context: Context) -> str:
    """Name the torch to show it with: 2.9.1, whose own NVRTC is 12.8, where that is a CUDA build.

    For aarch64 the default index has none with CUDA 12, so there it is the pinned one, with that NVRTC in the place of
    its own.
    """
    architecture, _ = this_machine(context.facts.host)
    return TORCH if architecture is Architecture.X86_64 else newest_torch(architecture, context)


def gb10(torch: str, nvrtc: str, context: Context) -> SimulatedGpu:
    """Describe a simulated GB10 under an environment of a torch that loads an NVRTC of CUDA 12."""
    folder = None
    if torch == TORCH:
        python = torch_environment(torch, nvrtc=None if nvrtc == NVRTC else nvrtc, context=context)
    else:
        python = torch_environment(torch, context=context)
        folder = nvrtc_folder(nvrtc, context)
    cache = context.home.cache / "simulated-gpu"
    return SimulatedGpu(python=python, cache=cache, nvrtc=folder, environ=context.environ, run=context.run)


def _remedied(gpu: RunningGpu, remedy: Remedy, folder: Path, context: Context) -> Attempt:
    """Run Kokoro with a remedy."""
    if remedy.name == "spoof":
        _patch_at_start(gpu.python, SPOOF)
        _require_spoofed(gpu, context)
    return _speak(gpu, remedy.mode, f"with {remedy.label}", folder, context)


def _speak(gpu: RunningGpu, mode: str, label: str, folder: Path, context: Context) -> Attempt:
    """Run Kokoro once, in a process of its own with an empty kernel cache."""
    say(f"on the simulated GB10, {label} ...")
    request = Speech(weights=to_request(synthetic()), folder=folder).request(mode, "cuda")
    bytecode = context.home.bytecode
    found = ask(gpu.python, "kokoro", request, run=context.run, environ=gpu.environ, bytecode=bytecode)
    attempt = to_attempt(label, found)
    said = f"works, {attempt.seconds_of_sound:.2f} s of sound" if attempt.works else f"fails: {attempt.error}"
    say(f"  {said} ({attempt.seconds:.0f} s)", style="" if attempt.works else "red")
    return attempt


def _patch_at_start(python: Path, code: str) -> None:
    """Have an overlay's interpreter run `code` whenever it starts, after what the simulator itself put there."""
    (site,) = (python.parent.parent / "lib").glob("python*/site-packages")
    (site / "zz_spoof_patch.py").write_text(code, encoding="utf-8")
    (site / "zz_spoof.pth").write_text("import zz_spoof_patch\n", encoding="utf-8")


def _require_spoofed(gpu: RunningGpu, context: Context) -> None:
    """Make sure that the patch is active: one that was not would change nothing either. Raises BrokenError."""
    asked = "import torch; print(torch.cuda.get_device_capability())"
    done = context.run([str(gpu.python), "-I", "-c", asked], env=gpu.environ)
    if done.stdout.strip() != "(9, 0)":
        raise BrokenError(
            f"the spoof is not active: torch says {done.stdout.strip() or 'nothing'}",
            context=done.stderr[-1000:],
            reference="no-spoof",
            hint="the simulated tests say more: pytest -m simulated tests/simulated_gpu",
        )
