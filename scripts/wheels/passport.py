"""A wheel's passport: what it is, what it holds, and whether that runs on a GPU. Values and their judging. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from scripts.model.target import ComputeCapability
from scripts.wheels.architectures import code_runs, is_ptx, parse_architecture
from scripts.wheels.devicecode import DeviceCode, runs_on
from scripts.wheels.record import RecordReport

SCHEMA = 1
"""The version of passport.json."""

NOT_READ = "not read: --download"
READ_HERE = "read here"


class Fit(StrEnum):
    """Does device code run on a GPU: from best to worst."""

    RUNS = "runs"
    """A cubin for exactly this capability."""
    SAME_MAJOR = "runs by the same-major rule"
    """A cubin for the same major and a lower minor."""
    JIT = "needs PTX JIT"
    """No cubin runs, but there is PTX, which the driver compiles when it is first used."""
    NO = "does not run"
    UNKNOWN = "not known"
    """It was not read, cannot be, or may be kept where nobody sees it: `why` says which."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The answer for one library, and why. `fit` None: there is nothing that the rule could judge."""

    fit: Fit | None
    why: str
    part: str = ""
    """`317 of 609`: that many fatbins hold code that runs; empty: all that are judged, or none."""


@dataclass(frozen=True, kw_only=True)
class LibraryPassport:
    """One shared library of a wheel. Sizes in bytes; `packed` is what it takes in the wheel."""

    library: str
    """Its path in the wheel."""
    size: int
    packed: int
    known: str
    """How its device code is known: `read here`, `measured DATE`, `not read: --download`."""
    machine: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """What it needs and nobody brings, with who could."""
    fatbins: dict[str, int] = field(default_factory=dict)
    """What is in a fatbin, to the number of such fatbins; see DeviceCode."""
    cubins: dict[str, int] = field(default_factory=dict)
    ptx: dict[str, int] = field(default_factory=dict)
    fit: Fit | None = None
    why: str = ""
    problem: str = ""
    """Why it could not be read, or is not what RECORD says; empty: sound."""
    part: str = ""
    """Of code that runs: `317 of 609`, where not all fatbins hold such; empty: all do."""
    foreign: str = ""
    """What it is where it is no ELF library: `Mach-O`, `PE`."""
    data: int = 0
    """Bytes of its largest section of data."""


@dataclass(frozen=True, kw_only=True)
class Passport:
    """Everything that `wheel.inspect` says. None: not known, or there is none, as each field says."""

    schema: int = SCHEMA
    file: str
    source: str
    """The path or URL, without credentials."""
    name: str | None = None
    version: str | None = None
    tags: tuple[str, ...] = ()
    target: str
    fits: bool | None = None
    """Do tags and Requires-Python accept the target; None: a library, not a wheel."""
    fits_why: str = ""
    size: int | None
    sha256: str | None
    """None: neither read whole nor told."""
    sha256_from: str
    cuda: str | None = None
    """`13.2`; None: it requires none, or does not say which."""
    cuda_told: bool = True
    """False: its metadata speaks of CUDA, but of no release, or cannot be followed."""
    lane: str | None = None
    """`cu132`, `cpu`."""
    nvrtc: str | None = None
    nvrtc_compiles: bool | None = None
    """For the capability, as measured; None: not measured."""
    nvrtc_how: str = ""
    triton: str | None = None
    triton_assembles: bool | None = None
    """Does its ptxas assemble for the capability, as measured; None: not measured."""
    triton_how: str = ""
    driver: str | None = None
    """The lowest NVIDIA driver for that CUDA release, `580`, by minor-version compatibility."""
    cuda_needed: str | None = None
    """CUDA's major version by what its libraries need, where its metadata names none: `13`."""
    cuda_needed_by: str | None = None
    """`libcudart.so.13`."""
    driver_packaged: str | None = None
    """The driver that the release came with: what compiles its PTX is at least that."""
    capability: str
    rule: str
    fit: Fit | None = None
    """Of the library with the most device code."""
    part: str = ""
    """`317 of 609`: not all of that library's fatbins hold code that runs; empty: all do, or none."""
    why: str = ""
    decided_by: str | None = None
    """That library; or where none was read, torch's own word for what it was built for."""
    built_for: str | None = None
    """What torch says it was built for: torch.cuda.get_arch_list()."""
    libraries: tuple[LibraryPassport, ...] = ()
    record: RecordReport | None = None
    problems: tuple[str, ...] = ()
    """What makes it unsound: RECORD, broken libraries, names that differ. None of it is about what it runs on."""
    notes: tuple[str, ...] = ()
    requests: int = 0
    """Made to read it from afar."""
    bytes_read: int = 0
    """Read from afar, or the file's whole size."""


