"""Container engines: docker and podman, and whether they can give a container the GPU."""

from __future__ import annotations

import json
import re
from typing import Any

from scripts.facts.fact import Fact
from scripts.model.facts import EngineFacts

# A daemon that is being started by its socket takes a second or two to answer.
_TIMEOUT = 4.0

CDI_SPECS = tuple(f"{folder}/nvidia.{suffix}" for folder in ("/etc/cdi", "/var/run/cdi") for suffix in ("yaml", "json"))
"""Where nvidia-ctk writes the Container Device Interface's list of GPUs, which podman reads."""

_PROBLEMS = (
    (
        r"permission denied",
        "this user may not talk to the docker daemon",
        "`sudo usermod -aG docker $USER`, then log in again (members of that group are as good as root)",
    ),
    (
        r"Cannot connect to the Docker daemon at (?!unix:)|failed to connect to the docker API at (?!unix:)",
        "the docker daemon elsewhere that DOCKER_HOST or a docker context names does not answer",
        "to use this machine's docker: unset DOCKER_HOST, and `docker context use default`",
    ),
    (
        r"Cannot connect to the Docker daemon|failed to connect to the docker API|no such file or directory",
        "the docker daemon is not running",
        "start it: `sudo systemctl start docker` (and `enable` to keep it so)",
    ),
    (r"no answer within", "it does not answer", "look into it: `sudo systemctl status docker`"),
)


def split_answer(text: str) -> tuple[Any, str]:
    """Part the line of JSON that `--format '{{json ...}}'` prints from the complaints around it."""
    answer: Any = None
    complaints: list[str] = []
    for line in text.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            complaints.append(line)
    return answer, "\n".join(complaints).strip()


def parse_problem(complaint: str) -> tuple[str, str]:
    """Say what is wrong with an engine, and the remedy."""
    for pattern, message, remedy in _PROBLEMS:
        if re.search(pattern, complaint, re.IGNORECASE):
            return message, remedy
    last = complaint.splitlines()[-1] if complaint else "no server answered"
    return f"it said: {last}", "run `docker version` by hand: it must show a server"


def parse_docker(version: str, runtimes: str) -> EngineFacts:
    """Read `docker version` and `docker info`."""
    answer, complaint = split_answer(version)
    server = _version_of(answer, "Server")
    message, remedy = (None, "") if server else parse_problem(complaint)
    known, _ = split_answer(runtimes)
    return EngineFacts(
        name="docker",
        client_version=_version_of(answer, "Client"),
        server_version=server,
        nvidia_runtime=isinstance(known, dict) and "nvidia" in known,
        problem=message,
        remedy=remedy,
    )


def parse_podman(version: str, *, has_cdi: bool) -> EngineFacts:
    """Read `podman version`. It has no daemon: the client is the engine."""
    answer, complaint = split_answer(version)
    client = _version_of(answer, "Client")
    return EngineFacts(
        name="podman",
        client_version=client,
        server_version=_version_of(answer, "Server") or client,
        nvidia_runtime=has_cdi,
        problem=None if client else f"it said: {complaint.splitlines()[-1] if complaint else 'nothing'}",
        remedy="" if client else "run `podman version` by hand",
    )


def _version_of(answer: Any, side: str) -> str | None:
    part = answer.get(side) if isinstance(answer, dict) else None
    version = part.get("Version") if isinstance(part, dict) else None
    return version if isinstance(version, str) and version else None


DOCKER_VERSION = Fact(("docker", "version", "--format", "{{json .}}"), str, timeout=_TIMEOUT)
DOCKER_RUNTIMES = Fact(("docker", "info", "--format", "{{json .Runtimes}}"), str, timeout=_TIMEOUT)
PODMAN_VERSION = Fact(("podman", "version", "--format", "{{json .}}"), str, timeout=_TIMEOUT)
