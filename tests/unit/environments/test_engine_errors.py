"""What the words of docker and podman mean. `read-...`: as their sources and users have them, not provoked here."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.engine_errors import UNKNOWN, engine_failure, engine_missing
from scripts.errors import BuildError, DiskError, EngineError, ExitCode, NetworkError, NoCandidateError, SparkError

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "engine-failures"

FAILURES: dict[str, tuple[type[SparkError], str]] = {
    "docker-20-full": (DiskError, "disk-full"),
    "docker-20-memlock": (EngineError, "memlock-not-permitted"),
    "docker-20-no-runtime": (EngineError, "no-nvidia-runtime"),
    "docker-20-unknown-runtime": (EngineError, "no-nvidia-runtime"),
    "docker-28-build-failed": (BuildError, "image-build-failed"),
    "docker-28-cdi": (EngineError, "no-nvidia-runtime"),
    "docker-28-denied": (EngineError, "engine-not-permitted"),
    "docker-28-down": (EngineError, "engine-down"),
    "docker-28-image-gone": (NoCandidateError, "image-gone"),
    "docker-28-mount": (EngineError, "mount-missing"),
    "docker-28-no-runtime": (EngineError, "no-nvidia-runtime"),
    "docker-28-pull-denied": (EngineError, "pull-refused"),
    "docker-28-pull-unreachable": (NetworkError, "registry-unreachable"),
    "docker-28-unknown-runtime": (EngineError, "no-nvidia-runtime"),
    "podman-4-image-gone": (NoCandidateError, "image-gone"),
    "podman-4-limit": (EngineError, "limit-not-permitted"),
    "podman-4-mount": (EngineError, "mount-missing"),
    "podman-4-no-runtime": (EngineError, "no-nvidia-runtime"),
    "podman-4-pull-denied": (EngineError, "pull-refused"),
    "podman-4-pull-unreachable": (NetworkError, "registry-unreachable"),
    "read-crun-exec-format": (NoCandidateError, "wrong-architecture"),
    "read-crun-memlock": (EngineError, "memlock-not-permitted"),
    "read-docker-29-down": (EngineError, "engine-down"),
    "read-docker-cdi": (EngineError, "no-nvidia-runtime"),
    "read-docker-exec-format": (NoCandidateError, "wrong-architecture"),
    "read-docker-manifest-unknown": (NoCandidateError, "no-such-tag"),
    "read-docker-no-manifest": (NoCandidateError, "wrong-architecture"),
    "read-docker-pull-denied": (EngineError, "pull-refused"),
    "read-docker-tls": (NetworkError, "tls-failed"),
    "read-docker-unauthorized": (EngineError, "pull-refused"),
    "read-nvidia-cli": (EngineError, "no-nvidia-runtime"),
    "read-podman-machine": (EngineError, "engine-down"),
    "read-podman-manifest-unknown": (NoCandidateError, "no-such-tag"),
}


def test_every_capture_is_in_the_table() -> None:
    assert {path.stem for path in CAPTURES.iterdir()} == set(FAILURES)


@pytest.mark.parametrize("name", FAILURES)
def test_failure(name: str) -> None:
    kind, reference = FAILURES[name]
    words = (CAPTURES / f"{name}.txt").read_text(encoding="utf-8")
    error = engine_failure(words, doing="pulling the base image", engine="docker")
    assert (type(error), error.reference) == (kind, reference)
    assert error.message.startswith("pulling the base image: ")
    assert error.hint
    assert error.context
    assert "{engine}" not in error.message + error.hint
    assert "docker run --help" not in error.context


def test_credentials_are_taken_out() -> None:
    words = "step failed: https://reader:secret@index.example/simple?token=abc"
    error = engine_failure(words, doing="building", engine="podman")
    assert error.reference == UNKNOWN
    assert "secret" not in str(error)
    assert "abc" not in str(error)


def test_silence_is_an_error_too() -> None:
    error = engine_failure("", doing="building", engine="podman")
    assert (error.exit_code, error.context) == (ExitCode.ENGINE, "podman said nothing")


def test_only_the_last_lines_are_shown_as_a_terminal_would() -> None:
    words = "".join(f"line {number}\n" for number in range(100)) + "10%\r20%\rdone\n"
    context = engine_failure(words, doing="building", engine="docker").context.splitlines()
    assert len(context) == 15
    assert context[-2:] == ["line 99", "done"]


def test_a_program_without_the_right_to_run_is_no_refused_pull() -> None:
    words = 'docker: Error response from daemon: ... exec: "/tmp": permission denied: unknown'
    assert engine_failure(words, doing="running", engine="docker").reference == UNKNOWN


def test_a_missing_engine_has_a_remedy() -> None:
    error = engine_missing("podman", doing="running python")
    assert (error.reference, error.exit_code) == ("engine-missing", ExitCode.ENGINE)
    assert "podman" in error.hint
