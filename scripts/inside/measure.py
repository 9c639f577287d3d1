"""Probe `measure`: how a sound differs from its reference, in the figures of audio engineering. Needs numpy alone.

Request: `pairs` ([{"name": TEXT, "reference": PATH, "candidate": PATH}]: raw float32 samples at 24 kHz). Answer:
`pairs` ({name: figures}). A figure is None where it has no value: identical samples have no SNR, nothing that is not
finite has any but its length.

    samples, samples_reference, finite, identical, snr_db, gain_db     as compare.py defines them
    log_mel_db           log-spectral distance (Gray and Markel, Distance measures for speech processing, IEEE ASSP
                         24(5), 1976) on a mel scale: per window the root of the mean square over the bands of the
                         difference in dB, then the mean over the windows. The candidate is brought to the reference's
                         energy first, for loudness is gain_db; and to its timing, for a sound that lasts a frame
                         longer is not another: windows are matched by dynamic time warping (Sakoe and Chiba, IEEE
                         ASSP 26(1), 1978: steps (1,1), (1,0), (0,1), all of weight 1), at most 0.25 s apart, or as
                         much more as the lengths differ. The same timing is its own best match
    log_mel_correlation  Pearson's, over all bands of the windows so matched
    tilt_db              spectral tilt: by how many dB the candidate's power above 1.2 kHz (to 10 kHz) is raised over
                         the reference's, less by how many it is below 600 Hz (from 60 Hz). 0: the same colour;
                         negative: darker. 600 Hz is half a bin of Kokoro's inverse STFT (20 points at 24 kHz), whose
                         lowest bin is what its modes treat differently
    clipped              share of the samples whose magnitude is 1 or more: what a WAV file cuts off
    silence, longest_silence_s   share of the time, and the longest stretch, in which 20 ms of sound have less than
                         -60 dB RMS of full scale

Log-mel spectrogram: Hann window of 1024 samples, hop 256, magnitude of the discrete Fourier transform, 80 triangular
bands from 0 Hz to 12 kHz on O'Shaughnessy's mel scale (2595 log10(1 + f/700), Speech Communication, 1987; HTK's), in
dB; cut off at 80 dB below the reference's loudest band (librosa's top_db), so that silence does not decide.
"""

from __future__ import annotations

from typing import Any

from scripts.inside.compare import compare

RATE, WINDOW, HOP, BANDS = 24_000, 1024, 256, 80
RANGE_DB = 80.0
LOW_HZ, HIGH_HZ = (60.0, 600.0), (1200.0, 10_000.0)
SILENCE_DB = -60.0
WARP = 24
"""Windows: 0.25 s."""
_BOTH, _ROW, _COLUMN = range(3)
_SILENCE_WINDOW = 480  # samples: 20 ms
_TINY = 1e-12


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Measure every pair."""
    return {"pairs": {pair["name"]: measure(pair["reference"], pair["candidate"]) for pair in request["pairs"]}}


def measure(reference: str, candidate: str) -> dict[str, Any]:
    """Give a pair's figures. Files of no samples are silent."""
    import numpy as np

    figures = compare(reference, candidate)
    expected, found = (np.fromfile(path, dtype="<f4").astype(np.float64) for path in (reference, candidate))
    silence, longest = silences(np.nan_to_num(found))
    silence_reference, longest_reference = silences(np.nan_to_num(expected))
    figures |= {
        "tilt_db": None,
        "log_mel_db": None,
        "log_mel_correlation": None,
        "clipped": float(np.mean(np.abs(found) >= 1.0)) if len(found) else 0.0,
        "silence": silence,
        "silence_reference": silence_reference,
        "longest_silence_s": longest,
        "longest_silence_reference_s": longest_reference,
    }
    count = min(len(expected), len(found))
    if figures["finite"] and count >= WINDOW and figures["gain_db"] is not None:
        figures["tilt_db"] = tilt(expected, found)
        figures["log_mel_db"], figures["log_mel_correlation"] = log_mel_distance(expected, found)
    return figures


