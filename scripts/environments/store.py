"""Which environments there are, and what each one's record says."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.errors import DiskError, IntegrityError, NoCandidateError, UsageError
from scripts.home import Home
from scripts.model.environment import RECORD_NAME, RECORD_SCHEMA, EnvironmentRecord, EnvironmentState
from scripts.model.plan import InstallLock, Plan
from scripts.redaction import redact
from scripts.serial import from_data, to_json

TOOL = "kokoro-spark"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Entry:
    """One folder of the store.

    `record` is None where it cannot be read; `problem` says why, or what a ready environment has lost since.
    """

    path: Path
    record: EnvironmentRecord | None
    problem: str = ""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def state(self) -> EnvironmentState | None:
        """What its record says; None without one."""
        return None if self.record is None else self.record.state

    @property
    def python(self) -> Path:
        """Its interpreter; a container environment has none here (see Context.place)."""
        return self.path / "bin" / "python"

    @property
    def has_python(self) -> bool:
        """Tell whether it can be started, as far as its folder says; of an image only the engine knows."""
        return self.python.exists() or (self.record is not None and self.record.container is not None)


@dataclass(frozen=True)
class Store:
    """The folder `envs/`."""

    home: Home

    def path(self, name: str) -> Path:
        """Name an environment's folder.

        Raises UsageError for a name that is none (a path, an option).
        """
        if not _NAME.fullmatch(name) or name == "current":
            raise UsageError(
                f"{name!r} is no environment's name",
                reference="bad-environment-name",
                hint="`invoke env.list` lists them",
            )
        return self.home.environments / name

    def entries(self) -> tuple[Entry, ...]:
        """Read every environment, by name."""
        if not self.home.environments.is_dir():
            return ()
        folders = sorted(
            path
            for path in self.home.environments.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        )
        return tuple(self.entry(path) for path in folders)

    def entry(self, path: Path) -> Entry:
        """Read one environment."""
        try:
            entry = Entry(path, read_record(path))
        except IntegrityError as error:
            return Entry(path, None, error.message)
        if entry.state is EnvironmentState.READY and not entry.has_python:
            base = f", the link to {entry.python.readlink()}" if entry.python.is_symlink() else ""
            return dataclasses.replace(entry, problem=f"its interpreter bin/python is gone{base}")
        return entry

    def whole(self, name: str) -> EnvironmentRecord | None:
        """Give the record of an environment that can be used as it is; None: there is none."""
        entry = self.entry(self.path(name))
        if entry.record is None or entry.record.state is not EnvironmentState.READY or not entry.has_python:
            return None
        return entry.record

    def find(self, name: str | None) -> Entry:
        """Find an environment by name, by the start of its name, or (None) the current one.

        Raises NoCandidateError, which lists what there is, or what a start that is too short may mean.
        """
        if name is None:
            entry = self.current()
            if entry is None:
                choose = "choose one with `invoke env.use NAME`, or " if self.entries() else ""
                raise NoCandidateError(
                    "there is no current environment",
                    context=self._listing(),
                    reference="no-environment",
                    hint=f"{choose}make one with `invoke setup`",
                )
            return entry
        self.path(name)
        matching = [entry for entry in self.entries() if entry.name == name]
        matching = matching or [entry for entry in self.entries() if entry.name.startswith(name)]
        if len(matching) != 1:
            raise NoCandidateError(
                f"{name!r} names {'no' if not matching else 'more than one'} environment",
                context=self._listing(matching),
                reference="no-environment",
                hint="`invoke env.list` lists them; the start of a name is enough",
            )
        return matching[0]

    def find_ready(self, name: str | None) -> Entry:
        """Find as `find` does, and insist that the environment is whole."""
        entry = self.find(name)
        if entry.problem or entry.state is not EnvironmentState.READY:
            again = "run `invoke setup` again with the options it was set up with"
            by_hand = f"look at {entry.path} and delete it by hand, then {again}"
            raise NoCandidateError(
                f"environment {entry.name} is not ready: {entry.problem or entry.state}",
                context=entry.record.reason if entry.record else "",
                reference="environment-not-ready",
                hint=f"{again}, or remove it with `invoke env.remove`" if is_ours(entry.path) else by_hand,
            )
        return entry

    def current(self) -> Entry | None:
        """Follow the link `current`; None where there is none or it points nowhere."""
        link = self.home.current
        if not link.is_symlink() or not link.exists():
            return None
        return self.entry(self.home.environments / link.readlink().name)

    def use(self, name: str) -> None:
        """Point `current` at an environment, atomically."""
        link = self.home.current
        temporary = link.with_name(f".current.{os.getpid()}")
        with disk_errors(link):
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(name)
            try:
                temporary.replace(link)
            except OSError:
                temporary.unlink()
                raise

    def write(self, record: EnvironmentRecord) -> None:
        """Write an environment's record, credentials taken out."""
        clean = dataclasses.replace(record, plan=_redacted(record.plan), reason=redact(record.reason))
        write_whole(self.path(record.name) / RECORD_NAME, to_json(clean, indent=2) + "\n")

    def remove(self, entry: Entry) -> None:
        """Delete an environment's folder and, if it was the current one, the link.

        Raises DiskError for a folder that does not carry our tag.
        """
        require_ours(entry.path)
        current = self.current()
        with disk_errors(entry.path):
            if current is not None and current.path == entry.path:
                self.home.current.unlink()
            # Hidden first: a reader never sees half an environment, and a kill leaves only what the next one sweeps.
            doomed = entry.path.with_name(f".removing-{entry.path.name}-{os.getpid()}")
            entry.path.rename(doomed)
            with contextlib.suppress(FileNotFoundError):  # another's sweep is at it as well
                empty(doomed)
                doomed.rmdir()

    def sweep(self) -> None:
        """Delete what a killed removal left behind."""
        if self.home.environments.is_dir():
            for path in self.home.environments.glob(".removing-*"):
                with contextlib.suppress(OSError, DiskError):  # it is in nobody's way
                    empty(path)
                    path.rmdir()

    def _listing(self, entries: Sequence[Entry] | None = None) -> str:
        entries = entries or self.entries()
        return "\n".join(f"{entry.name}: {entry.problem or entry.state}" for entry in entries)


