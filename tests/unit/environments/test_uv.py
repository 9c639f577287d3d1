"""What uv's own words mean, and what of our environment it gets to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.uv import failure, uv_environment
from scripts.errors import BuildError, DiskError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.facts import IndexSettings

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "uv"

FAILURES: dict[str, tuple[type[SparkError], str]] = {
    "absent": (NoCandidateError, "no-solution"),
    "absent-networkx": (NoCandidateError, "no-solution"),
    "build-failure": (BuildError, "build-failed"),
    "cut-wheel": (IntegrityError, "bad-wheel"),
    "disk-full": (DiskError, "disk-full"),
    "disk-full-cache": (DiskError, "disk-full"),
    "disk-full-venv": (DiskError, "disk-full"),
    "dns": (NetworkError, "index-failed"),
    "file-server-error": (NetworkError, "index-failed"),
    "forbidden": (NetworkError, "access-denied"),
    "garbage-wheel": (IntegrityError, "bad-wheel"),
    "hash-mismatch": (IntegrityError, "hash-mismatch"),
    "incompatible": (IntegrityError, "packages-disagree"),
    "misnamed-wheel": (IntegrityError, "bad-wheel"),
    "no-interpreter": (NoCandidateError, "no-python"),
    "no-solution": (NoCandidateError, "no-solution"),
    "no-solution-after-warning": (NoCandidateError, "no-solution"),
    "no-version": (NoCandidateError, "no-solution"),
    "offline": (NetworkError, "offline"),
    "permission-denied": (DiskError, "not-writable"),
    "permission-denied-interpreter": (DiskError, "not-writable"),
    "proxy-authentication": (NetworkError, "access-denied"),
    "read-only": (DiskError, "not-writable"),
    "refused": (NetworkError, "index-failed"),
    "server-error": (NetworkError, "index-failed"),
    "server-error-retried": (NetworkError, "index-failed"),
    "timed-out": (NetworkError, "index-failed"),
    "tls": (NetworkError, "tls-failed"),
    "too-many-requests": (NetworkError, "index-failed"),
    "truncated": (NetworkError, "index-failed"),
    "unauthorized": (NetworkError, "access-denied"),
    "unavailable": (NetworkError, "index-failed"),
    "unhashed": (IntegrityError, "bad-lock"),
    "wrong-platform": (NoCandidateError, "no-solution"),
}


def test_every_capture_is_in_the_table() -> None:
    assert {path.stem for path in CAPTURES.iterdir()} == set(FAILURES)


@pytest.mark.parametrize("name", FAILURES)
def test_failure(name: str) -> None:
    kind, reference = FAILURES[name]
    words = (CAPTURES / f"{name}.txt").read_text(encoding="utf-8")
    error = failure(words, doing="installing demo")
    assert (type(error), error.reference) == (kind, reference)
    assert error.message.startswith("installing demo: ")
    assert words.splitlines()[-1].rstrip() in error.context
    assert error.hint


@pytest.mark.parametrize("words", ["thread 'main' panicked", "error: something nobody has seen"])
def test_unknown_words_are_shown_as_they_are(words: str) -> None:
    error = failure(words, doing="installing demo")
    assert (type(error), error.reference, error.context) == (BuildError, "uv-failed", words)


def test_silence_is_said() -> None:
    assert failure("", doing="installing demo").context == "uv said nothing"


def test_a_package_named_like_a_cause_is_not_one() -> None:
    words = "error: No solution found\n  cause: Because async-timeout==5.0.500 and networkx==3.429 disagree"
    assert failure(words, doing="x").reference == "no-solution"


def test_bars_and_credentials_are_taken_out() -> None:
    words = "\x1b[2K\x1b[36mtorch\x1b[0m 1%\rtorch 99%\r\nerror: Failed to fetch: https://me:secret@host/simple\r\n"
    error = failure(words, doing="installing demo")
    assert error.context == "torch 99%\nerror: Failed to fetch: https://****@host/simple"


def test_only_the_end_of_much_is_shown() -> None:
    words = "\n".join(f"line {number}" for number in range(100))
    assert failure(words, doing="x").context.splitlines() == [f"line {number}" for number in range(85, 100)]


KEPT = {
    "PATH": "/bin",
    "HOME": "/home/user",
    "HTTPS_PROXY": "http://proxy:8080",
    "SSL_CERT_FILE": "/etc/ca.pem",
    "UV_CACHE_DIR": "/cache",
    "UV_HTTP_TIMEOUT": "60",
    "UV_LINK_MODE": "copy",
    "UV_CONCURRENT_DOWNLOADS": "2",
    "UV_OFFLINE": "1",
}
DROPPED = [
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_NO_BINARY",
    "UV_NO_BUILD_ISOLATION",
    "UV_NO_VERIFY_HASHES",
    "UV_OF_A_LATER_VERSION",
    "UV_OVERRIDE",
    "UV_PRERELEASE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_SKIP_WHEEL_FILENAME_CHECK",
    "UV_SYSTEM_PYTHON",
    "UV_TORCH_BACKEND",
    "UV_VENV_SEED",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
]


def test_uv_sees_only_what_cannot_change_the_plan() -> None:
    environ = KEPT | dict.fromkeys(DROPPED, "https://evil.example/simple")
    assert uv_environment(environ, IndexSettings()) == KEPT


def test_what_pip_was_told_is_carried_over() -> None:
    settings = IndexSettings(
        default_index="https://user:secret@mirror.example/simple",
        environment=(("SSL_CERT_FILE", "/pip/ca.pem"), ("UV_NO_CONFIG", "1")),
    )
    found = uv_environment({"SSL_CERT_FILE": "/etc/ca.pem", "UV_DEFAULT_INDEX": "https://other.example"}, settings)
    assert found == {
        "SSL_CERT_FILE": "/pip/ca.pem",
        "UV_DEFAULT_INDEX": "https://user:secret@mirror.example/simple",
        "UV_NO_CONFIG": "1",
    }
