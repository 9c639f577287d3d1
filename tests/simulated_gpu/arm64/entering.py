"""The command line that runs one aarch64 program in a root file system. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError

QEMU = "/usr/bin/qemu-aarch64-static"
"""The emulator, in the root file system as on this machine: a static program needs nothing else of its own."""

CPUINFO = Path(__file__).parent / "cpuinfo.txt"
"""torch dies in its cpuinfo library where it reads this x86_64 machine's /proc/cpuinfo as an aarch64 one's."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder of this machine, seen in the root file system for the time of one command."""

    source: Path
    target: Path
    """Absolute, as the program sees it."""
    read_only: bool = False

    @classmethod
    def same(cls, folder: Path, *, read_only: bool = False) -> Mount:
        """See a folder under its own path."""
        return cls(source=folder, target=folder, read_only=read_only)


def entering(
    root: Path, mounts: Iterable[Mount], argv: Sequence[str], *, env: Mapping[str, str], cwd: Path
) -> list[str]:
    """Give the command line that runs `argv` in `root` with exactly the environment `env`, in the folder `cwd`.

    Its mounts are in a namespace of their own: they end with it. Every step replaces the one before, so that the
    process which is waited for is the emulator, and ends as the program in it ends: by exit status or by signal.

    Raises UsageError for a variable of the dynamic linker that can't be handed over.
    """
    proc = root / "proc"
    lines = [
        f"mount -t proc proc {_quoted(proc)}",
        f"mount --bind {_quoted(CPUINFO)} {_quoted(proc / 'cpuinfo')}",
        f"mount --rbind /dev {_quoted(root / 'dev')}",
        *(line for mount in mounts for line in _mounting(root, mount)),
        "unshare=$(command -v unshare)",
        "exec " + _program(root, argv, env=env, cwd=cwd),
    ]
    return ["unshare", "--mount", "sh", "-euc", "\n".join(lines)]


def _mounting(root: Path, mount: Mount) -> list[str]:
    source, place = _quoted(mount.source), _quoted(root / mount.target.relative_to("/"))
    lines = [f"mkdir -p {place}", f"mount --bind {source} {place}"]
    return [*lines, f"mount -o remount,bind,ro {place}"] if mount.read_only else lines


def _program(root: Path, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> str:
    """Write the last step. What speaks to the dynamic linker is for the program's alone: qemu itself sets it."""
    ours = [f"{name}={value}" for name, value in env.items() if not name.startswith("LD_")]
    theirs = [f"{name}={value}" for name, value in env.items() if name.startswith("LD_")]
    for text in theirs:
        if "," in text:  # qemu's -E takes several variables, separated by commas
            raise UsageError(
                f"{text.partition('=')[0]} holds a comma, and the emulator cannot take one there",
                context=text,
                reference="comma-in-path",
                hint="put the data root into a folder without a comma (KOKORO_SPARK_HOME)",
            )
    set_there = [word for text in theirs for word in ("-E", text)]
    change_root = [f"--root={root}", f"--wd={cwd}", "--", QEMU, *set_there, *argv]
    return f'env -i {shlex.join(ours)} "$unshare" {shlex.join(change_root)}'


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
