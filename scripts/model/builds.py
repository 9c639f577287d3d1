"""Wheels built here: what is asked for, what with, on which machine, how it went.

Sizes are bytes, but for those whose name ends with `_gb` (10^9 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scripts.model.recipes import Arch, Recipe
from scripts.model.target import Architecture, PythonVersion, Target


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What the user asked of `wheel.build`. None: not said."""

    recipe: str
    """A recipe's name, or a path: a recipe.toml, a source folder, an sdist."""
    sm: str | None = None
    torch: str | None = None
    python: PythonVersion | None = None
    architecture: Architecture | None = None
    place: str = "host"
    """`host` or `container`."""
    cuda: str = "auto"
    """`auto`, `index`, or the path of a CUDA toolkit."""
    jobs: int | None = None
    index: str | None = field(default=None, repr=False)
    wheelhouse: str | None = None
    rebuild: bool = False
    """Build it although the wheelhouse has it."""


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What compiles. `None` where there is none, or none is needed."""

    cxx: str
    cxx_version: str
    """First line of `g++ --version`."""
    cc: str
    cuda_home: str | None = None
    cuda_version: str | None = None
    """`13.2`."""
    cuda_from: str = ""
    """`the default index`, or the path."""
    nvcc_version: str | None = None
    """`13.2.86`, or what the pins say of an nvcc that is not here yet."""
    nvcc_codes: tuple[str, ...] = ()
    """`nvcc --list-gpu-code`: sm_75 ... sm_121; empty: not asked yet."""
    triple: str | None = None
    """`aarch64-linux-gnu` where it compiles for another machine."""


@dataclass(frozen=True, kw_only=True)
class ThermalZone:
    """One sensor of /sys/class/thermal, in degrees Celsius; `limit` is where it throttles."""

    name: str
    degrees: float
    limit: float | None


@dataclass(frozen=True, kw_only=True)
class BuildMachine:
    """What a build has to itself on this machine. Bytes; None: not known."""

    cpus: int
    """That this process may use: affinity and cgroup quota counted."""
    memory_available: int | None
    """Free memory, or what its cgroup leaves where that is less."""
    memory_limit: int | None = None
    """Of the cgroup that we are in; None: none."""
    memory_limit_from: str = ""
    """The cgroup's file."""
    swap_free: int | None = None
    disk_free: int | None = None
    distribution: str = ""
    """ID of /etc/os-release."""
    thermal: tuple[ThermalZone, ...] = ()
    governor: str | None = None
    """cpufreq's; `powersave` halves a machine."""
    clock_share: float | None = None
    """The highest clock that is allowed now over the highest there is; below 1: throttled."""
    now: float = 0.0
    """Seconds since the epoch: a clock in the past makes ninja build everything again and again."""


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """How many compilers run at once, and why not more."""

    count: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BuildForecast:
    """What a build is expected to take here. Not measured: `basis` says where it comes from."""

    minutes: float
    disk_gb: float
    download_gb: float
    memory_gb: float
    basis: str


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """Everything that decides what a wheel contains. Its digest is the stamp."""

    schema: int
    recipe: str
    """The recipe's digest."""
    source: str
    """`git:<commit>`, `sha256:<hex>` or `tree:<hex>`."""
    archs: tuple[str, ...]
    torch: str
    """`2.15.0` and the digest of its lock; empty: built against none."""
    cuda: str
    """nvcc's release and where it is from; empty: none."""
    compiler: str
    builder: str
    """Digest of constraints/builder.txt and of what the recipe requires beyond it."""
    python: str
    """`cp312`."""
    platform: str
    """`linux_x86_64`, with the C library: `glibc 2.36`."""
    place: str
    """`host`, or the container's base image."""
    variables: tuple[tuple[str, str], ...]
    """Those that decide the content, with {names} left in."""


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """A build to be."""

    recipe: Recipe
    inputs: BuildInputs
    stamp: str
    """64 digits over the inputs."""
    target: Target
    archs: tuple[Arch, ...]
    torch: str
    cuda: str
    """`13.2`; empty: none."""
    toolchain: Toolchain
    jobs: Jobs
    forecast: BuildForecast
    place: str = "host"
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`torch-scatter-0123456789ab`: its folder below builds/."""
        return f"{self.recipe.name}-{self.stamp[:12]}"


class AttemptOutcome(StrEnum):
    """How one run of the build ended."""

    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"
    """The system killed a compiler, for its memory or otherwise."""
    STOPPED = "stopped"
    """We ended it: the flags that reach nvcc are wrong."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of the build command."""

    jobs: int
    outcome: AttemptOutcome
    seconds: float
    detail: str = ""
    """The first real error, or what was killed."""


@dataclass(frozen=True, kw_only=True)
class UnitTime:
    """How long one unit took to compile."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CacheStatistics:
    """What ccache did in this build."""

    hits: int
    misses: int
    errors: int = 0


@dataclass(frozen=True, kw_only=True)
class TagChoice:
    """A wheel's platform tag, and why this one."""

    tag: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """A wheel in a wheelhouse. Paths are relative to it."""

    project: str
    version: str
    filename: str
    sha256: str
    stamp: str
    size: int
    wheel: str
    provenance: str
    tag_reason: str = ""
    cuda: str = ""
    archs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What `wheel.build` did."""

    published: Published
    path: str
    """The wheel's own."""
    found: bool
    """It was in the wheelhouse already: nothing was built."""
    seconds: float
    attempts: tuple[Attempt, ...] = ()
    cache: CacheStatistics | None = None
    slowest: tuple[UnitTime, ...] = ()
    log: str = ""
    notes: tuple[str, ...] = ()
