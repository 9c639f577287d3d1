"""What a failed build of an image means: the recipe's own refusals, pip's words, then the engine's."""

from __future__ import annotations

import re
import signal

from scripts.environments.engine_errors import engine_failure
from scripts.environments.image_context import refusal
from scripts.errors import BuildError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.target import SUPPORTED_PYTHONS
from scripts.redaction import redact

_ANOTHER = "name another image with --image"
_REFUSALS: dict[str, tuple[type[SparkError], str]] = {
    "python-mismatch": (NoCandidateError, _ANOTHER),
    "no-torch": (NoCandidateError, "name an image whose python3 has torch for CUDA with --image"),
    "cpu-build": (NoCandidateError, "name an image whose torch is built for CUDA with --image"),
    "torch-import-failed": (BuildError, _ANOTHER),
    "torch-replaced": (IntegrityError, "regenerate the pins with `invoke lock`: none of them may be torch's"),
}

# pip's own words, the first that matches: causes before what they lead to.
_PIP: tuple[tuple[str, type[SparkError], str, str, str], ...] = (
    (
        r"do not match the hashes",
        IntegrityError,
        "hash-mismatch",
        "a downloaded file is not the pinned one",
        "try again; if it stays, the index or a mirror in between changed the file: tell its owner, install nothing",
    ),
    (
        r"the user requested \(constraint\) torch",
        IntegrityError,
        "torch-replaced",
        "the pins ask for another torch than the base image's own",
        "regenerate the pins with `invoke lock`: none of them may be torch's",
    ),
    (
        r"certificate.verify.failed|SSLError",
        NetworkError,
        "tls-failed",
        "the index's certificate is not trusted",
        "set SSL_CERT_FILE to your organisation's CA bundle",
    ),
    (
        r"\b40[137] Client Error|\b40[17] Unauthorized|User for \S+:",
        NetworkError,
        "access-denied",
        "the index or the proxy denies access",
        "check the credentials in the index's URL and in HTTPS_PROXY; no keyring and no .netrc count here",
    ),
    (
        (
            r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|Max retries exceeded"
            r"|Connection broken|RemoteDisconnected|ProtocolError|\b5\d\d Server Error"
        ),
        NetworkError,
        "index-failed",
        "the index did not deliver what was asked",
        "check the network, a proxy (HTTPS_PROXY) or a mirror (UV_DEFAULT_INDEX), and run it again",
    ),
    (
        r"no matching distribution found|could not find a version that satisfies",
        NoCandidateError,
        "no-solution",
        "what is pinned is not on the index for the image's platform and Python",
        "regenerate the pins with `invoke lock`, or name another image with --image",
    ),
    (
        r"No module named '?(?:pip|venv)\b",
        NoCandidateError,
        "no-pip",
        "the base image's python3 has no pip, or no venv",
        "NVIDIA's images have both: name another image with --image",
    ),
)


def build_failure(words: str, *, doing: str, engine: str) -> SparkError:
    """Turn the words of a failed build into the error that they mean."""
    told = redact(words)
    if found := refusal(told):
        return _refused(*found, doing=doing)
    of_the_disk = engine_failure(told, doing=doing, engine=engine)
    if of_the_disk.reference == "disk-full":  # pip says it too, among much else
        return of_the_disk
    for pattern, kind, reference, message, hint in _PIP:
        if re.search(pattern, told, re.IGNORECASE):
            return kind(f"{doing}: {message}", context=of_the_disk.context, reference=reference, hint=hint)
    return of_the_disk


def _refused(reference: str, message: str, *, doing: str) -> SparkError:
    kind, hint = _REFUSALS.get(reference, (BuildError, _ANOTHER))
    if reference == "python-mismatch":
        own = next((one for one in SUPPORTED_PYTHONS if re.search(rf"Python {re.escape(str(one))}\b", message)), None)
        hint = _ANOTHER if own is None else f"say so: --python {own}"
    return kind(f"{doing}: {message}", reference=reference, hint=hint)


def killed(returncode: int, *, doing: str, engine: str) -> BuildError:
    """Say that a signal ended the engine's client; `returncode` is its number, negative."""
    return BuildError(
        f"{doing}: {engine} was ended by {signal.Signals(-returncode).name}",
        reference="engine-killed",
        hint="if nobody did that, the memory ran out (dmesg says so): free some, and run it again",
    )