def read_record(folder: Path) -> EnvironmentRecord:
    """Read a folder's record.

    Raises IntegrityError where it is missing, torn or of another schema.
    """
    path = folder / RECORD_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IntegrityError(f"{path.parent.name} has no record", reference="no-record") from None
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}", reference="bad-record") from error
    if not isinstance(data, dict) or data.get("tool") != TOOL:
        raise IntegrityError(f"{path} is not ours", reference="bad-record")
    if data.get("schema") != RECORD_SCHEMA:
        raise IntegrityError(
            f"{path} is of schema {data.get('schema')}, this version writes {RECORD_SCHEMA}",
            reference="record-schema",
            hint="make the environment again with `invoke setup`",
        )
    return from_data(EnvironmentRecord, data, what=str(path))


def has_tag(folder: Path) -> bool:
    """Tell whether a folder carries our tag: a record that names the tool, of whatever schema, torn or whole."""
    try:
        text = (folder / RECORD_NAME).read_text(encoding="utf-8", errors="replace")
        data = json.loads(text)
    except OSError:
        return False
    except ValueError:  # a damaged disk or an editor: as long as the tag itself is left, a setup may start afresh
        return f'"tool": "{TOOL}"' in text
    return isinstance(data, dict) and data.get("tool") == TOOL


def is_ours(folder: Path) -> bool:
    """Tell whether a folder may be deleted: it carries our tag, or holds nothing but the beginning of a record.

    The latter is what a setup leaves that is killed at its very first step.
    """
    return has_tag(folder) or all(path.name.startswith(f".{RECORD_NAME}.") for path in folder.iterdir())


def empty(folder: Path) -> None:
    """Delete what is in a folder of ours, the record last: it is what lets the next one go on after a kill."""
    require_ours(folder)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD_NAME):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def require_ours(folder: Path) -> None:
    """Insist on our tag before anything is deleted."""
    if not is_ours(folder):
        raise DiskError(
            f"{folder} was not made by kokoro-spark, so it is not deleted",
            context=f"it holds no {RECORD_NAME} that says so",
            reference="not-ours",
            hint="look at it, and delete it by hand if you want it gone",
        )


def _redacted(plan: Plan) -> Plan:
    steps = tuple(
        dataclasses.replace(
            step, lock=dataclasses.replace(step.lock, index=redact(step.lock.index) if step.lock.index else None)
        )
        if isinstance(step, InstallLock)
        else step
        for step in plan.steps
    )
    return dataclasses.replace(plan, steps=steps, notes=tuple(map(redact, plan.notes)))
