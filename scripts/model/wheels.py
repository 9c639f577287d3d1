"""What wheels exist: files of an index page, and the reasons for and against each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class IndexFile:
    """One file of an index's project page (PEP 503, 592, 658, 691, 700, 714). Sizes in bytes."""

    project: str
    filename: str
    url: str
    sha256: str | None
    size: int | None
    requires_python: str | None
    yanked: str | None
    """None: not yanked; else the reason given, possibly empty."""
    metadata_url: str
    """Where PEP 658 metadata would be; a page that does not announce it may still serve it."""
    metadata_announced: bool


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One index of torch builds, as constraints/lanes.toml tells it."""

    name: str
    index: str | None
    """None: the default index."""
    nightly_index: str | None
    """Where its nightly builds are; None: there are none."""
    cuda: str | None
    nvrtc: str | None
    torch: str
    """PEP 440 specifier of the torch releases it has."""
    platforms: tuple[str, ...]
    checked: str
    """ISO date of the reading."""
    source: str


class RejectionReason(StrEnum):
    """Why a file is no candidate, in the order in which the checks are made."""

    NOT_A_WHEEL = "not-a-wheel"
    VERSION = "version"
    PRERELEASE = "prerelease"
    PLATFORM = "platform"
    PYTHON = "python"
    YANKED = "yanked"
    CUDA_LANE = "cuda-lane"
    CPU_ONLY = "cpu-only"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A wheel that fits the target, with what its metadata says of CUDA (None: not read yet)."""

    file: IndexFile
    version: str


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A file that does not fit, and why, in words."""

    filename: str
    reason: RejectionReason
    detail: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Every file of one page, judged. Candidates best first."""

    project: str
    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, kw_only=True)
class CudaBuild:
    """What a torch wheel's metadata says of the CUDA it needs, read without downloading the wheel."""

    torch: str
    cuda: str | None
    """`13.2`; None: a CPU-only build."""
    nvrtc: str | None
    """The NVRTC version that its requirements pin, e.g. `13.2.86`; None where none is pinned."""
    nvrtc_package: str | None
    """The project of that NVRTC: `nvidia-cuda-nvrtc`, `nvidia-cuda-nvrtc-cu12`."""
    triton: str | None
    requirements: tuple[str, ...]
    """The Requires-Dist lines."""
