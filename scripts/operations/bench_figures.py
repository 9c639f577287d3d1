"""From seconds to figures: medians, percentiles, ratios round by round. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from scripts.model.bench import Measurement, Metric

Key = tuple[str, str]
"""A mode and its dtype."""
STOCK: Key = ("stock", "float32")


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least `share` (0 to 1) of the values do not exceed: the nearest rank.

    Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = max(1, -(-share * len(ordered) // 1))
    return ordered[min(len(ordered), int(rank)) - 1]


def ratio_of(
    own: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]] | None, *, more_is_better: bool = False
) -> float | None:
    """Give how many times better than a baseline: the median over rounds of the ratio of the rounds' medians.

    Both have a sequence of values for each round. None: there is no round in which both were measured.
    """
    pairs = [
        (statistics.median(first), statistics.median(second))
        for first, second in zip(own, baseline or (), strict=False)
        if first and second
    ]
    ratios = [mine / base if more_is_better else base / mine for mine, base in pairs if mine > 0 and base > 0]
    return round(statistics.median(ratios), 3) if ratios else None


def measurement(
    metric: Metric,
    what: str,
    key: Key,
    rounds: Sequence[Sequence[float]],
    baseline: Sequence[Sequence[float]] | None,
    *,
    device: str,
    unit: str,
    text_seconds: float | None = None,
    more_is_better: bool = False,
) -> Measurement:
    """Make a row of a mode's values, a sequence for each round; seconds, unless `more_is_better`.

    `text_seconds`: of the sound that was made in that time. `baseline` is stock's rounds. Raises ValueError where there
    are no values.
    """
    values = [value for one in rounds for value in one]
    scale = text_seconds if metric is Metric.RTF and text_seconds else 1.0
    middle = statistics.median(values)
    return Measurement(
        metric=metric,
        mode=key[0],
        device=device,
        dtype=key[1],
        what=what,
        value=round(middle / scale, 4),
        unit=unit,
        low=round(min(values) / scale, 4),
        high=round(max(values) / scale, 4),
        count=len(values),
        text_seconds=text_seconds,
        rtf=round(middle / text_seconds, 4) if text_seconds and not more_is_better else None,
        ratio=ratio_of(rounds, baseline, more_is_better=more_is_better),
    )


def percentile_row(
    what: str, share: float, key: Key, seconds: Sequence[float], *, device: str, metric: Metric = Metric.LATENCY
) -> Measurement:
    """Make a row of latency."""
    return Measurement(
        metric=metric,
        mode=key[0],
        device=device,
        dtype=key[1],
        what=f"p{share * 100:.0f} of {what}",
        value=round(percentile(seconds, share), 4),
        unit="s",
        low=round(min(seconds), 4),
        high=round(max(seconds), 4),
        count=len(seconds),
    )
