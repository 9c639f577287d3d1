"""The error tree and every exit code.

An error says what happened (message), where (context), what to do (hint) and which kind of failure it is
(reference, kebab-case, stable: documentation and tests name it). The shape is pip's DiagnosticPipError's.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Every exit code of every task. 1 is invoke's own; 130 and 143 are Ctrl-C and SIGTERM."""

    OK = 0
    USAGE = 2
    NETWORK = 3
    NO_CANDIDATE = 4
    INTEGRITY = 5
    DISK = 6
    ENGINE = 7
    BUILD = 8
    BUSY = 9
    PATCH_NEEDED = 10
    DRIFT = 11
    UNDECIDED = 20
    BROKEN = 30
    INTERRUPTED = 130
    TERMINATED = 143


class SparkError(Exception):
    """A failure that a person can act on. Subclasses fix the exit code."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, *, reference: str, context: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.hint = hint
        self.reference = reference

    def __str__(self) -> str:
        """Render as text: message, indented context, hint."""
        lines = [self.message]
        lines += [f"  {line}" for line in self.context.splitlines()]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | int]:
        """Give the JSON form that every task prints on failure under `--json`."""
        return {
            "error": self.reference,
            "message": self.message,
            "context": self.context,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
        }


class UsageError(SparkError):
    """Bad input: an option, a name, a text, a file the user gave."""

    exit_code = ExitCode.USAGE


class NetworkError(SparkError):
    """An index, the hub or a registry could not be reached or did not answer usefully."""

    exit_code = ExitCode.NETWORK


class NoCandidateError(SparkError):
    """Nothing that exists fits: platform, Python, CPU-only build, no such GPU or environment."""

    exit_code = ExitCode.NO_CANDIDATE


class IntegrityError(SparkError):
    """A hash, size, name or key is not what was pinned or promised."""

    exit_code = ExitCode.INTEGRITY


class DiskError(SparkError):
    """No space, no permission, or a path that cannot be written."""

    exit_code = ExitCode.DISK


class EngineError(SparkError):
    """The container engine is missing, down or refuses."""

    exit_code = ExitCode.ENGINE


class BuildError(SparkError):
    """An installation or a build step failed for a reason of its own."""

    exit_code = ExitCode.BUILD


class BusyError(SparkError):
    """Another process holds the lock."""

    exit_code = ExitCode.BUSY


class BrokenError(SparkError):
    """A provisioned environment does not do its work."""

    exit_code = ExitCode.BROKEN


class InterruptedByUserError(SparkError):
    """Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED


class TerminatedError(SparkError):
    """SIGTERM."""

    exit_code = ExitCode.TERMINATED
