"""What stands against a container, on machines that are made up."""

from __future__ import annotations

import dataclasses

from scripts.home import CONSTRAINTS
from scripts.model.facts import DiskFacts, EngineFacts, Facts
from scripts.strategies.images import load_images
from scripts.strategies.ngc import Ngc, engine_gives_gpu, engine_works
from tests.support.machines import GIB, MAC, OLD_DRIVER, PC, PC_TARGET, SPARK, SPARK_TARGET

IMAGES = load_images(CONSTRAINTS / "images.toml")
NGC = Ngc(IMAGES)
DOCKER = EngineFacts(name="docker", client_version="28.2.2", server_version="28.2.2", nvidia_runtime=True)
DOWN = dataclasses.replace(
    DOCKER, server_version=None, nvidia_runtime=False, problem="the docker daemon is not running", remedy="start it"
)
PODMAN = EngineFacts(name="podman", client_version="5.4.0", server_version="5.4.0", nvidia_runtime=False)
DISK = DiskFacts(path="/data", total=500 * GIB, free=200 * GIB, writable=True)


def machine(facts: Facts, *engines: EngineFacts, disk: DiskFacts = DISK) -> Facts:
    return dataclasses.replace(facts, engines=engines, disk=disk)


def reasons(facts: Facts) -> str:
    return "\n".join(f"{one.reason} -> {one.hint}" for one in NGC.reservations(facts))


def test_nothing_stands_against_a_spark_with_docker() -> None:
    facts = machine(SPARK, DOCKER)
    assert NGC.blockers(facts, SPARK_TARGET) == ()
    assert NGC.reservations(facts) == ()


def test_a_missing_engine_is_a_reservation_so_that_naming_ngc_gives_the_engines_own_error() -> None:
    facts = machine(SPARK)
    assert NGC.blockers(facts, SPARK_TARGET) == ()
    assert "there is no container engine here -> install docker or podman" in reasons(facts)


def test_every_engine_that_does_not_work_says_why() -> None:
    broken = dataclasses.replace(PODMAN, problem="it said: no", remedy="look")
    told = engine_works((DOWN, broken))
    assert [one.reason for one in told] == ["docker: the docker daemon is not running", "podman: it said: no"]
    assert told[0].hint == "start it"


def test_one_engine_that_works_is_enough() -> None:
    assert engine_works((DOWN, PODMAN)) == ()


def test_an_engine_without_nvidias_runtime() -> None:
    plain = dataclasses.replace(DOCKER, nvidia_runtime=False)
    assert "nvidia-ctk runtime configure --runtime=docker" in reasons(machine(SPARK, plain))
    (told,) = engine_gives_gpu((PODMAN,))
    assert "nvidia-ctk cdi generate" in told.hint


def test_the_engine_that_would_give_the_gpu_if_it_were_started_is_named_first() -> None:
    down, told = engine_gives_gpu((DOWN, PODMAN))
    assert (down.reason, down.hint) == ("docker: the docker daemon is not running", "start it")
    assert "nvidia-ctk cdi generate" in told.hint


def test_without_a_gpu_the_runtime_is_not_asked_for() -> None:
    told = reasons(machine(PC, dataclasses.replace(DOCKER, nvidia_runtime=False)))
    assert "no NVIDIA GPU" in told
    assert "runtime" not in told


def test_a_driver_that_is_too_old() -> None:
    assert "older than the build's 13.1" in reasons(machine(OLD_DRIVER, DOCKER))


def test_a_disk_that_is_too_small_says_how_it_is_known() -> None:
    told = reasons(machine(SPARK, DOCKER, disk=dataclasses.replace(DISK, free=20 * 10**9)))
    assert "needs about 25 GB of disk (estimated), and 20 GB are free at /data" in told


def test_a_system_that_is_not_linux_is_blocked() -> None:
    (told,) = NGC.blockers(MAC, PC_TARGET)
    assert "Darwin" in told.reason


def test_an_image_without_a_build_for_the_platform_is_blocked() -> None:
    rows = tuple(dataclasses.replace(row, platforms=("x86_64",)) for row in IMAGES.tags)
    ngc = Ngc(dataclasses.replace(IMAGES, tags=rows))
    (told,) = ngc.blockers(machine(SPARK, DOCKER), SPARK_TARGET)
    assert "was not built for aarch64" in told.reason
    assert told.hint == "it was for: x86_64"
