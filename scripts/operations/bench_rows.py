"""From the answers of the probes to rows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.model.bench import BenchTable, Budget, Measurement, Metric
from scripts.operations.bench_budget import budget_of
from scripts.operations.bench_figures import STOCK, Key, measurement, percentile_row
from scripts.operations.bench_order import BenchOrder, texts_of
from scripts.operations.bench_turns import MIDDLE_SECONDS, is_streamed

SHARES = (0.5, 0.95, 0.99)
MIB = 1 << 20
_COLD = (
    ("seconds_import", "import"),
    ("seconds_load", "load"),
    ("seconds_first", "first utterance"),
    ("seconds_second", "second utterance"),
)


@dataclass(kw_only=True)
class Collected:
    """What the rounds gave: seconds by turn and mode, a list for each round."""

    seconds: dict[str, dict[Key, list[list[float]]]] = field(default_factory=lambda: defaultdict(dict))
    audio: dict[tuple[str, Key], float] = field(default_factory=dict)
    """Seconds of sound of a turn."""
    throughput: dict[int, dict[Key, list[list[float]]]] = field(default_factory=lambda: defaultdict(dict))
    """Seconds of sound a second, by how many requests at once."""
    requests: dict[int, dict[Key, list[float]]] = field(default_factory=lambda: defaultdict(dict))
    """Each request's seconds."""
    cold: dict[Key, dict[str, Any]] = field(default_factory=dict)
    unmeasured: dict[Key, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    warm_up: int = 0
    threads: int | None = None

    def add(self, answer: Mapping[str, Any]) -> None:
        """Take a round's answer in."""
        for one in answer["timings"]:
            key = (one["mode"], one["dtype"])
            self.seconds[one["turn"]].setdefault(key, []).append(one["seconds"])
            self.audio[one["turn"], key] = one["audio"]
        for one in answer["concurrent"]:
            key = (one["mode"], one["dtype"])
            self.throughput[one["at"]].setdefault(key, []).append([one["audio"] / one["seconds"]])
            self.requests[one["at"]].setdefault(key, []).extend(one["latencies"])
        for one in answer["failures"]:
            self.unmeasured[one["mode"], one["dtype"]] = one["error"]
        self.versions += [version for version in answer["versions"] if version not in self.versions]
        self.warm_up = max(self.warm_up, answer["warm_up"])
        self.threads = answer["threads"] or self.threads

    @property
    def keys(self) -> list[Key]:
        """Each mode and dtype that spoke, in the order in which they did."""
        return list(dict.fromkeys(key for modes in self.seconds.values() for key in modes))


def rows_of(collected: Collected, order: BenchOrder, table: BenchTable, *, device: str) -> list[Measurement]:
    """Make all rows."""
    found: list[Measurement] = []
    for text in texts_of(order, table):
        rounds = collected.seconds[text.name]
        for key, own in rounds.items():
            seconds = collected.audio[text.name, key]
            found.append(
                measurement(
                    Metric.RTF, text.name, key, own, rounds.get(STOCK), device=device, unit="", text_seconds=seconds
                )
            )
            if text.seconds <= MIDDLE_SECONDS:
                values = [value for one in own for value in one]
                found += [percentile_row(text.name, share, key, values, device=device) for share in SHARES]
        if is_streamed(text):
            found += _first_audio(collected, text.name, device)
    return [*found, *_throughput(collected, device), *_cold(collected, device)]


def budgets_of(collected: Collected, phoneme_seconds: Mapping[str, float]) -> tuple[Budget, ...]:
    """Give each mode's share of a voice call's budget, over all replies and rounds."""
    replies = [turn for turn in collected.seconds if turn.startswith("reply ")]
    texts = [seconds for name, seconds in phoneme_seconds.items() if name.startswith("reply ")]
    found = []
    for key in collected.keys:
        seconds = [value for turn in replies for one in collected.seconds[turn].get(key, ()) for value in one]
        if seconds:
            found.append(budget_of(*key, seconds, texts))
    return tuple(found)


def _first_audio(collected: Collected, name: str, device: str) -> Iterator[Measurement]:
    """Time to the first sound of a text: of all of it, its first sentence, its first clause; against stock's whole."""
    stock = collected.seconds[name].get(STOCK)
    for turn, what in ((name, "whole"), (f"{name} by sentence", "by sentence"), (f"{name} by clause", "by clause")):
        for key, own in collected.seconds[turn].items():
            yield measurement(Metric.FIRST_AUDIO, what, key, own, stock, device=device, unit="s")


def _throughput(collected: Collected, device: str) -> Iterator[Measurement]:
    """Sound per second under several requests at once; against stock with one after the other."""
    alone = collected.throughput.get(1, {}).get(STOCK)
    for at, modes in collected.throughput.items():
        what = f"{at} request{'s' if at > 1 else ''}"
        for key, own in modes.items():
            yield measurement(Metric.THROUGHPUT, what, key, own, alone, device=device, unit="s/s", more_is_better=True)
            requests = collected.requests[at][key]
            for share in SHARES[:2]:
                yield percentile_row(what, share, key, requests, device=device, metric=Metric.LOADED_LATENCY)


def _cold(collected: Collected, device: str) -> Iterator[Measurement]:
    for key, detail in collected.cold.items():
        for name, what in _COLD:
            yield _single(Metric.COLD_START, what, key, detail[name], unit="s", device=device)
        yield _single(Metric.MEMORY, "host", key, detail["host_peak_bytes"] / MIB, unit="MiB", device=device)
        if detail["gpu_peak_bytes"] is not None:
            yield _single(Metric.MEMORY, "GPU", key, detail["gpu_peak_bytes"] / MIB, unit="MiB", device=device)
            yield _single(Metric.COLD_START, "kernels compiled", key, detail["kernels"], unit="", device=device)
        if detail["energy_joules"] is not None:
            yield _single(Metric.ENERGY, "GPU, 20 s", key, detail["energy_joules"], unit="J", device=device)


def _single(metric: Metric, what: str, key: Key, value: float, *, unit: str, device: str) -> Measurement:
    value = round(float(value), 4)
    return Measurement(
        metric=metric,
        mode=key[0],
        device=device,
        dtype=key[1],
        what=what,
        value=value,
        unit=unit,
        low=value,
        high=value,
        count=1,
    )
