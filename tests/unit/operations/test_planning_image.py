"""The plan of a container: which pins, which engine, and what its digest is over."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.environments.image import build_step, image_tag, is_image
from scripts.errors import EngineError, ExitCode, NoCandidateError, SparkError, UsageError
from scripts.model.facts import EngineFacts, Facts
from scripts.model.plan import BuildImage, InstallMade, Plan, Request
from scripts.model.target import PythonVersion
from scripts.operations import planning_image
from scripts.operations.planning import make_plan
from scripts.operations.planning_image import plan_image
from scripts.operations.site import Site
from tests.support.contexts import context
from tests.support.machines import PC, PC_TARGET, SPARK, SPARK_TARGET, spark

DOCKER = EngineFacts(name="docker", client_version="28.2.2", server_version="28.2.2", nvidia_runtime=True)
DOWN = dataclasses.replace(DOCKER, server_version=None, problem="the docker daemon is not running", remedy="start it")
PODMAN = EngineFacts(name="podman", client_version="5.4.0", server_version="5.4.0", nvidia_runtime=False)


def planned(
    folder: Path, facts: Facts = PC, *, engines: tuple[EngineFacts, ...] = (DOCKER,), **request: object
) -> Plan:
    facts = dataclasses.replace(facts, engines=engines)
    target = SPARK_TARGET if facts.host.architecture == "aarch64" else PC_TARGET
    asked = Request(strategy="ngc", **request)  # type: ignore[arg-type]
    return plan_image(asked, Site(target=target, interpreter=None), context(folder, facts))


def test_the_whole_plan(tmp_path: Path) -> None:
    plan = planned(tmp_path, SPARK)
    assert plan.environment == f"ngc-{plan.digest}"
    assert (plan.strategy, plan.source, plan.image) == ("ngc", "ngc", "nvcr.io/nvidia/pytorch:25.12-py3")
    assert plan.torch.startswith("2.10.0a0")
    assert plan.cuda == "13.1"
    assert [type(step) for step in plan.steps] == [InstallMade, InstallMade, BuildImage]
    step = build_step(plan)
    assert step.lock.name == "constraints/kokoro-aarch64-cp312.txt"
    assert "setuptools==" in step.lock.build_text, "docopt is built from source"
    assert not any(pin.name == "torch" for pin in step.lock.pins)
    assert image_tag(plan) == f"kokoro-spark/ngc:{plan.digest}"
    assert is_image(plan)
    assert "taken by its tag, for no digest is known" in plan.notes[0]
    assert "(estimated)" in plan.notes[0]


def test_what_the_digest_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = planned(tmp_path)
    assert planned(tmp_path, engines=(PODMAN,)).digest == first.digest, "the engine decides no content"
    assert planned(tmp_path, SPARK).digest != first.digest
    assert planned(tmp_path, image="26.09-py3").digest != first.digest
    monkeypatch.setattr(planning_image, "recipe_sha256", lambda: "0" * 64)
    assert planned(tmp_path).digest != first.digest


def test_docker_before_podman_whichever_works(tmp_path: Path) -> None:
    assert build_step(planned(tmp_path, engines=(PODMAN, DOCKER))).engine == "docker"
    assert build_step(planned(tmp_path, engines=(DOWN, PODMAN))).engine == "podman"


def test_an_engine_that_cannot_give_the_gpu_is_told_before_gigabytes_come(tmp_path: Path) -> None:
    without = dataclasses.replace(DOCKER, nvidia_runtime=False)
    told = "docker cannot give a container the GPU: it has no NVIDIA runtime; install nvidia-container-toolkit"
    assert told in "\n".join(planned(tmp_path, spark(), engines=(without,)).notes)
    assert told not in "\n".join(planned(tmp_path, spark()).notes)
    assert told not in "\n".join(planned(tmp_path, PC, engines=(without,)).notes), "there is no GPU to give"


@pytest.mark.parametrize(("engines", "reference"), [((), "no-engine"), ((DOWN,), "engine-down")])
def test_no_engine_asked_for_by_name_is_exit_code_7(
    tmp_path: Path, engines: tuple[EngineFacts, ...], reference: str
) -> None:
    made = context(tmp_path, dataclasses.replace(PC, engines=engines))
    with pytest.raises(EngineError) as told:
        make_plan(Request(strategy="ngc"), made)
    assert told.value.reference == reference
    assert told.value.exit_code is ExitCode.ENGINE


def test_another_machines_plan_needs_no_engine_here(tmp_path: Path) -> None:
    made = context(tmp_path, PC)
    plan = plan_image(Request(strategy="ngc"), Site(target=SPARK_TARGET, interpreter=None), made)
    assert build_step(plan).engine == "docker"


def test_an_image_of_which_nothing_is_known(tmp_path: Path) -> None:
    plan = planned(tmp_path, image="host.example/torch:1")
    assert (plan.torch, plan.cuda, plan.nvrtc) == ("", "", None)
    assert build_step(plan).base == "host.example/torch:1"
    assert "Python 3.12 is assumed, and the build says if it has another" in plan.notes[0]
    older = planned(tmp_path, image="host.example/torch:1", python=PythonVersion(3, 11))
    assert build_step(older).lock.name == "constraints/kokoro-x86_64-cp311.txt"
    assert older.python == PythonVersion(3, 11)


def refused(error: type[SparkError], folder: Path, **request: object) -> SparkError:
    with pytest.raises(error) as told:
        planned(folder, **request)  # type: ignore[arg-type]
    return told.value


def test_another_python_than_the_images_own(tmp_path: Path) -> None:
    error = refused(UsageError, tmp_path, python=PythonVersion(3, 11))
    assert error.reference == "python-mismatch"
    assert refused(UsageError, tmp_path, image="x.example/y:1", python=PythonVersion(3, 13)).reference == (
        "unsupported-python"
    )


@pytest.mark.parametrize(
    "options", [{"torch": "2.9.1"}, {"index": "https://mirror.example"}, {"source": "lane"}, {"nightly": True}]
)
def test_options_of_other_strategies(tmp_path: Path, options: dict[str, object]) -> None:
    assert refused(UsageError, tmp_path, **options).reference == "option-not-for-strategy"


def test_an_image_that_was_not_built_for_the_platform(tmp_path: Path) -> None:
    folder = tmp_path / "constraints"
    folder.mkdir()
    text = (Path(planning_image.__file__).parents[2] / "constraints" / "images.toml").read_text(encoding="utf-8")
    (folder / "images.toml").write_text(text.replace('["aarch64", "x86_64"]', '["aarch64"]'), encoding="utf-8")
    made = context(tmp_path, dataclasses.replace(PC, engines=(DOCKER,)), constraints=folder)
    with pytest.raises(NoCandidateError) as told:
        plan_image(Request(strategy="ngc"), Site(target=PC_TARGET, interpreter=None), made)
    assert told.value.reference == "wrong-architecture"
