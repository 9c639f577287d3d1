"""The ladder of `auto`: which rungs a machine has, and what facts alone say of each. Pure.

Data is in constraints/ladder.toml; how it is climbed stands in descent.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scripts.errors import UsageError
from scripts.model.climb import Climb, Cost, Machine, Rung, RungState
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, Request
from scripts.model.target import GB10, ComputeCapability, Target
from scripts.redaction import redact
from scripts.serial import from_data
from scripts.strategies.base import Strategy
from scripts.strategies.checks import gpu_is_usable
from scripts.strategies.cuda import CudaWheels
from scripts.strategies.known import LANES
from scripts.strategies.prebuilt import PREBUILT
from scripts.strategies.source import SOURCE
from scripts.wheels.nvrtc import TABLE, NvrtcTable, look_up
from scripts.wheels.tables import bad_table, read_toml

AUTO = "auto"
CPU = "cpu"
"""The last rung, and the only one that is for no GPU."""

NEVER = Blocker(reason="by --never")
NOT_ALLOWED = Blocker(
    reason="there is a GPU here, and the CPU was neither asked for nor allowed",
    hint="--allow-cpu lets auto end there, --strategy cpu asks for it",
)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The order for each kind of machine, and what each rung costs."""

    machines: Mapping[Machine, tuple[str, ...]]
    rungs: Mapping[str, Cost]


def load_ladder(path: Path) -> Ladder:
    """Read constraints/ladder.toml. Raises IntegrityError where it is missing or not of that shape."""
    ladder = from_data(Ladder, read_toml(path), what=str(path))
    for machine in Machine:
        order = ladder.machines.get(machine, ())
        unpriced = [name for name in order if name not in ladder.rungs]
        if unpriced or len(set(order)) != len(order) or order[-1:] != (CPU,):
            raise bad_table(path, f"machines.{machine}: every rung once, each with its cost, and {CPU} last")
    return ladder


def strategy_named(name: str, known: Mapping[str, Strategy], *, auto: bool = True) -> Strategy:
    """Find a strategy by the name a person typed; `auto`: that name is a choice as well, the caller's to make."""
    try:
        return known[name.strip().lower()]
    except KeyError:
        raise UsageError(
            f"unknown strategy {name!r}",
            reference="unknown-strategy",
            hint=f"choose one of: {', '.join((AUTO, *known) if auto else known)}",
        ) from None


def is_auto(strategy: str) -> bool:
    """Tell whether `--strategy` leaves the choice to the ladder."""
    return strategy.strip().lower() == AUTO


def machine_of(facts: Facts) -> Machine:
    """Say which ladder this machine has. A GPU that its driver does not serve is a GPU: it is never passed over."""
    if facts.gpu.gpus:
        return Machine.GB10 if capability_of(facts) == GB10 else Machine.NVIDIA
    return Machine.NONE if facts.gpu.problem is None else Machine.NVIDIA


def capability_of(facts: Facts) -> ComputeCapability | None:
    """Give the compute capability that the climb is for: the first GPU's, as torch takes it; None: not known."""
    return next((gpu.capability for gpu in facts.gpu.gpus), None)


def devices_of(facts: Facts) -> tuple[str, ...]:
    """Name the GPUs, so that a verdict is known to be for them."""
    known = ((gpu.name, gpu.capability, gpu.uuid) for gpu in facts.gpu.gpus)
    return tuple(", ".join(str(part) for part in parts if part) for parts in known)


