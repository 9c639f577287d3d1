"""The timeline as Markdown, for docs/timeline.md and for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from packaging.version import Version

from scripts.model.evidence import VerdictKind
from scripts.model.target import GB10, SUPPORTED_PYTHONS, Architecture, ComputeCapability
from scripts.model.timeline import Timeline, TimelineRow, UnreadRow

DOCUMENTS = ("timeline.md", "timeline.json")
DEFAULT_INDEX = "pypi"
_COMMAND = "sh scripts/bootstrap.sh"
_NOTE = "[research note of February 2026](questions.md#what-the-note-got-wrong)"
_NOTHING = "–"  # noqa: RUF001 - an empty cell
_PLATFORMS = (Architecture.AARCH64, Architecture.X86_64)
_CELLS = {VerdictKind.NOT_APPLICABLE: "CPU-only"}
_ANSWERS = {
    VerdictKind.NOT_NEEDED: ("needs no patch", "need no patch"),
    VerdictKind.NEEDED: ("needs the patch", "need the patch"),
    VerdictKind.BROKEN: ("holds no code that runs there", "hold no code that runs there"),
    VerdictKind.NOT_APPLICABLE: ("is CPU-only", "are CPU-only"),
    VerdictKind.UNDECIDED: ("is undecided", "are undecided"),
}
"""What one release does, and what several do."""


def timeline_markdown(timeline: Timeline) -> str:
    """Write the whole page: the answer, what the words mean, the evidence."""
    lines = [*_head(timeline), "", *answer(timeline), "", *_legend(timeline), ""]
    for platform in _PLATFORMS:
        rows = [row for row in timeline.rows if row.platform == platform]
        lines += [f"## Wheels for {platform}, read on their index", ""]
        lines += [*(_wheels(rows, timeline.capability) if rows else ["None was read."]), ""]
    lines += _told(
        "## Lanes that were not reached",
        "What is known of them without asking. The predictions go by less than a wheel of theirs.",
        timeline.lanes,
    )
    lines += _told(
        "## Nightly builds",
        "Read in PyTorch's build matrix, not looked into, not run. The predictions go by less than a wheel of theirs. "
        f"The {_NOTE} called cu130's the best support.",
        timeline.nightlies,
    )
    lines += _told(
        "## NVIDIA's containers (NGC)",
        "Read in NVIDIA's release notes, not pulled, not run; which driver an image asks for was not read. "
        f"The {_NOTE} called 25.11 and 25.12 cu130, a custom build, SM_121, with torchaudio broken; "
        "Kokoro needs no torchaudio.",
        timeline.containers,
    )
    if timeline.failures:
        lines += ["## What could not be read", "", *(f"- {failure}" for failure in timeline.failures), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def answer(timeline: Timeline) -> list[str]:
    """Say it in a sentence for each platform: which releases do what."""
    capability = timeline.capability
    lines = []
    for platform in _PLATFORMS:
        place = f"On {platform} with a GPU of compute capability {capability}"
        if capability == GB10 and platform == Architecture.AARCH64:
            place = f"On a DGX Spark ({platform})"
        rows = [row for row in timeline.rows if row.platform == platform]
        told = [f"torch {_runs(of_index)}" for of_index in _by_index(rows)]
        lines.append(f"- **{place}:** {'. '.join(told) or 'no wheel of torch was read'}.")
    if timeline.lanes:
        about = "- **PyTorch's own lanes** were not reached; predicted by less than a wheel of theirs"
        lines.append(f"{about}: {_lanes(timeline.lanes)}.")
    if timeline.failures:
        count = len(timeline.failures)
        lines.append(f"- Left out: {count} wheel{'s' if count > 1 else ''} that could not be read, named at the end.")
    return lines


def _by_index(rows: Sequence[TimelineRow]) -> list[list[TimelineRow]]:
    """Split rows by index, the default one first."""
    names = sorted({row.index for row in rows}, key=lambda name: (name != DEFAULT_INDEX, name))
    return [[row for row in rows if row.index == name] for name in names]


def _runs(rows: Sequence[TimelineRow]) -> str:
    """Write one index's rows, newest first, as `2.11.0 and newer ... need no patch; 2.5.0 to 2.10.0 are CPU-only`."""
    told: list[str] = []
    for kind, run in groupby(rows, key=lambda row: row.verdict):
        versions = [Version(row.torch).public for row in run]
        several = len(versions) > 1
        if not told:
            where = "the default index" if rows[0].index == DEFAULT_INDEX else f"lane {rows[0].index}"
            known = f"{versions[0]} is the newest read" if several else "the newest read"
            name = f"{versions[-1]}{' and newer' if several else ''} from {where} ({known})"
        else:
            name = f"{versions[-1]} to {versions[0]}" if several else versions[0]
        told.append(f"{name} {_ANSWERS[kind][several]}")
    return "; ".join(told)


def _lanes(rows: Sequence[UnreadRow]) -> str:
    """Write `cu128 needs the patch; cu129, cu130 need no patch`, in the order of the lanes."""
    told = []
    for kind, run in groupby(rows, key=lambda row: row.verdict):
        names = [row.name for row in run]
        told.append(f"{', '.join(names)} {_ANSWERS[kind][len(names) > 1]}")
    return "; ".join(told)


