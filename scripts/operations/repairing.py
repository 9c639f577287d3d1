"""env.repair: a newer NVRTC in an environment of CUDA 12 that this toolkit did not make; and its undoing.

Judged before, backed up, changed by uv, judged after; kept only where it is better. The backup's manifest is written
whole before the first change, so that after a kill at any point the next repair, or its undoing, goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.disk import write_whole
from scripts.environments.backup import Backup, new_manifest
from scripts.environments.foreign import Foreign, find_foreign
from scripts.environments.locking import locked
from scripts.environments.uv import failure, killed, only_from
from scripts.errors import DiskError, IntegrityError
from scripts.model.plan import Lock
from scripts.model.repair import Manifest, ManifestState, Repair, RepairOutcome, SavedKind
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.planning_override import override_lock
from scripts.operations.repair_judging import Judge, judge_here, require_need
from scripts.operations.repair_refusals import (
    differences_of,
    earlier_repair,
    require_repairable,
    require_undoable,
    require_writable,
)
from scripts.operations.targets import target_capability
from scripts.place import Here
from scripts.progress import say
from scripts.strategies.override import PACKAGE

_WENT_ON = "an earlier repair of this environment did not end: what it had changed was put back first"


def repair(
    path: str, context: Context, *, target: ComputeCapability | None = None, judge: Judge = judge_here
) -> Repair:
    """Lift the NVRTC of the environment at `path` (its folder or its interpreter), if that makes it better.

    `target` None: this machine's GPU, and without one GB10. Raises UsageError and NoCandidateError for what is not to
    be repaired, BusyError, DiskError; whatever is raised, the environment is as it was. One that was repaired before,
    and is as that left it, is left so and not judged again.
    """
    found = find_foreign(path, context.run)
    lock = override_lock(context.constraints)
    capability = target or target_capability("", context)
    with _held(found.prefix, context) as descriptor:
        backup = Backup.of(context.home, found.prefix)
        notes = _recovered(backup)
        found = find_foreign(path, context.run)
        standing = earlier_repair(found, backup)
        if standing is not None:
            return _told(RepairOutcome.STANDING, found, standing, backup=str(backup.folder))
        require_repairable(found, lock.pins[0].version)
        place = Here(python=found.python, run=context.run)
        say("judging it as it is")
        before = judge(place, capability, context)
        require_need(before, lock.pins[0].version)
        context.reach(None)
        manifest = _saved(found, lock, backup)
        try:
            _install(found, lock, backup, context, descriptor)
            backup.put_back_shared(manifest)
            say("judging it again")
            after = judge(place, capability, context)
        except BaseException:
            _put_back(backup, manifest)
            raise
        better = after.is_better_than(before)
        if better:
            backup.keep(manifest)
        else:
            _put_back(backup, manifest)
    return _told(
        RepairOutcome.REPAIRED if better else RepairOutcome.PUT_BACK,
        found,
        manifest,
        before=before,
        after=after,
        backup=str(backup.folder) if better else None,
        notes=notes,
    )


def undo(path: str, context: Context) -> Repair:
    """Put the NVRTC back that `repair` replaced, byte for byte, and delete the backup.

    Raises NoCandidateError where there is no backup, IntegrityError where the backup is damaged or the environment was
    changed since: then nothing is touched.
    """
    found = find_foreign(path, context.run)
    with _held(found.prefix, context):
        backup = Backup.of(context.home, found.prefix)
        manifest = require_undoable(found, backup)
        went_on = manifest.state is ManifestState.OPEN
        _put_back(backup, manifest)
    return _told(RepairOutcome.UNDONE, found, manifest, notes=(_WENT_ON,) if went_on else ())


def _told(outcome: RepairOutcome, found: Foreign, manifest: Manifest, **more: Any) -> Repair:
    return Repair(
        outcome=outcome,
        venv=str(found.prefix),
        torch=found.torch,
        package=manifest.package,
        version=manifest.version,
        lifted=manifest.lifted,
        **more,
    )


@contextmanager
def _held(prefix: Path, context: Context) -> Iterator[int]:
    """Hold the environment's lock. Raises BusyError where another repair does."""
    name = Backup.of(context.home, prefix).folder.name
    with locked(context.home.locks / f"repair-{name}.lock", wait_seconds=0, waiting=say) as descriptor:
        yield descriptor


def _recovered(backup: Backup) -> tuple[str, ...]:
    """Put back what an earlier, killed run changed. Raises IntegrityError where somebody else changed it since."""
    manifest = backup.read()
    if manifest is None or manifest.state is not ManifestState.OPEN:
        return ()
    differences = differences_of(manifest)
    if differences:
        raise IntegrityError(
            f"{manifest.venv} was changed since an earlier repair of it was cut off",
            context="\n".join(differences),
            reference="changed-since",
            hint=f"if it is to stay as it is now, delete {backup.folder} by hand",
        )
    _put_back(backup, manifest)
    return (_WENT_ON,)


def _saved(found: Foreign, lock: Lock, backup: Backup) -> Manifest:
    """Back up what will be replaced."""
    manifest = new_manifest(
        venv=found.prefix,
        site=found.site,
        package=PACKAGE,
        version=dict(found.nvrtc)[PACKAGE],
        lifted=lock.pins[0].version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    require_writable(found.site / one.path for one in manifest.saved if one.kind is SavedKind.FOLDER)
    say(f"backing up {PACKAGE} {manifest.version}: {len(manifest.saved)} files and folders")
    backup.save(manifest)
    return manifest


def _put_back(backup: Backup, manifest: Manifest) -> None:
    """Make it as it was, noting first that this is under way; the backup goes last."""
    if manifest.state is not ManifestState.OPEN:
        manifest = backup.reopen(manifest)
    try:
        backup.put_back(manifest)
    except DiskError as error:
        raise DiskError(
            error.message,
            context=f"{manifest.package} {manifest.version} is not wholly back in {manifest.venv}; "
            f"all of it is kept in {backup.folder}",
            reference=error.reference,
            hint=f"mend that, then `invoke env.repair {manifest.venv} --undo` goes on",
        ) from error
    backup.remove()


def _install(found: Foreign, lock: Lock, backup: Backup, context: Context, descriptor: int) -> None:
    """Have uv replace the package, by its hash alone; copied, for a link would share the file with uv's cache."""
    doing = f"installing {PACKAGE} {lock.pins[0].version} into {found.prefix}"
    requirements = backup.folder / "nvrtc.txt"  # goes with the backup, whatever ends us
    write_whole(requirements, lock.text)
    arguments = ["pip", "install", "--python", str(found.python), "--no-deps", "--require-hashes"]
    arguments += ["--only-binary", ":all:", "--link-mode", "copy", "-r", str(requirements)]
    done = context.run(
        [context.uv, "--no-config", *arguments],
        env=only_from(None, context.uv_environ),
        tee=True,
        pass_fds=(descriptor,),
    )
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing)
    if not done.ok:
        raise failure(done.stderr + done.stdout, doing=doing)
