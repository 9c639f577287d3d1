"""uv as we call it: its environment, and what its failures mean."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping

from scripts.errors import BuildError, DiskError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.facts import IndexSettings
from scripts.redaction import redact

# What only says where uv finds and keeps things, and how it reaches them. Every other UV_ variable could change what is
# installed (UV_VENV_SEED brings pip, unpinned; UV_INDEX another index), those of a later uv included.
_KEPT = frozenset(
    {
        "UV_ASTRAL_MIRROR_URL",
        "UV_CACHE_DIR",
        "UV_CREDENTIALS_DIR",
        "UV_HTTP_CONNECT_TIMEOUT",
        "UV_HTTP_RETRIES",
        "UV_HTTP_TIMEOUT",
        "UV_INSECURE_HOST",
        "UV_KEYRING_PROVIDER",
        "UV_LINK_MODE",
        "UV_LOCK_TIMEOUT",
        "UV_NATIVE_TLS",
        "UV_NO_CACHE",
        "UV_NO_PROGRESS",
        "UV_OFFLINE",
        "UV_PYTHON_CACHE_DIR",
        "UV_PYTHON_DOWNLOADS",
        "UV_PYTHON_DOWNLOADS_JSON_URL",
        "UV_PYTHON_INSTALL_DIR",
        "UV_PYTHON_INSTALL_MIRROR",
        "UV_PYTHON_PREFERENCE",
        "UV_REQUEST_TIMEOUT",
        "UV_STACK_SIZE",
        "UV_SYSTEM_CERTS",
    }
)
_KEPT_PREFIXES = ("UV_CONCURRENT_",)
_DROPPED = frozenset({"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"})


def uv_environment(environ: Mapping[str, str], settings: IndexSettings) -> dict[str, str]:
    """Give uv's environment: ours, without what the plan does not know of, with what was carried over from pip."""
    kept = {name: value for name, value in environ.items() if _is_kept(name)}
    kept |= dict(settings.environment)
    if settings.default_index is not None:
        kept["UV_DEFAULT_INDEX"] = settings.default_index
    return kept


def _is_kept(name: str) -> bool:
    if name.startswith("UV_"):
        return name in _KEPT or name.startswith(_KEPT_PREFIXES)
    return name not in _DROPPED


# The first that matches is what is meant: causes before what they lead to. Only uv's own words are looked for, never
# bare ones: `networkx` is a package.
_KINDS: tuple[tuple[str, type[SparkError], str, str, str], ...] = (
    (
        r"hash mismatch for",
        IntegrityError,
        "hash-mismatch",
        "a downloaded file is not the pinned one",
        "try again; if it stays, the index or a mirror in between changed the file: tell its owner, install nothing",
    ),
    (
        r"`--require-hashes` mode|no trusted hash was provided",
        IntegrityError,
        "bad-lock",
        "a pin has no hash",
        "regenerate the pins with `invoke lock`",
    ),
    (
        r"no space left on device|disk quota exceeded|\(os error (?:28|122)\)",
        DiskError,
        "disk-full",
        "there is no space left on the disk",
        "free some space, or name other places with KOKORO_SPARK_HOME and UV_CACHE_DIR",
    ),
    (
        r"permission denied|read-only file system|\(os error (?:1|13|30)\)",
        DiskError,
        "not-writable",
        "a folder cannot be written",
        "give yourself the right to write there, or name other places with KOKORO_SPARK_HOME and UV_CACHE_DIR",
    ),
    (
        r"failed to build `|build backend returned an error",
        BuildError,
        "build-failed",
        "a package that exists as source only could not be built",
        "the lines above are the build's own; a missing compiler or header comes from your system's packages",
    ),
    (
        r"\b401 unauthorized|\b403 forbidden|\b407 proxy authentication",
        NetworkError,
        "access-denied",
        "the index or the proxy denies access",
        "check the credentials in the index's URL and in HTTPS_PROXY; some answer 403 for what they do not have",
    ),
    (
        r"invalid peer certificate|certificate verify failed",
        NetworkError,
        "tls-failed",
        "the index's certificate is not trusted",
        "set SSL_CERT_FILE to your organisation's CA bundle",
    ),
    (
        r"network was disabled",
        NetworkError,
        "offline",
        "uv was told to stay offline, and not everything is in its cache",
        "take UV_OFFLINE out of the environment (or `offline` out of uv.toml) and run it again",
    ),
    (
        (
            r"dns error|failed to lookup address|connection (?:refused|reset|closed)|error sending request|tcp connect"
            r"|timed out|failed to fetch|HTTP status (?:client|server) error|(?:unexpected )?end of file"
            r"|error decoding response body|request failed after"
        ),
        NetworkError,
        "index-failed",
        "the index did not deliver what was asked",
        "check the network, a proxy (HTTPS_PROXY) or a mirror (UV_DEFAULT_INDEX), and run it again: nothing is lost",
    ),
    (
        r"failed to extract archive|invalid zip|malformed wheel",
        IntegrityError,
        "bad-wheel",
        "a file from the index is no proper wheel",
        "try again; if it stays, the file is damaged on the index or the mirror: tell its owner, or use another",
    ),
    (
        r"no solution found|has no wheels with a matching|no usable wheels",
        NoCandidateError,
        "no-solution",
        "what is pinned is not on the index for this platform and Python",
        "choose another --torch, --python or --strategy, or regenerate the pins with `invoke lock`",
    ),
    (
        r"no interpreter found",
        NoCandidateError,
        "no-python",
        "the Python that was chosen is gone",
        "`invoke facts` lists the Pythons that are here; choose one with --python",
    ),
    (
        r"found \d+ incompatibilit",
        IntegrityError,
        "packages-disagree",
        "what was installed does not fit together",
        "regenerate the pins with `invoke lock`, or leave --torch out",
    ),
)


