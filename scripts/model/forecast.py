"""What `predict` is asked and what it says: a verdict for a wheel that nobody downloaded."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.model.evidence import Prediction
from scripts.model.target import ComputeCapability, Target


@dataclass(frozen=True, kw_only=True)
class ForecastRequest:
    """Which torch, for which machine. `torch` None: the newest stable one; `index` None: the strategy's own."""

    strategy: str
    torch: str | None
    target: Target
    capability: ComputeCapability
    index: str | None = field(default=None, repr=False)
    nightly: bool = False


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What would happen there. Predicted, never verified. Sizes in bytes."""

    schema: int
    created: str
    """ISO date."""
    strategy: str
    wheel: str
    torch: str
    size: int | None
    sha256: str | None
    target: str
    """`cp312 linux aarch64 glibc 2.39`."""
    cuda: str | None
    """None: a CPU-only build."""
    nvrtc: str | None
    """The release that the wheel's requirements pin; None: none is pinned."""
    nvrtc_package: str | None
    triton: str | None
    built_for: str
    """The architectures that its torch was built for, `sm_80 sm_120`; empty: none, or not known."""
    prediction: Prediction
    requests: int
    """What reading it took, retries and a whole download aside; 0 and 0 where all was in the cache."""
    bytes_read: int
    settle: tuple[str, ...] = ()
    """Where it is undecided: the commands that would decide it."""
    notes: tuple[str, ...] = ()
