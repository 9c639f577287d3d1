"""What `invoke bench` is to speak, and what it measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """What a row is about."""

    RTF = "real-time factor"
    """Seconds of work for a second of sound."""
    FIRST_AUDIO = "time to first audio"
    LATENCY = "latency"
    """Seconds from a request to its whole sound."""
    THROUGHPUT = "throughput"
    """Seconds of sound a second, of all requests together."""
    LOADED_LATENCY = "latency under load"
    """The same, of a request that is one of several at once."""
    COLD_START = "cold start"
    MEMORY = "peak memory"
    ENERGY = "energy"


@dataclass(frozen=True, kw_only=True)
class BenchText:
    """A text of the table."""

    name: str
    seconds: float
    """Of sound, about."""
    pieces: tuple[str, ...]
    """Its sentences."""
    first_clause: str = ""

    @property
    def whole(self) -> str:
        """The text as one."""
        return " ".join(self.pieces)


@dataclass(frozen=True, kw_only=True)
class BenchTable:
    """constraints/bench.toml."""

    voice: str
    texts: tuple[BenchText, ...]
    long: BenchText
    replies: tuple[str, ...]
    at: tuple[int, ...]
    """Requests at once."""
    requests: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One figure: the median of its rounds, with what lies around it."""

    metric: Metric
    mode: str
    device: str
    dtype: str
    what: str
    """Of what: a text's name, `by sentence`, `p95 of 3 s`, `16 requests`, `import`, `host`."""
    value: float
    unit: str
    low: float
    high: float
    """The smallest and the largest round."""
    count: int
    """Of measured values."""
    text_seconds: float | None = None
    """Of sound that was made."""
    rtf: float | None = None
    """Where the figure is one of time for a text."""
    ratio: float | None = None
    """How many times better than stock in the same round, the median over rounds: 2 is half the time, or twice as
    much."""


@dataclass(frozen=True, kw_only=True)
class Unmeasured:
    """A mode that could not be measured here, and why."""

    mode: str
    dtype: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One mode's share of it, in milliseconds."""

    mode: str
    dtype: str
    count: int
    p50_ms: float
    p95_ms: float

    def left_ms(self, budget: int) -> tuple[float, float]:
        """Give what is left at p50 and at p95; negative: speech alone takes longer."""
        return budget - self.p50_ms, budget - self.p95_ms


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """One run."""

    schema: int
    created: str
    """The day, ISO 8601."""
    machine: str
    device: str
    device_name: str | None
    weights: str
    versions: tuple[str, ...]
    settings: tuple[str, ...]
    """Threads, rounds, warm-up, waiting: what the figures depend on."""
    rows: tuple[Measurement, ...]
    unmeasured: tuple[Unmeasured, ...]
    budgets: tuple[Budget, ...] = ()
    """Of a voice call's first sentence."""
    notes: tuple[str, ...] = ()

    def find(self, metric: Metric, what: str, mode: str, dtype: str) -> Measurement | None:
        """Find a row; None: it was not measured."""
        wanted = (metric, what, mode, dtype)
        return next((row for row in self.rows if (row.metric, row.what, row.mode, row.dtype) == wanted), None)

    @property
    def modes(self) -> tuple[tuple[str, str], ...]:
        """Each mode and dtype that has rows, in order."""
        return tuple(dict.fromkeys((row.mode, row.dtype) for row in self.rows))
