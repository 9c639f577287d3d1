"""The compatibility timeline: what each release of torch would do on one GPU."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from scripts.model.evidence import VerdictKind
from scripts.model.target import ComputeCapability


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What the research note of February 2026 said of a release. `torch` is a PEP 440 version, maybe with `.*`."""

    torch: str
    cuda: str
    status: str
    platforms: tuple[str, ...]

    def is_about(self, torch: str, platform: str) -> bool:
        """Tell whether a release on a platform is meant, whatever its lane."""
        return platform in self.platforms and SpecifierSet(f"=={self.torch}").contains(torch)

    def __str__(self) -> str:
        """`claimed of cu130: Supported`: the lane that was meant need not be the one it is set beside."""
        return f"claimed of {self.cuda}: {self.status}"


@dataclass(frozen=True, kw_only=True)
class Container:
    """One of NVIDIA's images as its release notes tell it. `read` is an ISO date or month."""

    release: str
    torch: str
    cuda: str
    platforms: tuple[str, ...]
    read: str
    source: str
    python: str = ""


@dataclass(frozen=True, kw_only=True)
class TimelineData:
    """constraints/timeline.toml."""

    claims: tuple[Claim, ...]
    containers: tuple[Container, ...]


@dataclass(frozen=True, kw_only=True)
class TimelineRow:
    """One release of torch on one index, for one platform."""

    torch: str
    platform: str
    index: str
    """`pypi` or a lane."""
    wheel: str
    pythons: tuple[str, ...]
    """ABI tags of its wheels: `cp312`, `cp313t`."""
    cuda: str | None
    nvrtc: str | None
    driver: str | None
    """The lowest branch of NVIDIA's driver for that CUDA, `580`; None: CPU-only, or not known."""
    triton: str | None
    triton_assembles: bool | None
    """Would that Triton assemble for the GPU? None: there is none, or nobody measured it."""
    built_for: str
    code_of: str
    """The wheel whose device code was read: itself, or one of the same build. Empty: none was."""
    verdict: VerdictKind
    """Predicted."""
    reasons: tuple[str, ...]
    claim: str
    """What the note said of it, `claimed of cu130: Supported`; empty: nothing."""


@dataclass(frozen=True, kw_only=True)
class UnreadRow:
    """What was not looked into: a lane that did not answer, nightly builds, a container. Told, not found."""

    name: str
    torch: str
    cuda: str | None
    nvrtc: str | None
    driver: str | None
    """As a row's; None: not known, as of every container."""
    platforms: tuple[str, ...]
    verdict: VerdictKind
    """Predicted by less than a wheel of its own."""
    by: str
    """What the prediction goes by."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Everything, newest first. `created` is an ISO date."""

    schema: int
    created: str
    capability: ComputeCapability
    rows: tuple[TimelineRow, ...]
    lanes: tuple[UnreadRow, ...]
    nightlies: tuple[UnreadRow, ...]
    containers: tuple[UnreadRow, ...]
    failures: tuple[str, ...]
    """What could not be read, and why."""
