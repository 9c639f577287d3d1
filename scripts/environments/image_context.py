"""The folder that an image is built from: recipe, pins, our own wheels, and pip's configuration for the time of it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.home import CHECKOUT
from scripts.model.plan import Lock

DOCKER = CHECKOUT / "docker"
RECIPE = "ngc.Dockerfile"
SCRIPT = "base_torch.py"
PRIVATE = "private"
"""The folder in the context that may hold credentials."""
_INSIDE = f"/context/{PRIVATE}"


def recipe_sha256(folder: Path = DOCKER) -> str:
    """Hash what the image is built by: the Dockerfile and the script that it runs."""
    digest = hashlib.sha256()
    for name in (RECIPE, SCRIPT):
        data = (folder / name).read_bytes()
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class PipSettings:
    """How pip in the build reaches the index that packages come from here: uv's settings, translated."""

    text: str
    """pip.conf."""
    files: tuple[tuple[str, Path], ...] = ()
    """What it names: a file's name in the folder, and where it is here."""


def pip_settings(environ: Mapping[str, str]) -> PipSettings:
    """Translate the environment that uv gets (environments/uv.py) for a pip that has none of this machine's files."""
    options: dict[str, str] = {}
    files: list[tuple[str, Path]] = []
    if index := environ.get("UV_DEFAULT_INDEX"):
        options["index-url"] = index
    for option, variable, name in (
        ("cert", "SSL_CERT_FILE", "ca.pem"),
        ("client-cert", "SSL_CLIENT_CERT", "client.pem"),
    ):
        path = environ.get(variable)
        if path and Path(path).is_file():
            options[option] = f"{_INSIDE}/{name}"
            files.append((name, Path(path)))
    # pip asks its one proxy for every scheme.
    proxies = (environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))
    if proxy := next(filter(None, proxies), None):
        options["proxy"] = proxy
    if hosts := environ.get("UV_INSECURE_HOST"):
        options["trusted-host"] = " ".join(hosts.split())
    lines = ["[global]", *(f"{option} = {value}" for option, value in options.items())]
    return PipSettings(text="\n".join(lines) + "\n", files=tuple(files))


def write_context(folder: Path, lock: Lock, wheels: Iterable[tuple[Path, str]]) -> None:
    """Fill the folder with all but pip's configuration; `wheels` come with their sha256. Raises DiskError."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in (RECIPE, SCRIPT):
            shutil.copyfile(DOCKER / name, folder / name)
        lines = []
        for wheel, sha256 in wheels:
            shutil.copyfile(wheel, folder / wheel.name)
            lines.append(f"/context/{wheel.name} --hash=sha256:{sha256}\n")
    write_whole(folder / "made.txt", "".join(lines))
    write_whole(folder / Path(lock.name).name, lock.text)
    write_whole(folder / "build.txt", lock.build_text)
    write_pip_settings(folder, PipSettings(text=""))


def write_pip_settings(folder: Path, settings: PipSettings) -> None:
    """Put pip's configuration into the context. Nobody else may read it."""
    private = folder / PRIVATE
    with disk_errors(private):
        shutil.rmtree(private, ignore_errors=True)
        private.mkdir(mode=0o700)
        (private / "pip.conf").write_text(settings.text, encoding="utf-8")
        for name, path in settings.files:
            shutil.copyfile(path, private / name)


def clear_pip_settings(folder: Path) -> None:
    """Take it out again: what stays of the context can be built from by hand, and holds no credentials."""
    if (folder / PRIVATE).is_dir():
        write_pip_settings(folder, PipSettings(text=""))


_REFUSAL = re.compile(r"^.*?kokoro-spark: (?P<reference>[a-z-]+): (?P<message>.+?)\s*$", re.MULTILINE)


def refusal(words: str) -> tuple[str, str] | None:
    """Find the line by which docker/base_torch.py refused: its reference and message. None: it did not."""
    # docker repeats a failed command's own text, so a line that is printed by it is taken from the end.
    found = list(_REFUSAL.finditer(words))
    return None if not found else (found[-1]["reference"], found[-1]["message"])
