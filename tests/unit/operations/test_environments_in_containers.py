"""The env family on an environment that is an image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.environments.image import BUILD_LABEL, image_tag
from scripts.errors import EngineError
from scripts.model.environment import ContainerRecord, EnvironmentState
from scripts.model.plan import BuildImage
from scripts.operations.context import Context
from scripts.operations.environments import command_line, listing, purge, remove, replace_by, use
from tests.support.contexts import context
from tests.support.machines import PC, SPARK
from tests.support.plans import REST_LOCK, plan, record
from tests.support.scripted import Command, ScriptedRunner

NAME = "ngc-0123456789ab"
BASE = "nvcr.io/nvidia/pytorch:25.12-py3"
STEPS = (BuildImage(engine="docker", base=BASE, recipe_sha256="2" * 64, lock=REST_LOCK),)
PLAN = plan(strategy="ngc", source="ngc", torch="2.10.0", cuda="13.1", steps=STEPS, image=BASE)
CONTAINER = ContainerRecord(
    engine="docker",
    image=image_tag(PLAN),
    image_id="sha256:0123",
    base=BASE,
    base_id="sha256:ba5e",
    torch="2.10.0",
    cuda="13.1",
    python="3.12.3",
)
REMOVED = Command(("docker", "image", "rm", image_tag(PLAN)))


def made(folder: Path, run: ScriptedRunner | None = None, **changes: object) -> Context:
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "docker").touch(mode=0o755)
    environ = {"PATH": str(bin_folder), "OMP_NUM_THREADS": "2", "SECRET": "x", "DOCKER_HOST": "unix:///x"}
    given = context(folder, changes.pop("facts", PC), run=run, environ=environ)  # type: ignore[arg-type]
    values = {"plan": PLAN, "container": CONTAINER, **changes}
    given.store.write(record(NAME, **values))
    return given


def test_it_is_whole_without_an_interpreter_in_its_folder(tmp_path: Path) -> None:
    given = made(tmp_path)
    (one,) = listing(given)
    assert (one.state, one.torch, one.cuda) == ("ready", "2.10.0", "13.1")
    assert use("ngc", given) == NAME
    assert given.store.find_ready(None).name == NAME


def test_one_that_is_being_built_is_not_whole(tmp_path: Path) -> None:
    given = made(tmp_path, state=EnvironmentState.BUILDING, container=None)
    assert given.store.whole(NAME) is None


LEFTOVERS = tuple(
    Command(("docker", kind, "prune", "--force", "--filter", f"label={BUILD_LABEL}={PLAN.digest}"))
    for kind in ("container", "image")
)


def test_removing_takes_the_image_along(tmp_path: Path) -> None:
    run = ScriptedRunner([REMOVED, *LEFTOVERS])
    given = made(tmp_path, run)
    remove(NAME, given)
    assert run.seen == [one.starts for one in (REMOVED, *LEFTOVERS)]
    assert given.store.entries() == ()


def test_a_build_that_was_killed_may_have_left_an_image(tmp_path: Path) -> None:
    run = ScriptedRunner([REMOVED, *LEFTOVERS])
    remove(NAME, made(tmp_path, run, state=EnvironmentState.BUILDING, container=None))
    assert run.seen == [one.starts for one in (REMOVED, *LEFTOVERS)]


@pytest.mark.parametrize("words", ["Cannot connect to the Docker daemon at unix:///x", ""])
def test_an_image_that_cannot_be_removed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    run = ScriptedRunner([Command(REMOVED.starts, err=words, exit=1)] if words else [])
    given = made(tmp_path, run)
    purge(given)
    assert given.store.entries() == ()
    assert f"docker image rm {image_tag(PLAN)}" in capsys.readouterr().err


def test_a_command_runs_in_a_container_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = made(tmp_path, weights="registry-1234")
    started: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *words: started.append(words))
    monkeypatch.chdir(tmp_path)
    replace_by("ngc", ["python", "-c", "print(1)"], given)
    ((program, argv, environ),) = started
    assert program == str(tmp_path / "bin" / "docker")
    assert argv[:2] == ["docker", "run"]
    assert argv[-3:] == ["python", "-c", "print(1)"]
    assert "sha256:0123" in argv, "by its id: a tag can be moved"
    assert argv[argv.index("--workdir") + 1] == str(tmp_path)
    assert argv[argv.index("--network") + 1] == "host"
    given_names = {argv[place + 1] for place, word in enumerate(argv) if word == "--env"}
    assert {"OMP_NUM_THREADS", "HF_HUB_OFFLINE", "KOKORO_SPARK_WEIGHTS"} <= given_names
    assert not {"SECRET", "PATH", "DOCKER_HOST"} & given_names
    assert environ["KOKORO_SPARK_WEIGHTS"] == str(given.home.weights / "registry-1234")
    assert environ["HF_HUB_OFFLINE"] == "1"
    assert "--gpus" not in argv


def test_where_there_is_a_gpu_it_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = made(tmp_path, facts=SPARK)
    _, argv, _ = command_line(given.store.find_ready("ngc"), ["python"], given)
    assert argv[argv.index("--gpus") + 1] == "all"


def test_without_the_engine_that_built_it(tmp_path: Path) -> None:
    given = made(tmp_path)
    (tmp_path / "bin" / "docker").unlink()
    with pytest.raises(EngineError) as told:
        command_line(given.store.find_ready("ngc"), ["python"], given)
    assert told.value.reference == "engine-missing"
