"""What settings do against the NVRTC error: each is tried on a simulated GB10, in a process of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.disk import write_whole
from scripts.errors import BrokenError
from scripts.operations.context import Context
from scripts.progress import say
from scripts.serial import to_json
from scripts.verification.causes import brief, recognise
from tests.simulated_gpu.document import SETTINGS as KEPT
from tests.simulated_gpu.document import write_document
from tests.simulated_gpu.environments import torch_environment
from tests.simulated_gpu.gpu import RunningGpu, SimulatedGpu
from tests.simulated_gpu.settings_rows import (
    NEWER,
    SETTINGS,
    TORCH,
    WORKS,
    Filler,
    Filling,
    Setting,
    SettingRow,
    SettingsTable,
    renamed,
)

INSIDE = Path(__file__).parent / "inside" / "settings_probe.py"
TIMEOUT = 300.0
"""Seconds for one process: torch is imported, and three kernels are compiled or not."""


@dataclass(frozen=True, kw_only=True)
class _Places:
    """What settings point at."""

    newer: Path
    """The folder of the newer NVRTC's library."""
    toolkit: Path
    filled: Mapping[Filler, Path]
    """The kernel caches."""


def run_settings(context: Context) -> SettingsTable:
    """Try every setting. Raises what making the environments and the simulator raise, and BrokenError."""
    python = torch_environment(TORCH, context=context)
    repaired = torch_environment(TORCH, nvrtc=NEWER, context=context)
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-settings-") as name:
        folder = Path(name)
        toolkit = folder / "toolkit"
        toolkit.mkdir()
        (toolkit / "lib64").symlink_to(_nvrtc_folder(repaired))
        fillers = {
            Filler.NEWER: _simulated(repaired, context),
            Filler.DESKTOP: _simulated(python, context, capability=(12, 0)),
        }
        filled = {filler: _fill(filler, gpu, folder, context) for filler, gpu in fillers.items()}
        places = _Places(newer=_nvrtc_folder(repaired), toolkit=toolkit, filled=filled)
        with _simulated(python, context) as gpu:
            bench = _Bench(gpu=gpu, folder=folder, context=context)
            rows = tuple(bench.row(setting, places) for setting in SETTINGS)
            device = gpu.gpu.name
    return SettingsTable(torch=TORCH, device=device, created=datetime.now(UTC).date().isoformat(), rows=rows)


def _simulated(python: Path, context: Context, capability: tuple[int, int] = (12, 1)) -> SimulatedGpu:
    """Describe a simulated GPU under an environment."""
    cache = context.home.cache / "simulated-gpu"
    return SimulatedGpu(python=python, capability=capability, cache=cache, environ=context.environ, run=context.run)


def _fill(filler: Filler, simulated: SimulatedGpu, folder: Path, context: Context) -> Path:
    """Have torch fill a kernel cache. Raises BrokenError where it compiles nothing."""
    say(f"filling a kernel cache, SIMULATED: {filler}")
    place = folder / filler
    place.mkdir()
    with simulated as gpu:
        answer = _Bench(gpu=gpu, folder=folder, context=context).ask(SETTINGS[0], {}, place)
    if not answer["kernels"]:
        raise BrokenError(
            "torch compiled nothing to fill a kernel cache with",
            context=str(answer["endings"]),
            reference="no-kernels",
            hint="the simulated GPU that fills it must be one that the NVRTC knows",
        )
    return place


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """One simulated GPU on which settings are tried. `folder` is for what the processes write."""

    gpu: RunningGpu
    folder: Path
    context: Context

    def row(self, setting: Setting, places: _Places) -> SettingRow:
        """Try one setting."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            kernels = Path(name) / "kernels"
            _prepare_cache(setting.cache, places, kernels)
            values = {"newer": str(places.newer), "toolkit": str(places.toolkit)}
            environ = {variable: value.format(**values) for variable, value in setting.environ.items()}
            row = to_row(setting, self.ask(setting, environ, kernels))
        say(f"  {setting.label}: {', '.join(f'{name} {ending}' for name, ending in row.endings.items())}")
        return row

    def ask(self, setting: Setting, environ: Mapping[str, str], kernels: Path) -> dict[str, Any]:
        """Run the three operations in a fresh process. Raises BrokenError where it gives no answer."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        child = {**self.gpu.environ, "PYTORCH_KERNEL_CACHE_PATH": str(kernels), "OMP_WAIT_POLICY": "PASSIVE", **environ}
        argv = [str(self.gpu.python), "-I", "-B", str(INSIDE), setting.python, str(answer)]
        done = self.context.run(argv, env=child, timeout=TIMEOUT)
        if not done.ok or not answer.is_file():
            raise BrokenError(
                f"{setting.label}: the process ended without an answer",
                context=f"exit code {done.returncode}\n{done.stderr[-2000:]}",
                reference="no-answer",
                hint="the lines above are its own; a code of None is one that took too long",
            )
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def to_row(setting: Setting, answer: Mapping[str, Any]) -> SettingRow:
    """Turn what inside/settings_probe.py answered into a row."""
    errors = {operation: str(text) for operation, text in answer["endings"].items()}
    first = next((text for text in errors.values() if text), "")
    return SettingRow(
        question=setting.question,
        label=setting.label,
        endings={name: str(recognise(text)) if text else WORKS for name, text in errors.items()},
        telling=brief(first),
        nvrtc=answer["nvrtc"],
        kernels=tuple(answer["kernels"]),
    )


def _prepare_cache(filling: Filling | None, places: _Places, kernels: Path) -> None:
    """Make the kernel cache that a process starts with."""
    kernels.mkdir()
    if filling is not None:
        for path in places.filled[filling.filler].iterdir():
            shutil.copyfile(path, kernels / renamed(path.name, filling))


def _nvrtc_folder(python: Path) -> Path:
    """Find the folder of an environment's libnvrtc."""
    (library,) = (python.parent.parent / "lib").glob("python*/site-packages/nvidia/*/lib/libnvrtc.so.*")
    return library.parent


def keep_settings(table: SettingsTable) -> None:
    """Write down what was seen, and the table in docs/testing.md."""
    write_whole(KEPT, to_json(table, indent=1) + "\n")
    write_document()
