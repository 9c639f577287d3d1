"""bridge.enable, bridge.disable, bridge.status: the hook that enables the bridge in every application.

An environment carries it only where it is needed: a patch that nobody asked for is to be nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.environments.hook import Subject, has_hook, look, remove_hook, write_hook
from scripts.environments.locking import locked
from scripts.environments.store import Entry
from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.model.environment import EnvironmentRecord
from scripts.model.evidence import VerdictKind
from scripts.model.hook import HOOK_FILE, HOOK_SWITCH, HookRecord
from scripts.operations.context import Context
from scripts.operations.speaking import wants_bridge
from scripts.progress import say

_BY_HAND = "enable it in the application: from kokoro_spark import bridge; bridge.enable()"


@dataclass(frozen=True, kw_only=True)
class BridgeStatus:
    """What an environment's hook is and should be. `changed`: this task changed it."""

    environment: str
    hook: bool
    """The file is there: every process of the environment that imports Kokoro has the bridge."""
    needed: bool
    """The verdict, or without one the prediction, asks for the bridge."""
    known: str
    """What is known: `judged needed`, `predicted needed for 12.1`, `not judged`."""
    forced: bool
    since: str | None
    kokoro: str | None
    source_known: bool
    """The hook knows this Kokoro's source; it enables the bridge in no other."""
    switched_off: bool
    """KOKORO_SPARK_BRIDGE is set to off here, so that processes started from here run without it."""
    changed: bool = False
    notes: tuple[str, ...] = ()


def status(name: str | None, context: Context) -> BridgeStatus:
    """Tell how an environment of ours (None: the current one) stands. Raises NoCandidateError."""
    return _status(context.store.find_ready(name), context)


def enable(name: str | None, context: Context, *, force: bool = False, dry_run: bool = False) -> BridgeStatus:
    """Have an environment carry the hook; once it does, nothing changes. `force`: although it is not needed.

    Raises UsageError (bridge-not-needed) where neither verdict nor prediction asks for it, NoCandidateError where the
    environment cannot carry it (a container's image, one without torch, one of an older kokoro-spark), IntegrityError
    (unknown-kokoro) where the hook would not know its Kokoro, BusyError, DiskError.
    """
    with _entry(name, context, dry_run=dry_run) as entry:
        record = _able(entry)
        needed = wants_bridge(record)
        if not needed and not force:
            _refuse(record)
        stands = has_hook(entry.path) and record.hook is not None and (needed or record.hook.forced)
        if stands or dry_run:
            return _status(entry, context, changed=not stands)
        write_hook(entry.path)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        hook = HookRecord(since=since, because=known_words(record), forced=not needed)
        context.store.write(dataclasses.replace(record, hook=hook))
        return _status(context.store.entry(entry.path), context, changed=True)


def disable(name: str | None, context: Context, *, dry_run: bool = False) -> BridgeStatus:
    """Take the hook away; where there is none, nothing changes. Raises NoCandidateError, BusyError, DiskError."""
    with _entry(name, context, dry_run=dry_run) as entry:
        record = entry.record
        assert record is not None, "find_ready"
        if dry_run:
            return _status(entry, context, changed=has_hook(entry.path) or record.hook is not None)
        removed = remove_hook(entry.path)
        if record.hook is not None:
            context.store.write(dataclasses.replace(record, hook=None))
        changed = removed or record.hook is not None
        return _status(context.store.entry(entry.path), context, changed=changed)


def status_lines(found: BridgeStatus) -> list[str]:
    """Say how it stands."""
    how = "on" if found.hook else "off"
    forced = ", by --force" if found.forced else ""
    since = f" since {found.since}{forced}" if found.hook and found.since else ""
    kokoro = f"kokoro {found.kokoro}" if found.kokoro else "no kokoro"
    known = "" if found.source_known or not found.kokoro else ", whose source the hook does not know"
    return [
        f"bridge hook: {how}{since}",
        f"  environment {found.environment}, {found.known}; {kokoro}{known}",
        *(f"note: {note}" for note in found.notes),
    ]


def change_lines(found: BridgeStatus, *, dry_run: bool) -> list[str]:
    """Say what was, or would be, changed, and how it stands."""
    if dry_run:
        return [f"would change the hook of {found.environment}" if found.changed else "would change nothing"]
    return status_lines(found) if found.changed else ["nothing to change", *status_lines(found)]


