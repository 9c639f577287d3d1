"""What docker and podman are asked, and which of them is chosen."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.engines import (
    ENGINES,
    Engine,
    ImageFacts,
    Mount,
    choose_engine,
    engine_named,
    in_order,
    mount_option,
    read_image,
)
from scripts.errors import EngineError, UsageError
from scripts.facts.engine import parse_docker, parse_podman
from scripts.model.facts import EngineFacts

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "engines"
EVERY = pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))


def run(engine: Engine, **changed: Any) -> list[str]:
    values: dict[str, Any] = {
        "name": "one",
        "mounts": (),
        "variables": (),
        "gpu": False,
        "workdir": None,
        "user": "1000:1000",
        **changed,
    }
    return engine.run("image:1", ["python", "-c", "print(1)"], **values)


def pairs(argv: list[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(argv))


@EVERY
def test_run_is_removed_offline_and_without_rights(engine: Engine) -> None:
    argv = run(engine)
    assert argv[:2] == [engine.name, "run"]
    assert {"--rm", "--pull=never"} <= set(argv)
    wanted = {("--network", "none"), ("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges"), ("--name", "one")}
    assert wanted <= set(pairs(argv))
    assert ("--user", "1000:1000") in pairs(argv)
    assert "--init" not in argv


@EVERY
def test_the_command_is_not_process_1(engine: Engine) -> None:
    argv = run(engine)
    start = argv.index("--entrypoint")
    assert argv[start : start + 4] == ["--entrypoint", "/bin/sh", "image:1", "-c"]
    assert argv[start + 5 :] == ["sh", "python", "-c", "print(1)"]


@EVERY
def test_variables_are_given_by_name_alone(engine: Engine) -> None:
    assert ("--env", "HF_HUB_OFFLINE") in pairs(run(engine, variables=["HF_HUB_OFFLINE"]))


@EVERY
def test_without_a_gpu_nothing_of_a_gpu_is_asked_for(engine: Engine) -> None:
    assert not {"--gpus", "--device", "--ipc=host", "--ulimit"} & set(run(engine))


def test_a_gpu_with_docker() -> None:
    argv = run(engine_named("docker"), gpu=True)
    assert {("--gpus", "all"), ("--ulimit", "memlock=-1"), ("--ulimit", "stack=67108864")} <= set(pairs(argv))
    assert "--ipc=host" in argv


@pytest.mark.parametrize(("user", "limits"), [("0:0", True), ("1000:1000", False)])
def test_a_gpu_with_podman(user: str, *, limits: bool) -> None:
    argv = run(engine_named("podman"), gpu=True, user=user)
    assert ("--device", "nvidia.com/gpu=all") in pairs(argv)
    assert (("--ulimit", "memlock=-1") in pairs(argv)) is limits
    assert ("--userns=keep-id" in argv) is not limits


@EVERY
def test_interactive_has_a_terminal_and_its_signals(engine: Engine) -> None:
    argv = run(engine, interactive=True, network="bridge", workdir=Path("/w"))
    assert {"--interactive", "--tty"} <= set(argv)
    assert '"$@"; exit $?' in argv, "in the foreground, with the terminal"
    assert {("--network", "bridge"), ("--workdir", "/w")} <= set(pairs(argv))


@EVERY
def test_mounts_have_the_same_path_inside(engine: Engine) -> None:
    mounts = [Mount(folder=Path("/b"), writable=True), Mount(folder=Path("/a"), writable=False)]
    given = [word for option, word in pairs(run(engine, mounts=mounts)) if option == "--mount"]
    assert given == ["type=bind,source=/a,target=/a,readonly", "type=bind,source=/b,target=/b"]


@pytest.mark.parametrize(
    ("folder", "option"),
    [
        ("/a b", "type=bind,source=/a b,target=/a b"),
        ("/a,b", 'type=bind,"source=/a,b","target=/a,b"'),
        ('/a"b', 'type=bind,"source=/a""b","target=/a""b"'),
        ("/a:b", "type=bind,source=/a:b,target=/a:b"),
    ],
)
def test_odd_paths_stay_one_field(folder: str, option: str) -> None:
    assert mount_option(Mount(folder=Path(folder), writable=True)) == option


def test_outer_mounts_come_first_and_each_folder_once() -> None:
    outer, inner = Mount(folder=Path("/a"), writable=False), Mount(folder=Path("/a/b"), writable=True)
    assert in_order([inner, outer, Mount(folder=Path("/a/b"), writable=False)]) == [outer, inner]


@EVERY
def test_build(engine: Engine) -> None:
    argv = engine.build(Path("/c"), dockerfile=Path("/c/F"), tag="t:1", arguments={"BASE": "b:1"}, network="host")
    assert argv[:2] == [engine.name, "build"]
    assert argv[-1] == "/c"
    assert "--force-rm" in argv
    assert {("--file", "/c/F"), ("--tag", "t:1"), ("--build-arg", "BASE=b:1"), ("--network", "host")} <= set(
        pairs(argv)
    )
    plain = engine.build(Path("/c"), dockerfile=Path("/c/F"), tag="t:1", arguments={"PROXY": None}, network=None)
    assert "--network" not in plain
    assert ("--build-arg", "PROXY") in pairs(plain), "its value is the client's"


@EVERY
def test_the_small_commands(engine: Engine) -> None:
    name = engine.name
    assert engine.pull("i") == [name, "pull", "i"]
    assert engine.inspect_image("i") == [name, "image", "inspect", "i"]
    assert engine.kill("c") == [name, "kill", "c"]
    assert engine.remove("c")[:3] == [name, "rm", "--force"]
    assert engine.create("i", name="c")[-1] == "i"
    assert engine.copy_out("c", Path("/x/y"), Path("/f")) == [name, "cp", "c:/x/y", "/f"]
    assert engine.remove_image("i") == [name, "image", "rm", "i"]


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (
            [{"Id": "sha256:ab", "Architecture": "arm64", "Os": "linux", "RepoDigests": ["n@sha256:1"],
              "Config": {"Env": ["A=1"]}}],
            ImageFacts(id="sha256:ab", architecture="arm64", os="linux", digests=("n@sha256:1",)),
        ),
        (
            [{"Id": "ab", "Architecture": "amd64", "Os": "linux", "RepoDigests": None, "Config": None}],
            ImageFacts(id="sha256:ab", architecture="amd64", os="linux", digests=()),
        ),
        ([], None),
        ({}, None),
        ([{"Id": 7}], None),
    ],
)  # fmt: skip
def test_read_image(answer: Any, facts: ImageFacts | None) -> None:
    assert read_image(json.dumps(answer)) == facts


def test_read_image_of_no_json() -> None:
    assert read_image("Error: no such image") is None


def facts(name: str, problem: str | None = None) -> EngineFacts:
    return EngineFacts(
        name=name, client_version="1", server_version=None if problem else "1", nvidia_runtime=False, problem=problem,
        remedy="do this" if problem else "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "wanted", "chosen"),
    [
        ([facts("podman"), facts("docker")], None, "docker"),
        ([facts("podman"), facts("docker", "down")], None, "podman"),
        ([facts("docker"), facts("podman")], "podman", "podman"),
    ],
)
def test_choose(known: list[EngineFacts], wanted: str | None, chosen: str) -> None:
    engine, found = choose_engine(known, wanted)
    assert (engine.name, found.name) == (chosen, chosen)


@pytest.mark.parametrize(
    ("known", "wanted", "reference"),
    [
        ([], None, "no-engine"),
        ([facts("docker")], "podman", "no-engine"),
        ([facts("docker", "the docker daemon is not running")], None, "engine-down"),
    ],
)
def test_choose_none(known: list[EngineFacts], wanted: str | None, reference: str) -> None:
    with pytest.raises(EngineError) as caught:
        choose_engine(known, wanted)
    assert caught.value.reference == reference
    assert caught.value.hint


@pytest.mark.parametrize(
    ("capture", "reference"),
    [("docker-down", "engine-down"), ("docker-down-29", "engine-down"), ("docker-denied", "engine-not-permitted")],
)
def test_the_fact_and_its_remedy_are_what_is_said(capture: str, reference: str) -> None:
    docker = parse_docker((CAPTURES / f"{capture}.txt").read_text(encoding="utf-8"), "null")
    podman = parse_podman((CAPTURES / "podman-broken.txt").read_text(encoding="utf-8"), has_cdi=False)
    with pytest.raises(EngineError) as caught:
        choose_engine([docker, podman])
    assert caught.value.reference == reference
    assert caught.value.hint == docker.remedy
    assert (docker.problem or "?") in caught.value.message
    assert "podman" in caught.value.context


def test_an_unknown_engine() -> None:
    with pytest.raises(UsageError) as caught:
        choose_engine([], "lxc")
    assert caught.value.reference == "unknown-engine"
