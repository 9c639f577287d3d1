"""A forecast as lines of text. Pure."""

from __future__ import annotations

from scripts.model.evidence import VerdictKind
from scripts.model.forecast import Forecast
from scripts.verification.report import bullet

MEANING = {
    VerdictKind.NOT_NEEDED: "Kokoro would run on that GPU as it is, without the patch",
    VerdictKind.NEEDED: "Kokoro would need the patch on that GPU",
    VerdictKind.UNDECIDED: "nobody measured what would decide it",
    VerdictKind.BROKEN: "no kernel of this torch would run on that GPU, with or without the patch",
    VerdictKind.NOT_APPLICABLE: "no GPU would be used, so there is nothing to patch",
}


def forecast_lines(forecast: Forecast) -> list[str]:
    """Say what is predicted, for what, why, and what it cost to find out."""
    prediction = forecast.prediction
    size = "" if forecast.size is None else f", {forecast.size / 1e6:.0f} MB"
    lines = [
        f"predicted  {prediction.kind}: {MEANING[prediction.kind]}",
        f"           for compute capability {prediction.target} ({prediction.target.sm}); nothing ran there",
        "",
        f"wheel      {forecast.wheel} ({forecast.strategy}{size})",
        f"target     {forecast.target}",
        f"build      {_build(forecast)}",
    ]
    if forecast.built_for:
        lines.append(f"built for  {forecast.built_for}")
    lines += ["", f"why predicted {prediction.kind}"]
    lines += [bullet(f"{reason.text}  [{reason.evidence}]") for reason in prediction.reasons]
    requests = "1 request" if forecast.requests == 1 else f"{forecast.requests} requests"
    lines += ["", f"read {forecast.bytes_read / 1e6:.1f} MB in {requests}"]
    lines += [f"note: {note}" for note in forecast.notes]
    lines += [f"settle it: {command}" for command in forecast.settle]
    return lines


def _build(forecast: Forecast) -> str:
    if forecast.cuda is None:
        return "CPU-only"
    nvrtc = f"NVRTC {forecast.nvrtc}" if forecast.nvrtc else "an NVRTC of its own"
    triton = f", Triton {forecast.triton}" if forecast.triton else ""
    return f"CUDA {forecast.cuda}, {nvrtc}{triton}"
