"""uv's own user and system configuration: what of it we carry over, and what would let packages come from elsewhere.

uv is run without its configuration files (UV_NO_CONFIG), so that an index named there cannot slip into an install;
what they say about the network, places and the default index is carried over as variables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from scripts.facts.pip_config import Option, system_configs, user_config

_CARRIED = {
    "allow-insecure-host": "UV_INSECURE_HOST",
    "cache-dir": "UV_CACHE_DIR",
    "http-proxy": "HTTP_PROXY",
    "https-proxy": "HTTPS_PROXY",
    "no-proxy": "NO_PROXY",
    "link-mode": "UV_LINK_MODE",
    "native-tls": "UV_SYSTEM_CERTS",
    "offline": "UV_OFFLINE",
    "python-downloads": "UV_PYTHON_DOWNLOADS",
    "python-install-mirror": "UV_PYTHON_INSTALL_MIRROR",
    "python-preference": "UV_PYTHON_PREFERENCE",
    "system-certs": "UV_SYSTEM_CERTS",
}
"""Settings of uv.toml and the variables that say the same."""

_REFUSED = ("index", "extra-index-url", "find-links", "no-index")


@dataclass(frozen=True)
class UvOptions:
    """What uv's files and variables say."""

    default_index: Option | None = None
    carried: Mapping[str, Option] = field(default_factory=dict)
    """By the variable's name."""
    refused: tuple[tuple[str, str], ...] = ()
    """(setting, where), of those that name further places to take packages from."""
    problems: tuple[str, ...] = ()


def paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name every file that uv could read apart from a project's own, the strongest first."""
    if environ.get("UV_NO_CONFIG"):
        return ()
    if environ.get("UV_CONFIG_FILE"):
        return (environ["UV_CONFIG_FILE"],)
    return (str(user_config(environ) / "uv" / "uv.toml"), *_system(environ))


def _system(environ: Mapping[str, str]) -> tuple[str, ...]:
    return (*(str(folder / "uv" / "uv.toml") for folder in system_configs(environ)), "/etc/uv/uv.toml")


def read(environ: Mapping[str, str], files: Mapping[str, str | None]) -> UvOptions:
    """Merge the variables, the user's file and the first system file that is there. Runs nothing."""
    default = _default_variable(environ)
    carried: dict[str, Option] = {}
    refused: list[tuple[str, str]] = [
        (name, "the environment")
        for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
        if environ.get(name)
    ]
    problems: list[str] = []
    system = [path for path in _system(environ) if path in files]
    for path in paths(environ):
        if path not in files or path in system[1:]:
            continue
        try:
            table = tomllib.loads(_readable(files[path]))
        except ValueError as error:
            problems.append(f"uv's configuration file {path} was not taken into account: {error}")
            continue
        default = default or _default_in(table, path, environ)
        for setting, variable in _CARRIED.items():
            if setting in table and not environ.get(variable):
                carried.setdefault(variable, Option(_as_variable(table[setting]), path))
        refused += [(setting, path) for setting in _REFUSED if _names_places(table, setting)]
    return UvOptions(default, carried, tuple(refused), tuple(problems))


def _readable(text: str | None) -> str:
    if text is None:
        raise ValueError("it cannot be read")
    return text


def _default_variable(environ: Mapping[str, str]) -> Option | None:
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        value = environ.get(variable, "").strip()
        if value:
            name, separator, url = value.partition("=")
            named = bool(separator) and "/" not in name
            return Option(_with_credentials(url, name, environ) if named else value, variable)
    return None


def _default_in(table: Mapping[str, Any], path: str, environ: Mapping[str, str]) -> Option | None:
    for entry in _indexes(table):
        if entry.get("default") is True and isinstance(entry.get("url"), str):
            return Option(_with_credentials(entry["url"], str(entry.get("name", "")), environ), path)
    pip = table.get("pip")
    for place in (pip if isinstance(pip, dict) else {}, table):
        if isinstance(place.get("index-url"), str):
            return Option(place["index-url"], path)
    return None


def _indexes(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = table.get("index", [])
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _names_places(table: Mapping[str, Any], setting: str) -> bool:
    if setting == "index":
        return any(entry.get("default") is not True for entry in _indexes(table))
    pip = table.get("pip")
    return bool(table.get(setting)) or bool(isinstance(pip, dict) and pip.get(setting))


def _as_variable(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _with_credentials(url: str, name: str, environ: Mapping[str, str]) -> str:
    """Put UV_INDEX_<NAME>_USERNAME and _PASSWORD into the URL of the index of that name, as uv does."""
    stem = "UV_INDEX_" + "".join(c if c.isalnum() else "_" for c in name.upper())
    user, password = environ.get(f"{stem}_USERNAME", ""), environ.get(f"{stem}_PASSWORD", "")
    parts = urlsplit(url)
    if not name or not (user or password) or "@" in parts.netloc:
        return url
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}").geturl()