def judge(code: DeviceCode | None, capability: ComputeCapability) -> Judgement:
    """Judge one library's device code for a capability by RULE. None: it was not read."""
    if code is None:
        return Judgement(fit=Fit.UNKNOWN, why="not known")
    if not code.total:
        return Judgement(fit=None, why="no fatbins")
    if not code.cubins and not code.ptx:
        return Judgement(fit=None, why=f"all {code.total} fatbins hold only LTO code, linked when it runs: not judged")
    answer = runs_on(code, capability)
    why = f"{answer.covered} of {code.total} fatbins hold code that runs there, most of them {answer.by}"
    if answer.by == "none":
        why = f"none of {code.total} fatbins holds code for {capability}"
    elif not answer.runs:
        why = f"only {answer.covered} of {code.total} fatbins hold code for {capability} ({answer.by})"
    linked = code.fatbins.get("", 0)
    if linked:
        why += f"; {linked} more hold only LTO code, linked when it runs: not judged"
    part = f"{answer.covered} of {code.total}" if answer.runs and answer.covered < code.total - linked else ""
    return Judgement(fit=_fit(code, capability) if answer.runs else Fit.NO, why=why, part=part)


def architecture_fit(name: str, capability: ComputeCapability) -> Fit:
    """Judge the code for one architecture, `sm_120` or `compute_90`, alone."""
    if not code_runs(name, capability):
        return Fit.NO
    if is_ptx(name):
        return Fit.JIT
    return Fit.RUNS if parse_architecture(name)[0] == capability else Fit.SAME_MAJOR


def _fit(code: DeviceCode, capability: ComputeCapability) -> Fit:
    """Name how code that runs does: by the most widespread cubin that runs, else by PTX."""
    counts = dict.fromkeys(Fit, 0)
    for arch, count in code.cubins.items():
        fit = architecture_fit(arch, capability)
        counts[fit] = max(counts[fit], count)
    if not counts[Fit.RUNS] and not counts[Fit.SAME_MAJOR]:
        return Fit.JIT
    # One sm_121a among 475 sm_120: what the library does on 12.1, it does by sm_120.
    return Fit.RUNS if counts[Fit.RUNS] >= counts[Fit.SAME_MAJOR] else Fit.SAME_MAJOR


def most_device_code(libraries: Iterable[LibraryPassport]) -> LibraryPassport | None:
    """Find the library that speaks for the wheel: that with most fatbins, and of equals the largest; None: none."""
    holding = [one for one in libraries if one.fatbins]
    return max(holding, key=lambda one: (sum(one.fatbins.values()), one.size), default=None)


def with_code(
    library: str,
    code: DeviceCode | None,
    capability: ComputeCapability,
    *,
    size: int,
    packed: int,
    known: str,
    machine: str | None = None,
    soname: str | None = None,
    needed: Sequence[str] = (),
    missing: Sequence[str] = (),
    problem: str = "",
    foreign: str = "",
    data: int = 0,
) -> LibraryPassport:
    """Make one library's passport of what was read of it."""
    judgement = judge(code, capability)
    if foreign:
        judgement = Judgement(fit=Fit.UNKNOWN, why=f"not known: it is no ELF library ({foreign})")
    return LibraryPassport(
        library=library,
        size=size,
        packed=packed,
        known=known,
        machine=machine,
        soname=soname,
        needed=tuple(needed),
        missing=tuple(missing),
        fatbins={} if code is None else code.fatbins,
        cubins={} if code is None else code.cubins,
        ptx={} if code is None else code.ptx,
        fit=judgement.fit,
        why="it could not be read" if problem and code is None else judgement.why,
        problem=problem,
        part=judgement.part,
        foreign=foreign,
        data=data,
    )
