"""wheel.build beside a bare `python -m build` of the same extension, in the same environment, by the same compilers."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen

from scripts.builds.variables import MASQUERADE
from scripts.home import CHECKOUT, HOME_VARIABLE
from tests.benchmarks.timing import Figure, bounded, checked, in_turn, invoke

EXTENSION = CHECKOUT / "tests" / "data" / "sources" / "spark_extension"
BUILD = ("wheel.build", "test-extension", "--sm", "12.1a", "--json")
UNCHANGED_SECONDS, WARM_SHARE, OVERHEAD, ERROR_SECONDS = 2.0, 0.25, 1.1, 5.0


@dataclass(frozen=True)
class Building:
    """A folder of our own, and how often."""

    folder: Path
    times: int

    def figures(self) -> list[Figure]:
        """The build environment is made first and kept, as it is between builds."""
        checked(invoke(*BUILD), self.environ("first"))
        bare, cold, warm = in_turn(self.times, self.bare, self.cold, self.warm)
        unchanged, late = in_turn(self.times, self.unchanged, self.late)
        reference = Figure(name="bare `python -m build`, a cold compiler cache", unit="s", values=bare)
        ours = Figure(name="wheel.build, a cold compiler cache", unit="s", values=cold)
        return [
            reference,
            _beside(ours.name, cold, reference, OVERHEAD),
            _beside("wheel.build, a warm compiler cache", warm, ours, WARM_SHARE),
            bounded("wheel.build, nothing changed", "s", unchanged, UNCHANGED_SECONDS),
            bounded("the compiler's first error, until it is shown", "s", late, ERROR_SECONDS),
        ]

    def environ(self, cache: str) -> dict[str, str]:
        """Ours, with a data root and a compiler cache below the folder."""
        return {**os.environ, HOME_VARIABLE: str(self.folder / "home"), "CCACHE_DIR": str(self.folder / cache)}

    def bare(self, number: int) -> float:
        """The back end alone, with what wheel.build would give it."""
        source = self.folder / f"bare-{number}"
        shutil.copytree(EXTENSION, source)
        (environment,) = (self.folder / "home" / "builds" / "environments").glob("build-*")
        given = {
            "PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]]),
            "CUDA_HOME": str(environment / "cuda"),
            "TORCH_CUDA_ARCH_LIST": "12.1a",
            "MAX_JOBS": str(os.cpu_count()),
            "CC": str(environment / MASQUERADE / "gcc"),
            "CXX": str(environment / MASQUERADE / "g++"),
        }
        argv = [str(environment / "bin" / "python"), "-m", "build", "--wheel", "--no-isolation", str(source)]
        return checked(argv, {**self.environ(f"bare-cache-{number}"), **given}).seconds

    def cold(self, number: int) -> float:
        """All of it, into a compiler cache that is empty."""
        return checked(invoke(*BUILD, "--rebuild"), self.environ(f"cache-{number}")).seconds

    def warm(self, number: int) -> float:
        """All of it again, with the cache that `cold` filled."""
        return self.cold(number)

    def unchanged(self, _number: int) -> float:
        """The wheelhouse answers."""
        done = checked(invoke(*BUILD), self.environ("first"))
        assert json.loads(done.stdout)["found"], "nothing was built"
        return done.seconds

    def late(self, number: int) -> float:
        """From the line in the log, which is written as it comes, to the line on the screen."""
        source = self.folder / f"broken-{number}"
        shutil.copytree(EXTENSION, source)
        operators = source / "csrc" / "operators.cpp"
        operators.write_text(operators.read_text().replace("at::mul", "at::nowhere"))
        said: float | None = None
        shown: float | None = None
        words = self.folder / f"said-{number}.txt"
        command = invoke("wheel.build", str(source))
        environ = self.environ(f"broken-cache-{number}")
        with (
            words.open("w") as stream,
            Popen(command, cwd=CHECKOUT, env=environ, stdout=DEVNULL, stderr=stream) as process,
        ):
            while process.poll() is None and shown is None:
                time.sleep(0.02)
                now = time.monotonic()
                said = now if said is None and " error: " in self._log() else said
                shown = now if "first error" in words.read_text() else None
            process.wait()
        assert said is not None, "the compiler said it"
        assert shown is not None, "it was shown"
        return shown - said

    def _log(self) -> str:
        """What the build of the broken source has logged."""
        logs = (self.folder / "home" / "builds").glob("spark-extension-*/log.txt")
        return "".join(path.read_text() for path in logs if "operators.cpp" in path.read_text())


def _beside(name: str, values: tuple[float, ...], reference: Figure, share: float) -> Figure:
    measured = Figure(name=name, unit="s", values=values)
    ratio = measured.median / reference.median
    return Figure(
        name=name,
        unit="s",
        values=values,
        reference=reference.name,
        ratio=ratio,
        bound=f"{share:g} x {reference.name}",
        within=ratio <= share,
    )
