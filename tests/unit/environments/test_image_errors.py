"""What a failed build of an image means, by words that pip, docker and the recipe print."""

from __future__ import annotations

import pytest

from scripts.environments.image_errors import build_failure, killed
from scripts.errors import BuildError, DiskError, IntegrityError, NetworkError, NoCandidateError, SparkError

FAILED = "\nThe command '/bin/sh -c python3 -m pip install -r x' returned a non-zero code: 1\n"
RETRY = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None)) after connection broken by "
    "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new "
    "connection: [Errno 111] Connection refused')': /simple/addict/\n"
    "ERROR: Could not find a version that satisfies the requirement addict==2.4.0 (from versions: none)\n"
    "ERROR: No matching distribution found for addict==2.4.0"
)


@pytest.mark.parametrize(
    ("words", "kind", "reference"),
    [
        (
            "kokoro-spark: python-mismatch: the base image has Python 3.13 on x86_64; pins: x",
            NoCandidateError,
            "python-mismatch",
        ),
        (
            "kokoro-spark: no-torch: the base image's python3 (/usr/bin/python3) has no torch",
            NoCandidateError,
            "no-torch",
        ),
        ("kokoro-spark: cpu-build: torch 2.9.1 of the base image is a CPU-only build", NoCandidateError, "cpu-build"),
        ("kokoro-spark: torch-replaced: torch 2.9.1 of /opt/kokoro-spark is in use", IntegrityError, "torch-replaced"),
        (
            "    The user requested torch==2.15.0\n    The user requested (constraint) torch==2.10.0\n",
            IntegrityError,
            "torch-replaced",
        ),
        ("kokoro-spark: torch-import-failed: libcudart.so.13", BuildError, "torch-import-failed"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            IntegrityError,
            "hash-mismatch",
        ),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] x'))", NetworkError, "tls-failed"),
        ("ERROR: HTTP error 401 while getting x\n401 Client Error: Unauthorized", NetworkError, "access-denied"),
        (RETRY, NetworkError, "index-failed"),
        ("ERROR: No matching distribution found for addict==2.4.0", NoCandidateError, "no-solution"),
        ("/usr/bin/python3: No module named pip", NoCandidateError, "no-pip"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            DiskError,
            "disk-full",
        ),
        ("useradd: UID 10001 is not unique", BuildError, "image-build-failed"),
    ],
)
def test_the_cause_is_named(words: str, kind: type[SparkError], reference: str) -> None:
    error = build_failure(words + FAILED, doing="building the image on x", engine="docker")
    assert type(error) is kind
    assert error.reference == reference
    assert error.message.startswith("building the image on x: ")
    assert error.hint


@pytest.mark.parametrize(("python", "hint"), [("3.11", "--python 3.11"), ("3.13", "--image")])
def test_a_python_that_there_are_pins_for_is_named(python: str, hint: str) -> None:
    words = f"kokoro-spark: python-mismatch: the base image has Python {python} on x86_64; pins: kokoro-x86_64-cp312"
    assert hint in build_failure(words, doing="building", engine="docker").hint


def test_credentials_are_taken_out() -> None:
    words = "Looking in indexes: https://user:secret@mirror.example/simple\n401 Client Error: Unauthorized"
    assert "secret" not in str(build_failure(words, doing="building", engine="docker"))


def test_a_client_that_was_killed() -> None:
    error = killed(-9, doing="pulling x", engine="docker")
    assert "SIGKILL" in error.message
    assert error.reference == "engine-killed"