def silences(samples: Any) -> tuple[float, float]:
    """Give the share of silent windows, and the longest run of them in seconds."""
    import numpy as np

    count = len(samples) // _SILENCE_WINDOW
    if count == 0:
        return 1.0, len(samples) / RATE
    windows = samples[: count * _SILENCE_WINDOW].reshape(count, _SILENCE_WINDOW)
    quiet = np.sqrt(np.mean(windows**2, axis=1)) < 10 ** (SILENCE_DB / 20)
    longest = run_length = 0
    for one in quiet:
        run_length = run_length + 1 if one else 0
        longest = max(longest, run_length)
    return round(float(np.mean(quiet)), 4), longest * _SILENCE_WINDOW / RATE


def spectrogram(samples: Any) -> Any:
    """Give the magnitudes of the short-time Fourier transform, (windows, WINDOW // 2 + 1)."""
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    return np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1))


def tilt(expected: Any, found: Any) -> float | None:
    """Give the spectral tilt in dB; None where a band is empty."""
    import numpy as np

    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    powers = [np.mean(spectrogram(samples) ** 2, axis=0) for samples in (expected, found)]
    changes = []
    for low, high in (LOW_HZ, HIGH_HZ):
        band = (frequencies >= low) & (frequencies < high)
        before, after = (float(power[band].sum()) for power in powers)
        if before <= _TINY or after <= _TINY:
            return None
        changes.append(10 * np.log10(after / before))
    return round(float(changes[1] - changes[0]), 2)


def log_mel_distance(expected: Any, found: Any) -> tuple[float, float | None]:
    """Give the log-spectral distance in dB and the correlation; None: one of them does not vary at all."""
    import numpy as np

    found = found * np.sqrt((expected @ expected) / (found @ found))
    bands = mel_bands()
    spectra = [20 * np.log10(spectrogram(samples) @ bands + _TINY) for samples in (expected, found)]
    floor = spectra[0].max() - RANGE_DB
    before, after = (np.maximum(spectrum, floor) for spectrum in spectra)
    pairs = np.array(matched(before, after))
    before, after = before[pairs[:, 0]], after[pairs[:, 1]]
    distance = float(np.mean(np.sqrt(np.mean((before - after) ** 2, axis=1))))
    varies = before.std() > 0 and after.std() > 0
    correlation = float(np.corrcoef(before.ravel(), after.ravel())[0, 1]) if varies else None
    return round(distance, 3), None if correlation is None else round(correlation, 5)


def matched(before: Any, after: Any) -> list[tuple[int, int]]:
    """Match the windows of two spectrograms, (windows, bands) each, by dynamic time warping; both ends match."""
    rows, columns = len(before), len(after)
    reach = WARP + abs(rows - columns)
    costs = _costs(before, after, reach)
    width = 2 * reach + 1
    never = float("inf")
    total = [never] * (width + 1)
    total[reach] = 0.0  # before the first row: only its diagonal leads to (0, 0)
    steps: list[bytearray] = []
    for row in range(rows):
        line, step = [never] * (width + 1), bytearray(width)
        left = never
        for place, cost in enumerate(costs[row]):
            best, how = total[place], _BOTH
            if total[place + 1] < best:
                best, how = total[place + 1], _ROW
            if left < best:
                best, how = left, _COLUMN
            left = line[place] = best + cost
            step[place] = how
        total = line
        steps.append(step)
    pairs = []
    row, column = rows - 1, columns - 1
    while row >= 0 and column >= 0:
        pairs.append((row, column))
        how = steps[row][column - row + reach]
        row, column = row - (how != _COLUMN), column - (how != _ROW)
    return pairs[::-1]


def _costs(before: Any, after: Any, reach: int) -> list[list[float]]:
    """Give each row's distances to the columns from `reach` before to `reach` behind it; infinite: none is there."""
    import numpy as np

    rows, columns = len(before), len(after)
    costs = np.full((rows, 2 * reach + 1), np.inf)
    for place in range(2 * reach + 1):
        shift = place - reach
        first, last = max(0, -shift), min(rows, columns - shift)
        if first < last:
            gap = before[first:last] - after[first + shift : last + shift]
            costs[first:last, place] = np.sqrt(np.mean(gap**2, axis=1))
    found: list[list[float]] = costs.tolist()
    return found


def mel_bands() -> Any:
    """Give the triangular bands, (WINDOW // 2 + 1, BANDS), each with a peak of 1."""
    import numpy as np

    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2) / 2595) - 1)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None).T
