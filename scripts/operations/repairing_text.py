"""env.repair in words: what was done, and what would be."""

from __future__ import annotations

from pathlib import Path

from scripts.environments.backup import Backup
from scripts.environments.foreign import find_foreign
from scripts.environments.snapshot import snapshot
from scripts.model.evidence import VerdictKind
from scripts.model.repair import Judgement, ManifestState, Repair, RepairOutcome
from scripts.operations.context import Context
from scripts.operations.planning_override import override_lock
from scripts.operations.repair_refusals import earlier_repair, require_repairable, require_undoable
from scripts.strategies.override import PACKAGE


def repair_lines(done: Repair) -> list[str]:
    """Say what was done, and how to take it back."""
    match done.outcome:
        case RepairOutcome.REPAIRED:
            lines = [f"{done.venv}: repaired, NVRTC {done.lifted} stands in the place of {done.version}"]
        case RepairOutcome.PUT_BACK:
            lines = [
                f"{done.venv}: not repaired, it is no better with NVRTC {done.lifted}; {done.version} was put back"
            ]
        case RepairOutcome.STANDING:
            lines = [f"{done.venv}: repaired before, and as that left it: NVRTC is {done.lifted}"]
        case RepairOutcome.UNDONE:
            lines = [f"{done.venv}: undone, NVRTC is {done.version} again, byte for byte; the backup is deleted"]
    for when, judgement in (("before", done.before), ("after", done.after)):
        if judgement is not None:
            lines += [f"  {when}: {judgement_words(judgement)}", *(f"    {one}" for one in judgement.reasons)]
    if done.outcome in {RepairOutcome.REPAIRED, RepairOutcome.STANDING}:
        lines += [
            f"  backup: {done.backup}; `invoke env.repair {done.venv} --undo` puts it back",
            f"  `pip check` now says that torch wants {done.package} {done.version}: that is the repair",
        ]
    return [*lines, *(f"note: {note}" for note in done.notes)]


def judgement_words(judgement: Judgement) -> str:
    """Name a judgement for what it is: a verdict, a simulated one, or a prediction."""
    if judgement.device is None:
        return f"predicted {judgement.prediction} for {judgement.target} (not run: there is no GPU)"
    simulated = "simulated " if judgement.simulated else ""
    words = f"{simulated}{judgement.kind} on {judgement.device}"
    if judgement.kind is VerdictKind.UNDECIDED:
        words += f", predicted {judgement.prediction} for {judgement.target}"
    return words


def foreseen_lines(path: str, context: Context, *, undone: bool = False) -> list[str]:
    """Say what repair, or undo, would do: for --dry-run. Nothing is changed, and torch is not imported.

    Raises what they raise for what they refuse, save what only a judgement would tell.
    """
    found = find_foreign(path, context.run)
    backup = Backup.of(context.home, found.prefix)
    if undone:
        manifest = require_undoable(found, backup)
        return [
            f"would put {manifest.package} {manifest.version} back into {found.prefix}",
            f"  {len(manifest.saved)} files and folders, kept on {manifest.created} in {backup.folder}",
        ]
    kept = backup.read()
    if kept is not None and kept.state is ManifestState.OPEN:
        return [f"would put back first what an earlier repair of {found.prefix} changed, then begin anew"]
    if (standing := earlier_repair(found, backup)) is not None:
        return [f"would do nothing: {found.prefix} was repaired before, its NVRTC is {standing.lifted}"]
    pin = override_lock(context.constraints).pins[0]
    require_repairable(found, pin.version)
    saved = snapshot(found.site, PACKAGE, with_folders=False)
    size = sum((Path(found.site) / one.path).lstat().st_size for one in saved)
    version = dict(found.nvrtc)[PACKAGE]
    return [
        f"would repair {found.prefix}: torch {found.torch}, CUDA {found.cuda}, NVRTC {version}",
        "  1. judge it as it is; go on only where the patch is needed, or nobody can tell",
        f"  2. back up {len(saved)} files of {PACKAGE} {version} ({size / 1e6:.0f} MB) in {backup.folder}",
        f"  3. install {PACKAGE} {pin.version} by its hash, and nothing else",
        "  4. judge it again; keep it only where it is better, else put everything back",
    ]
