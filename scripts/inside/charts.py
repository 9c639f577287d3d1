"""Probe `charts`: the charts of a bench report. Needs matplotlib and numpy alone.

Request: `report` (scripts.model.bench.BenchReport as JSON), `sounds` (a folder of `MODE DTYPE.f32`: raw float32 samples
at 24 kHz). Answer: `charts`, PNG as data: URLs by name: rtf, first audio, latency, throughput, memory, waveforms,
spectrograms. What has no figures is not drawn.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

RATE = 24_000
STOCK = "stock float32"
COLOURS = ("#5d6570", "#2f6fb3", "#b7791f", "#7a4fa3", "#1f7a4d", "#46b07c", "#b3261e", "#8a5a10", "#6aa6e6")
_WINDOW, _HOP = 1024, 256
_QUIETEST_DB = -80.0


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Draw what there is."""
    import matplotlib as mpl

    mpl.use("Agg")
    rows = request["report"]["rows"]
    names = list(dict.fromkeys(f"{row['mode']} {row['dtype']}" for row in rows))
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    drawn = {
        "rtf": _bars(rows, "real-time factor", colours, "seconds of work for a second of sound"),
        "first audio": _bars(rows, "time to first audio", colours, "seconds"),
        "latency": _curves(rows, colours),
        "throughput": _bars(
            [row for row in rows if row["unit"] == "s/s"], "throughput", colours, "seconds of sound a second"
        ),
        "memory": _bars(rows, "peak memory", colours, "MiB"),
    }
    sounds = _sounds(Path(request["sounds"]), names)
    if sounds:
        drawn |= {"waveforms": _waveforms(sounds, colours), "spectrograms": _spectrograms(sounds)}
    return {"charts": {name: _url(figure) for name, figure in drawn.items() if figure is not None}}


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)


def _bars(rows: list[dict[str, Any]], metric: str, colours: dict[str, str], unit: str) -> Any:
    """Draw a group of bars for each thing measured, a bar for each mode, with its spread."""
    own = [row for row in rows if row["metric"] == metric]
    groups = list(dict.fromkeys(row["what"] for row in own))
    modes = [name for name in colours if any(f"{row['mode']} {row['dtype']}" == name for row in own)]
    if not own:
        return None
    figure, axes = _figure(10, 3.6)
    axis = axes[0][0]
    width = 0.8 / len(modes)
    for place, name in enumerate(modes):
        found = {row["what"]: row for row in own if f"{row['mode']} {row['dtype']}" == name}
        at = [group for group, what in enumerate(groups) if what in found]
        values = [found[groups[group]]["value"] for group in at]
        errors = [
            [found[groups[group]]["value"] - found[groups[group]]["low"] for group in at],
            [found[groups[group]]["high"] - found[groups[group]]["value"] for group in at],
        ]
        axis.bar(
            [group + (place - (len(modes) - 1) / 2) * width for group in at],
            values,
            width * 0.92,
            yerr=errors,
            label=name,
            color=colours[name],
            error_kw={"lw": 0.8, "capsize": 2},
        )
    axis.set_xticks(range(len(groups)), groups)
    axis.set_ylabel(unit)
    _finish(axis)
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    return figure


def _curves(rows: list[dict[str, Any]], colours: dict[str, str]) -> Any:
    """Draw percentiles of latency, a panel for each text."""
    own = [row for row in rows if row["metric"] == "latency"]
    texts = list(dict.fromkeys(row["what"].partition(" of ")[2] for row in own))
    if not own:
        return None
    figure, axes = _figure(10, 3.4, 1, len(texts))
    for axis, text in zip(axes[0], texts, strict=True):
        for name, colour in colours.items():
            points = [
                (row["what"].partition(" of ")[0], row["value"] * 1000)
                for row in own
                if row["what"].endswith(f" of {text}") and f"{row['mode']} {row['dtype']}" == name
            ]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", ms=4, label=name, color=colour)
        axis.set_title(f"text of {text}", fontsize=10)
        axis.set_ylabel("milliseconds")
        axis.set_ylim(bottom=0)
        _finish(axis)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    return figure


def _sounds(folder: Path, names: list[str]) -> dict[str, Any]:
    import numpy as np

    return {name: np.fromfile(path, dtype="<f4") for name in names if (path := folder / f"{name}.f32").is_file()}


def _waveforms(sounds: dict[str, Any], colours: dict[str, str]) -> Any:
    import numpy as np

    figure, axes = _figure(10, 0.95 * len(sounds) + 0.4, len(sounds))
    for (name, samples), axis in zip(sounds.items(), axes[:, 0], strict=True):
        axis.plot(np.arange(len(samples)) / RATE, samples, lw=0.4, color=colours[name])
        axis.set_ylim(-0.7, 0.7)
        axis.set_yticks([])
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        _finish(axis)
    axes[-1][0].set_xlabel("seconds")
    return figure


def _spectrograms(sounds: dict[str, Any]) -> Any:
    """Draw each mode's spectrogram, and beside it its difference to stock's."""
    spectra = {name: _spectrum(samples) for name, samples in sounds.items()}
    stock = spectra.get(STOCK)
    figure, axes = _figure(10, 1.6 * len(spectra) + 0.4, len(spectra), 2)
    for (name, spectrum), (left, right) in zip(spectra.items(), axes, strict=True):
        extent = (0, spectrum.shape[1] * _HOP / RATE, 0, RATE / 2000)
        shown = {"origin": "lower", "aspect": "auto", "extent": extent}
        level = left.imshow(spectrum, cmap="magma", vmin=_QUIETEST_DB, vmax=0, **shown)
        left.set_ylabel(f"{name}\nkHz", fontsize=9)
        if stock is None or name == STOCK:
            right.set_axis_off()
            continue
        count = min(stock.shape[1], spectrum.shape[1])
        apart = right.imshow(spectrum[:, :count] - stock[:, :count], cmap="RdBu_r", vmin=-12, vmax=12, **shown)
        right.set_title("minus stock", fontsize=9)
    figure.colorbar(level, ax=axes[:, 0], label="dB", shrink=0.5, location="left", pad=0.02)
    if len(spectra) > 1 and stock is not None:
        figure.colorbar(apart, ax=axes[:, 1], label="dB", shrink=0.5, pad=0.02)
    axes[-1][0].set_xlabel("seconds")
    return figure


def _spectrum(samples: Any) -> Any:
    """Give levels in dB below the loudest, (frequencies, windows), by a Hann window."""
    import numpy as np

    padded = np.pad(samples, (0, max(0, _WINDOW - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    levels = 20 * np.log10(np.abs(np.fft.rfft(windows)) / (_WINDOW / 4) + 1e-5)
    return np.clip(levels.T, _QUIETEST_DB, 0)


def _finish(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9)


def _url(figure: Any) -> str:
    import matplotlib.pyplot as plt

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