def known_words(record: EnvironmentRecord) -> str:
    """Say what is known of an environment: what wants_bridge goes by."""
    judged = (record.verdict or "").removeprefix("simulated ")
    if record.verdict and judged != VerdictKind.UNDECIDED:
        return f"judged {record.verdict}"
    if record.prediction is not None:
        target = f" for {record.predicted_for}" if record.predicted_for else ""
        return f"predicted {record.prediction}{target}"
    return f"judged {record.verdict}" if record.verdict else "not judged"


@contextmanager
def _entry(name: str | None, context: Context, *, dry_run: bool) -> Iterator[Entry]:
    """Find the environment and hold its lock: setup and env.remove wait, or are told. Read anew under the lock."""
    entry = context.store.find_ready(name)
    if dry_run:
        yield entry
        return
    with locked(context.home.locks / f"{entry.name}.lock", wait_seconds=0, waiting=say):
        yield context.store.find_ready(entry.name)


def _able(entry: Entry) -> EnvironmentRecord:
    """Give the record of an environment that can carry the hook."""
    record = entry.record
    assert record is not None, "find_ready"
    if record.plan.onnxruntime is not None:
        raise NoCandidateError(
            f"{entry.name} runs Kokoro with ONNX Runtime: there is nothing to bridge",
            reference="no-kokoro",
            hint="name an environment with torch: `invoke env.list`",
        )
    if record.container is not None:
        raise NoCandidateError(
            f"{entry.name} is an image, and an image is not changed after it was built",
            context="verify knows it by the hash of all its files",
            reference="hook-in-image",
            hint=_BY_HAND,
        )
    subject = look(entry.path)
    if not subject.has_runtime:
        raise NoCandidateError(
            f"the kokoro_spark of {entry.name} has no hook: an older kokoro-spark made it",
            reference="no-hook",
            hint=f"set it up again with the same options, or {_BY_HAND}",
        )
    _require_known(entry.path, subject)
    return record


def _require_known(folder: Path, subject: Subject) -> None:
    if not subject.is_known:
        raise IntegrityError(
            f"the bridge does not know this Kokoro: {subject.kokoro or 'none is installed'}",
            context=f"sha256 of its istftnet.py: {subject.sha256}\nin {folder}",
            reference="unknown-kokoro",
            hint="`invoke verify` says whether its files are what was installed; set the environment up again",
        )


def _refuse(record: EnvironmentRecord) -> None:
    known = known_words(record)
    judged = record.verdict is not None or record.prediction is not None
    why = f"it is {known}" if judged else "it was not judged, and nothing was predicted"
    raise UsageError(
        f"the bridge is not needed in {record.name}, as far as is known: {why}",
        reference="bridge-not-needed",
        hint="`invoke verify` judges it anew; --force switches the hook on all the same",
    )


def _status(entry: Entry, context: Context, *, changed: bool = False) -> BridgeStatus:
    record = entry.record
    assert record is not None, "find_ready"
    subject = look(entry.path)
    there, needed = has_hook(entry.path), wants_bridge(record)
    off = context.environ.get(HOOK_SWITCH, "").strip().lower() in {"0", "off", "no", "false"}
    notes = []
    if there and not needed:
        notes.append(
            f"nothing says that it is needed ({known_words(record)}): "
            f"`invoke bridge.disable --env {entry.name}` takes it away"
        )
    if needed and not there and record.container is None:
        notes.append(f"the bridge is needed: `invoke bridge.enable --env {entry.name}`, or {_BY_HAND}")
    if there is (record.hook is None):
        which = f"{HOOK_FILE} is there" if there else f"{HOOK_FILE} is gone"
        notes.append(f"{which}, and the environment's record does not say so: bridge.enable or bridge.disable mends it")
    if off:
        notes.append(f"{HOOK_SWITCH} is set here: what is started from here runs without the hook")
    return BridgeStatus(
        environment=entry.name,
        hook=there,
        needed=needed,
        known=known_words(record),
        forced=record.hook is not None and record.hook.forced,
        since=None if record.hook is None else record.hook.since,
        kokoro=subject.kokoro,
        source_known=subject.is_known,
        switched_off=off,
        changed=changed,
        notes=tuple(notes),
    )
