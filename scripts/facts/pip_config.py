"""pip's configuration, read as pip reads it (pip/_internal/configuration.py): which file wins, which section."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SECTIONS = ("global", "install")
"""Those that say something to `pip install`, the later the stronger, whichever file they are in."""


@dataclass(frozen=True)
class Option:
    """A value and where it was found: a file's path or a variable's name."""

    value: str = field(repr=False)
    origin: str


@dataclass(frozen=True)
class PipOptions:
    """Every option that `pip install` would see, by its long name without dashes, and what could not be read."""

    options: Mapping[str, Option]
    problems: tuple[str, ...] = ()


def user_config(environ: Mapping[str, str]) -> Path:
    """Name the XDG folder of the user's configuration."""
    home = Path(environ.get("HOME") or "~").expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def system_configs(environ: Mapping[str, str]) -> list[Path]:
    """Name the XDG folders of the system's configuration, the strongest first."""
    return [Path(name) for name in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep) if name]


def paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name every file that pip could read, the later the stronger."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return ()
    return tuple(map(str, [*_system(environ), *_user(environ), *_virtual(environ), *([own] if own else [])]))


def _system(environ: Mapping[str, str]) -> list[Path]:
    return [*(folder / "pip" / "pip.conf" for folder in system_configs(environ)), Path("/etc/pip.conf")]


def _user(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or "~").expanduser()
    return [home / ".pip" / "pip.conf", user_config(environ) / "pip" / "pip.conf"]


def _virtual(environ: Mapping[str, str]) -> list[Path]:
    folder = environ.get("VIRTUAL_ENV")
    return [Path(folder) / "pip.conf"] if folder else []


def read(environ: Mapping[str, str], files: Mapping[str, str | None]) -> PipOptions:
    """Merge the files' texts (None: there, but unreadable) and the PIP_* variables, which win. Runs nothing."""
    sections: dict[str, dict[str, Option]] = {name: {} for name in _SECTIONS}
    problems: list[str] = []
    # A file named by PIP_CONFIG_FILE that is there takes the place of the user's own.
    replaced = set(map(str, _user(environ))) if environ.get("PIP_CONFIG_FILE") in files else set()
    for path in paths(environ):
        if path in replaced or path not in files:
            continue
        try:
            parser = _parsed(files[path], path)
        except configparser.Error as error:
            reason = " ".join(str(error).split())
            problems.append(f"pip's configuration file {path} was not taken into account: {reason}")
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                found = {_plain(key): Option(value.strip(), path) for key, value in parser.items(section) if value}
                sections[section] |= found
    variables = {
        _plain(name.removeprefix("PIP_")): Option(value, name)
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    return PipOptions({**sections["global"], **sections["install"], **variables}, tuple(problems))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _parsed(text: str | None, path: str) -> configparser.RawConfigParser:
    if text is None:
        raise configparser.Error("it cannot be read")
    parser = configparser.RawConfigParser()
    parser.read_string(text, source=path)
    return parser
