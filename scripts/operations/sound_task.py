"""What `invoke sound` does, end to end: choose, speak, judge, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.model.sound import SoundReport
from scripts.operations.context import Context
from scripts.operations.report_folder import require_report_folder
from scripts.operations.sound_choosing import Order, choose, foreseen_lines
from scripts.operations.sound_files import read_report, require_documentable, write_documents, write_report
from scripts.operations.sound_text import DOCUMENTS
from scripts.operations.sounding import sounding
from scripts.progress import say
from scripts.verification.sentences import load_sentences


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What becomes of a run. `read`: an earlier one's sound.json, instead of speaking."""

    report: Path | None = None
    docs: bool = False
    read: Path | None = None


def compare(order: Order, manner: Manner, context: Context) -> SoundReport:
    """Make a report, and write what is asked for: each file whole or not at all, once all is measured.

    Raises what sounding and choose raise; UsageError (not-whole, no-audio, no-report), IntegrityError, DiskError.
    """
    _check(order, manner)
    if manner.read is not None:
        report = read_report(manner.read)
    else:
        chosen = choose(order, load_sentences(context.constraints / "sentences.toml"), context)
        if manner.report is not None:
            require_report_folder(manner.report)
        with sounding(chosen, context) as sounded:
            report = sounded.report
            if manner.report is not None:
                for path in write_report(sounded, manner.report):
                    say(f"written: {path}")
    if manner.docs:
        for path in write_documents(report):
            say(f"written: docs/{path.name}")
    return report


def foresee(order: Order, manner: Manner, context: Context) -> list[str]:
    """Say what compare would do. Raises what it raises for its input."""
    _check(order, manner)
    lines = [f"would read {manner.read}"]
    if manner.read is None:
        chosen = choose(order, load_sentences(context.constraints / "sentences.toml"), context)
        lines = foreseen_lines(chosen, manner.report)
    return lines + ([f"  and write {' and '.join(f'docs/{name}' for name in DOCUMENTS)}"] if manner.docs else [])


def _check(order: Order, manner: Manner) -> None:
    if manner.read is not None and manner.report is not None:
        raise UsageError(
            "an earlier run has no samples any more, which a report is made with",
            hint="leave --report or --read out",
            reference="no-audio",
        )
    if manner.docs and manner.read is None:
        require_documentable(order)
