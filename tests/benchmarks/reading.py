"""What reading from afar and from disk costs: predict, wheel.inspect beside cuobjdump, the timeline."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from scripts.home import CONSTRAINTS, HOME_VARIABLE, Home
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import GB10, Architecture
from scripts.operations.context import Context
from scripts.operations.predicting import foresee
from scripts.operations.site import another_machine
from scripts.operations.torch_lock import parse_torch
from scripts.wheels.archive import is_library
from scripts.wheels.evaluate import evaluate
from tests.benchmarks.timing import Figure, bounded, checked, in_turn, invoke, peak_mib
from tests.support.cuobjdump import find_cuobjdump

TORCH = "2.15.0"
TARGET = another_machine(Architecture.AARCH64, None)
PREDICT = ("predict", "--torch", TORCH)


@dataclass(frozen=True)
class Reading:
    """A folder of our own, and how often."""

    folder: Path
    times: int

    def environ(self, home: str) -> dict[str, str]:
        """Ours, with a data root below the folder."""
        return {**os.environ, HOME_VARIABLE: str(self.folder / home)}

    def figures(self) -> list[Figure]:
        """Everything there is about reading."""
        return [*self.predicting(), *self.timeline(), *self.inspecting()]

    def predicting(self) -> list[Figure]:
        """A known wheel, an unknown one, and again."""
        known, unknown = self._forecast(CONSTRAINTS), self._forecast(self._without_rows())
        environ = self.environ("warm")
        checked(invoke(*PREDICT), environ)
        cold, warm = in_turn(
            self.times,
            lambda _: checked(invoke(*PREDICT, "--refresh"), environ).seconds,
            lambda _: checked(invoke(*PREDICT), environ).seconds,
        )
        return [
            *_traffic("predict, a measured wheel", known, requests=10, megabytes=2.5),
            *_traffic("predict, a wheel that nobody measured", unknown, requests=30, megabytes=20.0),
            Figure(name="predict, nothing remembered", unit="s", values=cold),
            bounded("predict, again", "s", warm, 1.0),
        ]

    def _forecast(self, constraints: Path) -> Forecast:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            context = Context(home=Home(Path(name)), constraints=constraints)
            request = ForecastRequest(strategy="pypi", torch=TORCH, target=TARGET, capability=GB10)
            with context.web:
                return foresee(request, context)

    def _without_rows(self) -> Path:
        """The tables without a single measured wheel."""
        folder = self.folder / "constraints"
        if not folder.exists():
            shutil.copytree(CONSTRAINTS, folder)
            (folder / "devicecode.toml").write_text("", encoding="utf-8")
        return folder

    def timeline(self) -> list[Figure]:
        """Every release for both platforms, nothing remembered."""
        environ = self.environ("timeline")
        (values,) = in_turn(self.times, lambda _: checked(invoke("timeline", "--refresh"), environ).seconds)
        return [bounded("timeline, 16 releases x 2 platforms", "s", values, 60.0)]

    def inspecting(self) -> list[Figure]:
        """The 480 MB wheel on disk: our passport of it, and cuobjdump over the same libraries, unpacked beforehand."""
        wheel = self._wheel()
        unpacked = self._unpacked(wheel)
        cuobjdump = find_cuobjdump(self.folder / "cuobjdump")
        environ = self.environ("inspect")

        def listed(_: int) -> float:
            start = time.monotonic()
            for library in unpacked:
                # It exits 255 for a library without device code.
                checked([cuobjdump, "--list-elf", str(library)], environ, allowed=(0, 255))
            return time.monotonic() - start

        def inspected(_: int) -> float:
            return checked(invoke("wheel.inspect", str(wheel)), environ).seconds

        theirs, ours = in_turn(self.times, listed, inspected)
        reference = Figure(name="cuobjdump --list-elf", unit="s", values=theirs)
        measured = Figure(name="wheel.inspect", unit="s", values=ours)
        peak = peak_mib(("wheel.inspect", str(wheel)), environ)
        return [
            reference,
            Figure(
                name=measured.name,
                unit="s",
                values=ours,
                reference=reference.name,
                ratio=measured.median / reference.median,
                bound="0.5 x cuobjdump",
                within=measured.median <= 0.5 * reference.median,
            ),
            bounded("wheel.inspect, peak", "MiB", (peak,), 300.0),
        ]

    def _wheel(self) -> Path:
        context = Context(home=Home(self.folder / "wheel"))
        with context.web:
            found = evaluate(context.index(None).project("torch"), TARGET, version=parse_torch(TORCH))
            file = found.candidates[0].file
            assert file.sha256 is not None
            return context.web.download(
                file.url, self.folder / file.filename, sha256=file.sha256, size=file.size, description=file.filename
            )

    def _unpacked(self, wheel: Path) -> list[Path]:
        folder = self.folder / "libraries"
        with zipfile.ZipFile(wheel) as archive:
            return [Path(archive.extract(name, folder)) for name in archive.namelist() if is_library(name)]


def _traffic(name: str, forecast: Forecast, *, requests: int, megabytes: float) -> list[Figure]:
    return [
        bounded(f"{name}: requests", "", (float(forecast.requests),), float(requests)),
        bounded(f"{name}: read", "MB", (forecast.bytes_read / 1e6,), megabytes),
    ]
