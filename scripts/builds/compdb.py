"""What nvcc is really told to compile for, from a compile database: `ninja -t compdb`, compile_commands.json. Pure.

A package can pass flags of its own, and lists that were detected by themselves have been seen to say `compute_20`
(TORCH_CUDA_ARCH_LIST unset, no GPU, `12.1(2.0)`).
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterable, Sequence

from scripts.model.recipes import Arch

_TARGET = re.compile(r"\b(?P<kind>sm|compute)_(?P<name>\d{2,3}[a-z]?)\b")
_OPTIONS = ("-gencode", "--generate-code", "-arch", "--gpu-architecture", "-code", "--gpu-code")
_DETECTED = frozenset({"native", "all", "all-major"})
_COMPILES = frozenset({"-c", "--compile", "-dc", "--device-c", "-dlink", "--device-link", "-cubin", "-fatbin", "-ptx"})
_MOST = 5


def nvcc_commands(compdb: str) -> tuple[str, ...]:
    """Give the commands that start nvcc, whatever wraps it; () for text that is no compile database."""
    try:
        entries = json.loads(compdb)
    except ValueError:
        return ()
    if not isinstance(entries, list):
        return ()
    commands = [_command(one) for one in entries if isinstance(one, dict)]
    return tuple(dict.fromkeys(one for one in commands if is_nvcc(one)))


def _command(entry: dict[str, object]) -> str:
    words = entry.get("arguments")
    return shlex.join(map(str, words)) if isinstance(words, list) else str(entry.get("command", ""))


def is_nvcc(command: str) -> bool:
    """Tell whether a command compiles with nvcc: it is among the words before the first option."""
    if "nvcc" not in command:  # the log of a build has lines by the hundred thousand
        return False
    words = _words(command)
    before = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    return any(word.rpartition("/")[2] == "nvcc" for word in before) and not _COMPILES.isdisjoint(words)


def judge_commands(commands: Sequence[str], archs: Sequence[Arch]) -> tuple[str, ...]:
    """Say what is wrong with the flags that reach nvcc; (): each command compiles for `archs` and nothing else."""
    wanted = {("sm", arch.sm.removeprefix("sm_")) for arch in archs}
    wanted |= {("compute", arch.sm.removeprefix("sm_")) for arch in archs if arch.ptx}
    problems = []
    for command in commands:
        found, told = targets_of(command)
        if told & _DETECTED:
            problems.append(f"it is left to nvcc what to compile for: {', '.join(sorted(told & _DETECTED))}")
        elif not found and not told:
            problems.append("no architecture reaches nvcc: it compiles for its own default")
        else:
            foreign = found - wanted
            missing = wanted - found
            problems += [f"it compiles for {kind}_{name}, which was not asked for" for kind, name in sorted(foreign)]
            problems += [f"it does not compile for {kind}_{name}" for kind, name in sorted(missing)]
    return tuple(dict.fromkeys(problems))[:_MOST]


def targets_of(command: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Give what code one command makes, as (`sm`, `121a`), or (`compute`, `90`) for PTX, and the words for it."""
    found: set[tuple[str, str]] = set()
    told: set[str] = set()
    virtual: set[tuple[str, str]] = set()
    for option, value in _values(_words(command)):
        told |= set(re.split(r"[=,\[\]]+", value)) - {"", "arch", "code"}
        if option in {"-gencode", "--generate-code"}:
            found |= _named(value.partition("code=")[2])
        elif option in {"-code", "--gpu-code"}:
            found |= _named(value)
        else:
            # `-arch=sm_90` alone means a cubin of it and its PTX too; `-arch=compute_90 -code=...` is read by its code.
            virtual |= _named(value)
    if not found and virtual:
        found = virtual | {("compute", name) for _, name in virtual}
    return found, told


def _named(text: str) -> set[tuple[str, str]]:
    return {(one["kind"], one["name"]) for one in _TARGET.finditer(text)}


def _values(words: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Give each option of ours with its value, written as one word or as two."""
    for index, word in enumerate(words):
        for option in _OPTIONS:
            if word.startswith(f"{option}="):
                yield option, word.removeprefix(f"{option}=")
            elif word == option and index + 1 < len(words):
                yield option, words[index + 1]


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
