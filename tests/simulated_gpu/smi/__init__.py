"""A fake nvidia-smi: a program on PATH that says what captured ones say.

    environ = with_smi(folder, captured("two"), os.environ)  # `nvidia-smi` is now found first, and tells of two GPUs

Where each text is from: tests/data/captures/README.md. None was captured on a GB10 by this project.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.facts.gpu import parse_gpus, parse_header
from scripts.home import CHECKOUT, CONSTRAINTS
from scripts.wheels.drivers import load_drivers, lowest_driver, packaged_driver
from tests.simulated_gpu.gpu import SimulatedGpu

CAPTURES = CHECKOUT / "tests" / "data" / "captures" / "nvidia-smi"
PROGRAM = Path(__file__).parent / "nvidia_smi.py"


@dataclass(frozen=True, kw_only=True)
class Smi:
    """What a fake nvidia-smi says: to its queries, and plainly called. `exit` is its exit code to both."""

    query: str
    table: str
    exit: int = 0


def captured(name: str) -> Smi:
    """Say what was captured of a machine, or constructed from NVIDIA's known messages.

    `gb10`, `two` (several GPUs), `r610` and `old` answer; `no-driver`, `mismatch`, `no-devices`, `container-lost`,
    `gpu-lost` and `not-allowed` fail, with one message to every question.
    """
    failure = CAPTURES / f"{name}.txt"
    if failure.is_file():
        text = failure.read_text(encoding="utf-8")
        return Smi(query=text, table=text, exit=_EXITS.get(name, 1))
    query, table = (CAPTURES / f"{name}.{part}.txt" for part in ("query", "table"))
    return Smi(query=query.read_text(encoding="utf-8"), table=table.read_text(encoding="utf-8"))


_EXITS = {"no-driver": 9, "mismatch": 18, "no-devices": 6, "not-allowed": 4, "gpu-lost": 15, "container-lost": 255}
"""NVML's error numbers, as nvidia-smi(1) gives them; 18 is NVML_ERROR_LIB_RM_VERSION_MISMATCH, 255 any other."""


def telling(*, name: str, capability: tuple[int, int], driver: str, cuda: tuple[int, int]) -> Smi:
    """Say of one GPU of unified memory what a DGX Spark's nvidia-smi says of its GB10, with these values instead.

    `driver` is the driver's version, `cuda` the newest CUDA that it serves. The rows stay as wide as they were.
    """
    gb10 = captured("gb10")
    (before,), _ = parse_gpus(gb10.query)
    old_driver, old_cuda = parse_header(gb10.table)
    assert before.capability is not None
    assert old_driver is not None
    assert old_cuda is not None
    query = gb10.query.replace(before.name, name).replace(old_driver, driver)
    query = query.replace(f" {before.capability},", f" {capability[0]}.{capability[1]},")
    table = _in_place(gb10.table, before.name, name, width=24)
    for word in ("NVIDIA-SMI", "Driver Version:"):
        table = _in_place(table, f"{word} {old_driver}", f"{word} {driver}", width=len(f"{word} {old_driver}") + 4)
    told = f"{cuda[0]}.{cuda[1]}"
    return Smi(query=query, table=_in_place(table, old_cuda, told, width=len(old_cuda) + 4))


def of(gpu: SimulatedGpu) -> Smi:
    """Say of a simulated GPU what its driver's nvidia-smi would say: the driver is the one that came with its CUDA.

    Raises UsageError (no-driver) for a CUDA that constraints/drivers.toml does not know.
    """
    if not gpu.devices:
        return captured("no-devices")
    cuda = f"{gpu.driver[0]}.{gpu.driver[1]}"
    table = load_drivers(CONSTRAINTS / "drivers.toml")
    driver = packaged_driver(table, cuda) or lowest_driver(table, cuda)
    if driver is None:
        raise UsageError(
            f"which driver came with CUDA {cuda} is not known", reference="no-driver", hint="e.g. driver=(13, 2)"
        )
    return telling(name=gpu.name, capability=gpu.capability, driver=driver, cuda=gpu.driver)


def _in_place(text: str, old: str, new: str, *, width: int) -> str:
    """Replace a word and take or give as many of the blanks behind it; `width` is what there is room for."""
    start = text.index(old)
    room = text[start : start + width]
    filled = room.replace(old, new).rstrip() if room.strip() == old else new
    return text[:start] + filled[: len(room)].ljust(len(room)) + text[start + len(room) :]


def with_smi(folder: Path, smi: Smi, environ: Mapping[str, str]) -> dict[str, str]:
    """Put the program into `folder` and the folder on the PATH of a copy of `environ`."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "nvidia-smi"
    shutil.copyfile(PROGRAM, folder / PROGRAM.name)
    (folder / "answers.json").write_text(json.dumps(asdict(smi)), encoding="utf-8")
    # A shell in between: a path of Python's that is long or has blanks cannot stand in a #! line.
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{folder / PROGRAM.name}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    path = os.pathsep.join(filter(None, (str(folder), environ.get("PATH", ""))))
    return {**environ, "PATH": path}