def _head(timeline: Timeline) -> list[str]:
    capability = timeline.capability
    where, what = f"compute capability {capability}", f"For GPUs of compute capability {capability} ({capability.sm})"
    if capability == GB10:
        where = "a DGX Spark (GB10)"
        what = f"For the GPU of a DGX Spark, the GB10: compute capability {capability} ({capability.sm})"
    return [
        f"# Which torch would run Kokoro on {where}, and would it need the patch?",
        "",
        f"{what}. Read on {timeline.created}.",
    ]


def _legend(timeline: Timeline) -> list[str]:
    capability = timeline.capability
    torch = f" --torch {Version(timeline.rows[0].torch).public}" if timeline.rows else ""
    sm = "" if capability == GB10 else f" --sm {capability}"
    written, evidence = f"`{_COMMAND} timeline{sm}` prints this page anew.", "`--json`"
    if capability == GB10:
        written = f"`{_COMMAND} timeline --write` writes this page: do not edit it."
        evidence = "[timeline.json](timeline.json)"
    return [
        "**Predicted, not verified:** nothing here ran on such a GPU.",
        written,
        f"`{_COMMAND} predict{torch} --platform aarch64{sm}` shows the evidence for one release;",
        f"that for every row is in the JSON ({evidence}).",
        "",
        "| Predicted | Means |",
        "|---|---|",
        "| not-needed | Kokoro would run there as it is |",
        "| needed | torch runs there, but its NVRTC refuses the GPU: Kokoro needs the full patch (the bridge) |",
        "| broken | torch holds no code that runs there: no patch helps |",
        "| CPU-only (not-applicable) | a build without CUDA: the GPU would stay idle |",
        "| undecided | nobody measured what would decide it |",
        "",
        "- **Bold** rests on that very wheel: its metadata, the device code in it, and what its NVRTC was measured to",
        "  do. What is not bold rests on less: the device code of another wheel of the same build or the same CUDA, or",
        "  an NVRTC alone. The column By says which; of a wheel, its reasons in the JSON do.",
        "- **Lowest driver** is the lowest branch of NVIDIA's driver for that CUDA, by minor-version compatibility.",
        "  The GPU itself may need a newer one ([drivers.toml](../constraints/drivers.toml)).",
        f"- **Triton** with `(not for {capability})`: its own assembler was measured and does not know the GPU; with",
        "  `(not measured)`, nobody asked it. Kokoro needs no Triton; torch.compile does",
        "  ([triton.toml](../constraints/triton.toml)).",
        "- **Pythons** are those that Kokoro runs on; the others are in the JSON. Read was the wheel",
        f"  for {SUPPORTED_PYTHONS[0]}: a release without one has no row.",
        f"- **The note** is the {_NOTE}, with what it claimed",
        "  of that release and of which lane, which need not be the index of the row.",
    ]


def _wheels(rows: Iterable[TimelineRow], capability: ComputeCapability) -> list[str]:
    columns = ("Index", "CUDA", "NVRTC", "Lowest driver", "Built for", "Triton", "Pythons", "The note")
    return _table(
        ("torch", "Predicted", *columns),
        (
            (
                row.torch,
                _verdict(row),
                row.index,
                row.cuda,
                row.nvrtc,
                row.driver,
                row.built_for.replace("sm_", ""),
                _triton(row, capability),
                _pythons(row.pythons),
                row.claim,
            )
            for row in rows
        ),
    )


def _told(title: str, about: str, rows: Sequence[UnreadRow]) -> list[str]:
    if not rows:
        return []
    header = ("Name", "torch", "Predicted", "By", "CUDA", "NVRTC", "Lowest driver", "Platforms", "Source")
    cells = (
        (
            row.name,
            row.torch,
            _CELLS.get(row.verdict, row.verdict),
            row.by,
            row.cuda,
            row.nvrtc,
            row.driver,
            " ".join(sorted(row.platforms)),
            row.source,
        )
        for row in rows
    )
    return [title, "", about, "", *_table(header, cells), ""]


def _table(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]


def _cell(text: str | None) -> str:
    return (text or _NOTHING).replace("|", "\\|").replace("\n", " ")


def _verdict(row: TimelineRow) -> str:
    """Bold where the wheel's own device code was read and something follows from it."""
    word = _CELLS.get(row.verdict, str(row.verdict))
    plain = row.verdict in {VerdictKind.NOT_APPLICABLE, VerdictKind.UNDECIDED} or row.code_of != row.wheel
    return word if plain else f"**{word}**"


def _triton(row: TimelineRow, capability: ComputeCapability) -> str | None:
    if row.triton is None or row.triton_assembles:
        return row.triton
    return f"{row.triton} ({'not measured' if row.triton_assembles is None else f'not for {capability}'})"


def _pythons(tags: Sequence[str]) -> str:
    """Write `cp39 cp312 cp313t` as `3.12 + 2 others`: by those that Kokoro runs on."""
    known = [str(python) for python in sorted(SUPPORTED_PYTHONS) if python.tag in tags]
    others = len(set(tags)) - len(known)
    rest = [] if others == 0 else [f"{others} other{'s' if others > 1 else ''}"]
    return " + ".join([" ".join(known), *rest] if known else rest)