def only_from(index: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Have uv look on one index alone (None: the default one, or its configured mirror).

    By variable, not by argument: everyone on the machine can read a process's arguments, and an index's URL may hold
    credentials.
    """
    return dict(environ) if index is None else {**environ, "UV_DEFAULT_INDEX": index}


def failure(stderr: str, *, doing: str) -> SparkError:
    """Turn uv's words into the error they mean, with the words beside it."""
    words = redact(plain_words(stderr)).strip()
    told = _from_error_on(words)
    for pattern, kind, reference, message, hint in _KINDS:
        if re.search(pattern, told, re.IGNORECASE):
            return kind(f"{doing}: {_subject(told)}{message}", context=_tail(words), reference=reference, hint=hint)
    return BuildError(
        f"{doing}: uv failed",
        context=_tail(words) or "uv said nothing",
        reference="uv-failed",
        hint="the lines above are uv's own; run it again with --verbose to see its command",
    )


_SUBJECTS = (
    r"hash mismatch for `([^`]+)`",
    r"failed to (?:download|build|download and build|extract)[a-z ]* `([^`]+)`",
    r"failed to install: (\S+)",
    r"failed to fetch: `?([^\s`]+)",
    r"because (?:there is no version of )?(\S+) (?:was not found|and you require|has no)",
)


def _subject(told: str) -> str:
    """Name the package, file or address that the error is about, where uv does."""
    for pattern in _SUBJECTS:
        if found := re.search(pattern, told, re.IGNORECASE):
            return f"{found[1]}: "
    return ""


def _from_error_on(words: str) -> str:
    """Leave out what comes before the error: a warning (a Python that cannot be downloaded) is not the cause."""
    start = re.search(r"^error: ", words, re.MULTILINE)
    return words if start is None else words[start.start() :]


def killed(returncode: int, *, doing: str) -> BuildError:
    """Say that a signal ended uv; `returncode` is its number, negative."""
    return BuildError(
        f"{doing}: uv was ended by {signal.Signals(-returncode).name}",
        reference="uv-killed",
        hint="if nobody did that, the memory ran out (dmesg says so): free some, and run it again",
    )


def _tail(words: str, lines: int = 15) -> str:
    return "\n".join(words.splitlines()[-lines:])


def plain_words(text: str) -> str:
    """Take terminal control sequences and redrawn lines out."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rsplit("\r", 1)[-1].rstrip() for line in plain.split("\n") if line.strip())
