"""A runner that answers from a script instead of starting processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.shell import Completed, ProgramNotFoundError


@dataclass(frozen=True)
class Command:
    """The scripted answer to every command that starts with `starts`."""

    starts: tuple[str, ...]
    out: str = ""
    err: str = ""
    exit: int | None = 0


@dataclass
class ScriptedRunner:
    """Answers by the first matching Command; a program that no Command names is not installed."""

    commands: Sequence[Command] = ()
    seen: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        self.seen.append(tuple(argv))
        for command in self.commands:
            if tuple(argv[: len(command.starts)]) == command.starts:
                return Completed(
                    argv=tuple(argv), returncode=command.exit, stdout=command.out, stderr=command.err, seconds=0.0
                )
        raise ProgramNotFoundError(f"{argv[0]} was not found", reference="program-not-found")
