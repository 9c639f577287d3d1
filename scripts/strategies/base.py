"""What a strategy is, and what it is asked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from scripts.errors import NoCandidateError, UsageError
from scripts.model.facts import Facts, Interpreter
from scripts.model.plan import Blocker, Lock, Plan, Request
from scripts.model.target import SUPPORTED_PYTHONS, PythonVersion, Target
from scripts.wheels.lanes import LaneTable

CPU_LANE = "cpu"


@dataclass(frozen=True, kw_only=True)
class TorchSource:
    """One place that torch may come from: what the plan's `source` names."""

    name: str
    """`pypi`, a lane, or a lane with `-nightly`; the name of its lock in constraints/."""
    index: str | None
    """None: the default index."""
    lane_cuda: str | None
    """The lane's CUDA release, or CPU_LANE; None where any build will do."""
    cuda_required: bool
    """A CPU-only build is refused by name."""
    prereleases: bool = False
    mirrored: bool = False
    """`--index` replaced the lane's own."""


@dataclass(frozen=True, kw_only=True)
class PlanInputs:
    """Everything a plan is assembled from. `interpreter` is None for another machine's platform."""

    source: TorchSource
    target: Target
    interpreter: Interpreter | None
    locks: tuple[Lock, ...]
    made: tuple[tuple[str, str, str], ...]
    """(name, version, sha256) of each wheel that we make."""
    notes: tuple[str, ...] = ()


class Strategy(Protocol):
    """One way to an environment."""

    @property
    def name(self) -> str:
        """What `--strategy` takes."""
        ...

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Say why it cannot be used for this target at all."""
        ...

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """Say why `auto` passes over it on this machine although it could be installed."""
        ...


@runtime_checkable
class TorchStrategy(Strategy, Protocol):
    """A way whose torch comes from an index, by a lock."""

    def sources(self, request: Request, lanes: LaneTable) -> tuple[TorchSource, ...]:
        """Say where torch may come from, best first: the next is for when one cannot be reached."""
        ...

    def plan(self, inputs: PlanInputs) -> Plan:
        """Turn what was chosen into steps."""
        ...


def require_supported(wanted: PythonVersion | None) -> PythonVersion | None:
    """Give back a Python that Kokoro runs on.

    Raises UsageError (unsupported-python) for another.
    """
    if wanted is not None and wanted not in SUPPORTED_PYTHONS:
        raise UsageError(
            f"Kokoro does not run on Python {wanted}",
            context="kokoro 0.9.4 declares Python >=3.10,<3.13 and misaki[en] blocks 3.13",
            reference="unsupported-python",
            hint=f"choose one of: {', '.join(map(str, SUPPORTED_PYTHONS))} (--python 3.12)",
        )
    return wanted


def choose_python(
    interpreters: tuple[Interpreter, ...], wanted: PythonVersion | None, *, architecture: str
) -> Interpreter | None:
    """Choose among the Pythons that are here: the wanted one, else the best supported; None: none fits.

    Raises UsageError for a version that Kokoro does not run on.
    """
    require_supported(wanted)
    for version in (wanted,) if wanted is not None else SUPPORTED_PYTHONS:
        for interpreter in interpreters:
            if (
                interpreter.minor == version
                and interpreter.architecture == architecture
                and interpreter.implementation.lower() == "cpython"
            ):
                return interpreter
    return None


def no_python_error(
    interpreters: tuple[Interpreter, ...], wanted: PythonVersion | None, *, asked: bool = True
) -> NoCandidateError:
    """Make the error for a machine without a Python that fits. `asked`: uv was asked for one."""
    found = ", ".join(f"{one.version} ({one.path})" for one in interpreters) or "none"
    names = str(wanted) if wanted is not None else " or ".join(map(str, SUPPORTED_PYTHONS))
    return NoCandidateError(
        f"there is no Python {names} here" + (", and uv could not get one" if asked else "; a dry run gets none by uv"),
        context=f"Pythons found: {found}",
        reference="no-python",
        hint="install python3.12 (or 3.11) with its venv package, or choose another with --python",
    )
