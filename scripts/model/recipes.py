"""How a package is built into a wheel, as data. Sizes are GB (10^9 bytes)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class SourceKind(StrEnum):
    """Where a source comes from."""

    GIT = "git"
    SDIST = "sdist"
    ARCHIVE = "archive"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source, named so that there is exactly one it can be. A folder alone is named by what it holds now."""

    kind: SourceKind
    location: str = field(default="", repr=False)
    """git: a URL or a path; archive: a path or URL; folder: a path. May hold credentials."""
    project: str = ""
    """sdist: its name on the default index."""
    version: str = ""
    """sdist: its release. git: the release that the tag stands for."""
    tag: str = ""
    commit: str = ""
    """git: the 40 digits that the tag must lead to."""
    sha256: str = ""
    """sdist, archive."""
    submodules: bool = False
    """git: with all of them, recursively."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a build is expected to take, and how that is known (`basis`)."""

    memory_per_job_gb: float
    disk_gb: float
    core_minutes: float
    """Of one processor core, with a cold compiler cache."""
    download_gb: float = 0.0
    basis: str = ""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What a wheel must do once it is built."""

    imports: tuple[str, ...] = ()
    """Modules that must import in a fresh environment."""
    program: str = ""
    """Python that must exit 0 there, without a GPU."""
    device_code: bool = True
    """It must hold cubins for exactly the architectures that were asked for."""
    provided: tuple[str, ...] = ()
    """Shared libraries that others bring, as sonames or patterns of them: torch's, CUDA's packages."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one package is built into a wheel. Read from TOML, see scripts/builds/recipes/README.md."""

    name: str
    distribution: str
    """The wheel's project name."""
    summary: str
    tried: str
    """How far it was tried, in a sentence: shown wherever the recipe is."""
    source: SourceSpec
    resources: Resources
    cuda: bool = True
    """It is compiled with nvcc."""
    against_torch: bool = True
    """It is compiled against an installed torch; False for torch itself and for what does not know torch."""
    cuda_from_index: bool = True
    """The compiler that the default index has for this CUDA will do; False: a whole CUDA toolkit is needed."""
    cross: bool = False
    """It can be built on x86_64 for aarch64."""
    requires: tuple[str, ...] = ()
    """Build requirements beyond constraints/builder.txt."""
    variables: tuple[tuple[str, str], ...] = ()
    """Environment of the build; see scripts/builds/variables.py for the {names} in the values."""
    system: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(distribution's ID of os-release, its packages)."""
    patches: tuple[str, ...] = ()
    """Texts of unified diffs, applied in order with -p1."""
    rpath: tuple[str, ...] = ()
    """Written into every library of the wheel, with {site} for the way to site-packages; empty: left as built."""
    local_version: str = ""
    """Added to the wheel's version, with {torch}, {cuda} and {sm}: `pt{torch}cu{cuda}sm{sm}`; empty: left as built."""
    checks: Checks = Checks()
    digest: str = ""
    """sha256 of the recipe's text and its patches."""


@dataclass(frozen=True, order=True)
class Arch:
    """One entry of TORCH_CUDA_ARCH_LIST: `12.1a`, `9.0`, `8.6+PTX`."""

    major: int
    minor: int
    suffix: str = ""
    """`a`: for exactly this capability."""
    ptx: bool = False

    def __str__(self) -> str:
        """As torch writes it."""
        return f"{self.major}.{self.minor}{self.suffix}{'+PTX' if self.ptx else ''}"

    @property
    def sm(self) -> str:
        """`sm_121a`, as nvcc and cubins name it."""
        return f"sm_{self.major}{self.minor}{self.suffix}"
