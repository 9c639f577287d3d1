"""uv as we call it: its environment, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scripts.errors import BuildError, DiskError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.facts import IndexSettings
from scripts.redaction import redact

# What would let packages come from a place that the plan does not name, or change what a lock says.
_REFUSED = (
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX_STRATEGY",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_EXCLUDE",
    "UV_BUILD_CONSTRAINT",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_TORCH_BACKEND",
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_ONLY_BINARY",
    "UV_NO_BUILD",
    "UV_EXCLUDE_NEWER",
    "UV_PROJECT_ENVIRONMENT",
    "UV_SYSTEM_PYTHON",
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
)


def uv_environment(environ: Mapping[str, str], settings: IndexSettings) -> dict[str, str]:
    """Give uv's environment: ours, without what the plan does not know of, with what was carried over from pip."""
    kept = {name: value for name, value in environ.items() if name not in _REFUSED}
    kept |= dict(settings.environment)
    if settings.default_index is not None:
        kept["UV_DEFAULT_INDEX"] = settings.default_index
    return kept


_KINDS: tuple[tuple[str, type[SparkError], str, str, str], ...] = (
    (
        r"hash mismatch|hashes? (?:did|do) not match|failed to .*hash-check",
        IntegrityError,
        "hash-mismatch",
        "a downloaded file is not the pinned one",
        "try again; if it stays, the index or a mirror in between changed the file: tell its owner, install nothing",
    ),
    (
        r"no space left on device|disk quota exceeded|os error 28|os error 122",
        DiskError,
        "disk-full",
        "there is no space left on the disk",
        "free some space, or name other places with KOKORO_SPARK_HOME and UV_CACHE_DIR",
    ),
    (
        r"permission denied|read-only file system|os error 13\b|os error 30\b",
        DiskError,
        "not-writable",
        "a folder cannot be written",
        "give yourself the right to write there, or name other places with KOKORO_SPARK_HOME and UV_CACHE_DIR",
    ),
    (
        (
            r"dns error|failed to lookup|connection refused|error sending request|tcp connect|timed out|timeout"
            r"|failed to fetch|network|connection reset|\b(?:429|50[0-4])\b|unexpected end of file|end of file before"
            r"|connectivity|failed to extract archive|invalid zip|zip error"
        ),
        NetworkError,
        "index-failed",
        "the index did not deliver what was asked",
        "check the network, a proxy (HTTPS_PROXY) or a mirror (UV_DEFAULT_INDEX), and run it again: nothing is lost",
    ),
    (
        (
            r"no solution found|not found in the package registry|no matching distribution|has no wheels? with"
            r"|doesn't have a (?:source|wheel)|no usable wheels|incompatible with the current"
        ),
        NoCandidateError,
        "no-solution",
        "what is pinned is not on the index for this platform and Python",
        "choose another --torch, --python or --strategy, or regenerate the pins with `invoke lock`",
    ),
)


def failure(stderr: str, *, doing: str) -> SparkError:
    """Turn uv's words into the error they mean, with the words beside it."""
    words = redact(_without_bars(stderr)).strip()
    for pattern, kind, reference, message, hint in _KINDS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind(f"{doing}: {message}", context=_tail(words), reference=reference, hint=hint)
    return BuildError(
        f"{doing}: uv failed",
        context=_tail(words) or "uv said nothing",
        reference="uv-failed",
        hint="the lines above are uv's own; run it again with --verbose to see its command",
    )


def _tail(words: str, lines: int = 15) -> str:
    return "\n".join(words.splitlines()[-lines:])


def _without_bars(text: str) -> str:
    """Take terminal control sequences and redrawn lines out."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rsplit("\r", 1)[-1].rstrip() for line in plain.splitlines() if line.strip())
