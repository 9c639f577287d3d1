"""Where packages come from here: pip's and uv's configuration, as uv is to be told.

uv reads no pip configuration; who set a mirror, a proxy or a CA bundle for pip means it for us too. What names
further places to take packages from (extra-index-url, find-links) is named and left: every install has one index,
so that no name can be taken from the wrong one (dependency confusion).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scripts.facts import pip_config, uv_config
from scripts.facts.pip_config import Option, PipOptions
from scripts.facts.uv_config import UvOptions
from scripts.model.facts import IndexSettings
from scripts.redaction import redact

_ONE_INDEX = "every install has exactly one index, so that no package can come from the wrong one"
_NOT_CARRIED = {"extra-index-url": _ONE_INDEX, "find-links": _ONE_INDEX, "no-index": "installs come from an index"}


def config_paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name every configuration file of pip and uv that counts here."""
    return (*pip_config.paths(environ), *uv_config.paths(environ))


def read_settings(environ: Mapping[str, str]) -> IndexSettings:
    """Read the files that are there, and say what they mean for us."""
    return settings(environ, {path: _text(path) for path in config_paths(environ) if Path(path).is_file()})


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def settings(environ: Mapping[str, str], files: Mapping[str, str | None]) -> IndexSettings:
    """Decide what uv is to be told, from the variables and the texts of config_paths's files (None: unreadable).

    uv's own configuration wins over pip's, a variable over a file. A broken file is a note.
    """
    pip, uv = pip_config.read(environ, files), uv_config.read(environ, files)
    notes = [*uv.problems, *pip.problems]
    variables = {"UV_NO_CONFIG": "1"} | {name: option.value for name, option in uv.carried.items()}
    notes += [_from_uv(name, option) for name, option in uv.carried.items()]
    default = uv.default_index or pip.options.get("index-url")
    if default is not None:
        variables["UV_DEFAULT_INDEX"] = default.value
        whose = "uv's" if uv.default_index is not None else "pip's"
        notes.append(f"packages come from {whose} index {default.value} ({default.origin})")
    for name, option in _from_pip(environ, pip).items():
        if name not in variables:
            variables[name] = option.value
            notes.append(f"{name}={option.value} is carried over from what pip is told ({option.origin})")
    notes += _refusals(pip, uv)
    return IndexSettings(
        default_index=default.value if default is not None else None,
        environment=tuple(sorted(variables.items())),
        notes=tuple(map(redact, notes)),
    )


def _from_uv(name: str, option: Option) -> str:
    return f"{name}={option.value} is carried over from uv's configuration ({option.origin})"


def _from_pip(environ: Mapping[str, str], pip: PipOptions) -> dict[str, Option]:
    """Translate pip's options to the variables that uv knows, where the environment does not say otherwise."""
    said: dict[str, Option] = {}
    certificates = pip.options.get("cert") or _variable(environ, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    if certificates is not None and not environ.get("SSL_CERT_FILE"):
        said["SSL_CERT_FILE"] = certificates
    client = pip.options.get("client-cert")
    if client is not None and not environ.get("SSL_CLIENT_CERT"):
        said["SSL_CLIENT_CERT"] = client
    proxy = pip.options.get("proxy")
    if proxy is not None:
        address = Option(proxy.value if "://" in proxy.value else f"http://{proxy.value}", proxy.origin)
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            if not environ.get(name) and not environ.get(name.lower()):
                said[name] = address
    hosts = pip.options.get("trusted-host")
    if hosts is not None and not environ.get("UV_INSECURE_HOST"):
        said["UV_INSECURE_HOST"] = Option(" ".join(hosts.value.split()), hosts.origin)
    return said


def _variable(environ: Mapping[str, str], *names: str) -> Option | None:
    return next((Option(environ[name], name) for name in names if environ.get(name)), None)


def _refusals(pip: PipOptions, uv: UvOptions) -> list[str]:
    named = [
        f"pip's {name} ({pip.options[name].origin}) is not carried over: {why}"
        for name, why in _NOT_CARRIED.items()
        if name in pip.options and pip.options[name].value.lower() not in {"0", "false", "no", "off"}
    ]
    return named + [
        f"uv's {setting} ({where}) is not carried over: {_NOT_CARRIED.get(_plain(setting), _ONE_INDEX)}"
        for setting, where in uv.refused
    ]


def _plain(setting: str) -> str:
    return setting.removeprefix("UV_").lower().replace("_", "-")
