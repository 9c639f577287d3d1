from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts.facts.engine import parse_docker, parse_podman, split_answer
from scripts.model.facts import EngineFacts

Capture = Callable[[str], str]


@pytest.mark.parametrize(
    ("version", "runtimes", "server", "nvidia", "problem"),
    [
        ("docker-up", "runtimes-nvidia", "28.3.3", True, None),
        ("docker-up", "runtimes-plain", "28.3.3", False, None),
        ("docker-down", "runtimes-down", None, False, "not running"),
        ("docker-down-29", "runtimes-down", None, False, "not running"),
        ("docker-denied", "runtimes-down", None, False, "may not talk"),
    ],
)
def test_docker(
    capture: Capture, *, version: str, runtimes: str, server: str | None, nvidia: bool, problem: str | None
) -> None:
    facts = parse_docker(capture(f"engines/{version}.txt"), capture(f"engines/{runtimes}.txt"))
    assert (facts.server_version, facts.nvidia_runtime) == (server, nvidia)
    assert facts.client_version is not None
    if problem is None:
        assert (facts.problem, facts.remedy) == (None, "")
    else:
        assert problem in (facts.problem or "")
        assert facts.remedy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"Client":{"Version":"28.2.2"},"Server":null}', "no server answered"),
        ('{"Client":{"Version":"28.2.2"},"Server":null}\nunable to resolve docker endpoint: context "x"', "context"),
        ("no answer within 4 s", "does not answer"),
        ("Cannot connect to the Docker daemon at tcp://127.0.0.1:9. Is the docker daemon running?", "DOCKER_HOST"),
        ("null", "no server answered"),
        ("[]", "no server answered"),
        ('{"Client":"odd","Server":{"Version":7}}', "no server answered"),
    ],
)
def test_docker_that_answers_oddly(text: str, problem: str) -> None:
    facts = parse_docker(text, "")
    assert facts.server_version is None
    assert problem in (facts.problem or "")


@pytest.mark.parametrize("has_cdi", [True, False])
def test_podman_is_its_own_server(capture: Capture, *, has_cdi: bool) -> None:
    assert parse_podman(capture("engines/podman.txt"), has_cdi=has_cdi) == EngineFacts(
        name="podman", client_version="4.9.3", server_version="4.9.3", nvidia_runtime=has_cdi
    )


def test_podman_that_fails(capture: Capture) -> None:
    facts = parse_podman(capture("engines/podman-broken.txt"), has_cdi=False)
    assert facts.server_version is None
    assert "permission denied" in (facts.problem or "")


def test_split_answer_parts_json_from_complaints() -> None:
    assert split_answer('{"a":1}\nWARNING: odd\n') == ({"a": 1}, "WARNING: odd")
    assert split_answer("") == (None, "")