def foot(
    ladder: Ladder,
    facts: Facts,
    target: Target,
    request: Request,
    *,
    known: Mapping[str, Strategy],
    nvrtc: NvrtcTable,
    built: bool = False,
) -> Climb:
    """Start a climb: every rung, refused by the user or by facts, or not reached yet. Nothing is asked of anyone.

    `built`: a torch was built here, and lies in the wheelhouse.

    Raises UsageError for a `--never` that names no strategy, or every one.
    """
    machine = machine_of(facts)
    order = [name for name in ladder.machines[machine] if name in known]
    never = _never(request.never, known, order)
    case = _Case(facts=facts, target=target, request=request, machine=machine, nvrtc=nvrtc, built=built)
    rungs = []
    for name in order:
        cost = ladder.rungs[name]
        reasons = (NEVER,) if name in never else case.against(known[name])
        state = RungState.REFUSED if reasons else RungState.NOT_REACHED
        rungs.append(Rung(strategy=name, state=state, reasons=tuple(map(redacted, reasons)), cost=cost))
    return Climb(machine=machine, rungs=tuple(rungs), driver=facts.gpu.driver_version, devices=devices_of(facts))


def redacted(blocker: Blocker) -> Blocker:
    """Take credentials out: a climb is printed and stored."""
    return dataclasses.replace(blocker, reason=redact(blocker.reason), hint=redact(blocker.hint))


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What facts are weighed by."""

    facts: Facts
    target: Target
    request: Request
    machine: Machine
    nvrtc: NvrtcTable
    built: bool

    def against(self, strategy: Strategy) -> tuple[Blocker, ...]:
        """Say what stands against a strategy, the first kind of reason only: none costs a request."""
        if strategy.name == CPU:
            refused = self.machine is not Machine.NONE and not self.request.allow_cpu
            return strategy.blockers(self.facts, self.target) or ((NOT_ALLOWED,) if refused else ())
        return (
            gpu_is_usable(self.facts)
            or strategy.blockers(self.facts, self.target)
            or self._options(strategy)
            or strategy.reservations(self.facts)
            or self._too_old(strategy)
        )

    def _options(self, strategy: Strategy) -> tuple[Blocker, ...]:
        """What the user said that leaves this one out."""
        if strategy.name == PREBUILT and self.request.wheel is None:
            return (Blocker(reason="no wheel is named", hint="name one with --wheel PATH, URL, FOLDER or INDEX"),)
        if strategy.name == SOURCE and not self.built:
            return (Blocker(reason="no torch was built here", hint=f"--strategy {SOURCE} --yes builds one"),)
        mirrored = urlsplit(self.request.index or "").path.rstrip("/").rpartition("/")[2]
        if isinstance(strategy, CudaWheels) and mirrored in LANES and mirrored != strategy.name:
            return (Blocker(reason=f"--index names a mirror of lane {mirrored}"),)
        return ()

    def _too_old(self, strategy: Strategy) -> tuple[Blocker, ...]:
        """The lane's CUDA no longer compiles for this GPU, so nothing that was built with it has code for it."""
        capability = capability_of(self.facts)
        if capability is None or not isinstance(strategy, CudaWheels):
            return ()
        lane = strategy.lane
        # The default index's torch may be of another CUDA: what its pins say is looked up when it is planned.
        if lane.index is None or lane.nvrtc is None:
            return ()
        if look_up(self.nvrtc, lane.nvrtc, capability).compiles is not False:
            return ()
        row = next((row for row in self.nvrtc.nvrtc if row.version == lane.nvrtc), None)
        if row is None or any(_number(name) < _number(capability.sm) for name in row.compiles):
            return ()
        reason = (
            f"CUDA {lane.cuda} no longer compiles for {capability}: NVRTC {lane.nvrtc} begins with {row.compiles[0]}"
        )
        return (Blocker(reason=f"{reason} ({TABLE})", hint="an older lane may have it"),)


def _number(name: str) -> int:
    return int(name.removeprefix("sm_"))


def _never(never: Iterable[str], known: Mapping[str, Strategy], order: list[str]) -> frozenset[str]:
    names = frozenset(strategy_named(name, known, auto=False).name for name in never)
    if names >= set(order):
        raise UsageError(
            "--never leaves no strategy",
            context=f"the ladder of this machine: {', '.join(order)}",
            reference="nothing-left",
            hint="name fewer",
        )
    return names
