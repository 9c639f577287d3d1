"""What is measured: setup beside a bare uv, finding an environment again, facts, verify, memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.facts.tools import find_uv
from scripts.home import CONSTRAINTS, HOME_VARIABLE
from scripts.model.facts import Interpreter
from scripts.model.target import Architecture, PythonVersion
from scripts.shell import Completed
from scripts.strategies.locks import BUILD, REST, lock_filename
from tests.benchmarks.timing import Figure, bounded, checked, in_turn, invoke, peak_mib, processor_seconds, seconds_of

SETUP = ("setup", "--strategy", "pypi", "--weights", "none", "--no-smoke")
CPU_SETUP = ("setup", "--strategy", "cpu", "--source", "default", "--weights", "synthetic", "--no-smoke")
VERIFY = ("verify", "--weights", "synthetic")


@dataclass(frozen=True)
class Bench:
    """A folder of our own, the interpreter that environments are made of, and how often."""

    folder: Path
    interpreter: Interpreter
    times: int

    def environ(self, home: str, *, cache: str | None = None) -> dict[str, str]:
        """Ours, with a data root below the folder; `cache` names a uv cache of its own."""
        added = {HOME_VARIABLE: str(self.folder / home), "OMP_WAIT_POLICY": "PASSIVE"}
        if cache is not None:
            added["UV_CACHE_DIR"] = str(self.folder / cache)
        return {**os.environ, **added}

    def bare(self, number: int, *, cache: str | None = None) -> float:
        """The same pins by uv alone: a venv, and one install."""
        venv = self.folder / f"bare-{number}"
        environ = self.environ("unused", cache=cache)

        def work() -> list[Completed]:
            create = [find_uv(), "--no-config", "venv", "--python", self.interpreter.path, str(venv)]
            return [checked(create, environ), checked(self._install(venv), environ)]

        seconds = seconds_of(work)
        shutil.rmtree(venv)
        return seconds

    def _install(self, venv: Path) -> list[str]:
        architecture = Architecture.parse(self.interpreter.architecture)
        python = PythonVersion.parse(self.interpreter.version)
        locks = [str(CONSTRAINTS / lock_filename(part, architecture, python)) for part in ("pypi", REST)]
        return [
            *(find_uv(), "--no-config", "pip", "install", "--python", str(venv), "--no-deps", "--require-hashes"),
            *("--build-constraints", str(CONSTRAINTS / f"{BUILD}.txt"), "--require-build-hashes"),
            *("-r", locks[0], "-r", locks[1]),
        ]

    def setup(self, number: int, *, cache: str | None = None) -> float:
        """A whole setup into a data root that does not exist yet."""
        home = f"home-{number}"
        python = ("--python", str(self.interpreter.minor))
        done = checked(invoke(*SETUP, *python), self.environ(home, cache=cache))
        shutil.rmtree(self.folder / home)
        return done.seconds

    def beside_uv(self) -> list[Figure]:
        """Setup and the bare install, uv's cache warm."""
        self.bare(0)  # fills the cache
        return _pair("warm", *in_turn(self.times, self.bare, self.setup))

    def beside_uv_cold(self, times: int) -> list[Figure]:
        """The same with an empty cache each time: downloads some 3 GB a run."""

        def cold(work: str, number: int) -> float:
            cache = f"cache-{work}-{number}"
            seconds = (self.bare if work == "bare" else self.setup)(number, cache=cache)
            shutil.rmtree(self.folder / cache)
            return seconds

        return _pair("cold", *in_turn(times, lambda n: cold("bare", n), lambda n: cold("setup", n)))

    def small_tasks(self) -> list[Figure]:
        """What should feel like nothing: facts, and a setup that finds all as it was."""
        environ = self.environ("kept")
        checked(invoke(*CPU_SETUP), environ)
        values = in_turn(
            self.times,
            lambda _: checked(invoke("facts", "--json"), environ).seconds,
            lambda _: checked(invoke(*CPU_SETUP), environ).seconds,
        )
        names = ("facts", "setup of what is there")
        return [bounded(name, "s", found, 1.0) for name, found in zip(names, values, strict=True)]

    def judging(self) -> list[Figure]:
        """Verify of a CPU environment with synthetic weights: first, when nothing is compiled, then again."""
        environ = self.environ("kept")
        shutil.rmtree(self.folder / "kept" / "cache" / "bytecode", ignore_errors=True)
        first = checked(invoke(*VERIFY), environ).seconds
        wall: list[float] = []
        (work,) = in_turn(
            self.times,
            lambda _: processor_seconds(lambda: wall.append(checked(invoke(*VERIFY), environ).seconds)),
        )
        return [
            bounded("verify, the first time", "s", (first,), 90.0),
            bounded("verify", "s", tuple(wall), 60.0),
            Figure(name="verify, processor time", unit="s", values=work),
        ]

    def memory(self) -> list[Figure]:
        """The host process alone."""
        made, kept = self.environ("home-memory"), self.environ("kept")
        tasks: tuple[tuple[str, tuple[str, ...], Mapping[str, str]], ...] = (
            ("setup", SETUP, made),
            ("facts", ("facts", "--json"), kept),
            ("verify", VERIFY, kept),
        )
        figures = [
            bounded(f"host process, {name}", "MiB", (peak_mib(arguments, environ),), 150.0)
            for name, arguments, environ in tasks
        ]
        shutil.rmtree(self.folder / "home-memory")
        return figures


def _pair(state: str, bare: tuple[float, ...], setup: tuple[float, ...]) -> list[Figure]:
    reference = Figure(name=f"bare uv, {state}", unit="s", values=bare)
    measured = Figure(name=f"setup, {state}", unit="s", values=setup)
    return [
        reference,
        Figure(
            name=measured.name,
            unit="s",
            values=setup,
            reference=reference.name,
            ratio=measured.median / reference.median,
            bound="1.25 x bare uv + 2 s",
            within=measured.median <= 1.25 * reference.median + 2,
        ),
    ]
