"""The timeline as Markdown, for docs/timeline.md and for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scripts.model.evidence import VerdictKind
from scripts.model.timeline import Timeline, TimelineRow, UnreadRow

DOCUMENTS = ("timeline.md", "timeline.json")
_NOTHING = "–"  # noqa: RUF001 - an empty cell
_WORDS = {VerdictKind.NOT_APPLICABLE: "CPU-only: no GPU"}


def timeline_markdown(timeline: Timeline) -> str:
    """Write the whole page."""
    capability = timeline.capability
    lines = [
        "# Which torch would run Kokoro there, and would it need the patch?",
        "",
        f"For compute capability {capability} ({capability.sm}), read on {timeline.created}.",
        "",
        "**Predicted, not verified:** nothing here ran on such a GPU. `invoke timeline --write` writes this page:",
        "do not edit it. Each row's evidence is in [timeline.json](timeline.json); `invoke predict` shows one.",
        "",
        "| Verdict | Means |",
        "|---|---|",
        "| not-needed | Kokoro would run there as it is |",
        "| needed | torch runs there, but its NVRTC refuses the GPU: Kokoro needs the full patch (the bridge) |",
        "| broken | torch holds no code that runs there: no patch helps |",
        "| CPU-only | a build without CUDA: the GPU would stay idle |",
        "| undecided | nobody measured what would decide it |",
        "",
        "## Wheels, read on their index",
        "",
        *_wheels(timeline.rows),
        "",
        "The last column is what the research note of February 2026 claimed, under the lane it named.",
        "",
    ]
    lines += _told(
        "## Lanes that were not reached",
        "What is known of them without asking. The predictions go by less than a wheel of theirs.",
        timeline.lanes,
    )
    lines += _told(
        "## Nightly builds",
        "Read in PyTorch's build matrix, not looked into, not run. The note called cu130's the best support.",
        timeline.nightlies,
    )
    lines += _told(
        "## NVIDIA's containers (NGC)",
        "Read in NVIDIA's release notes, not pulled, not run. The note called 25.11 and 25.12 cu130, a custom build, "
        "SM_121, with torchaudio broken; Kokoro needs no torchaudio.",
        timeline.containers,
    )
    if timeline.failures:
        lines += ["## What could not be read", "", *(f"- {failure}" for failure in timeline.failures), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _wheels(rows: Iterable[TimelineRow]) -> list[str]:
    header = ("torch", "Platform", "Index", "CUDA", "NVRTC", "Built for", "Triton", "Pythons", "Predicted", "The note")
    return _table(
        header,
        (
            (
                row.torch,
                row.platform,
                row.index,
                row.cuda,
                row.nvrtc,
                row.built_for.replace("sm_", ""),
                row.triton,
                _pythons(row.pythons),
                _verdict(row.verdict),
                row.claim,
            )
            for row in rows
        ),
    )


def _told(title: str, about: str, rows: Sequence[UnreadRow]) -> list[str]:
    if not rows:
        return []
    cells = (
        (row.name, row.torch, row.cuda, row.nvrtc, " ".join(row.platforms), _verdict(row.verdict), row.by, row.source)
        for row in rows
    )
    header = ("Name", "torch", "CUDA", "NVRTC", "Platforms", "Predicted", "By", "Source")
    return [title, "", about, "", *_table(header, cells), ""]


def _table(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]


def _cell(text: str | None) -> str:
    return (text or _NOTHING).replace("|", "\\|").replace("\n", " ")


def _verdict(kind: VerdictKind) -> str:
    return _WORDS.get(kind, f"**{kind}**")


def _pythons(tags: Sequence[str]) -> str:
    """Write `cp39 cp310 cp313 cp313t` as `3.9 3.10 3.13 3.13t`."""
    return " ".join(f"{tag[2]}.{tag[3:]}" if tag.startswith("cp") and len(tag) > 3 else tag for tag in tags)
