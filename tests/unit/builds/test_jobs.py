"""How many compilers at once, and what is expected of a build."""

from __future__ import annotations

import dataclasses

import pytest

from scripts.builds.jobs import choose_jobs, forecast, forecast_lines, minutes_words
from scripts.builds.recipe import load_recipe
from scripts.errors import UsageError
from scripts.model.builds import BuildMachine, Jobs
from scripts.model.recipes import Resources

GB = 1_000_000_000
SIX = Resources(memory_per_job_gb=6, disk_gb=10, core_minutes=100)
SPARK = BuildMachine(cpus=20, memory_available=115 * GB)


@pytest.mark.parametrize(
    ("cpus", "free", "count"),
    [(20, 115, 19), (20, 128, 20), (2, 128, 2), (20, 7, 1), (20, 13, 2), (20, 0, 1), (1, 0, 1)],
)
def test_the_scarcer_of_processors_and_memory_decides(cpus: int, free: int, count: int) -> None:
    jobs = choose_jobs(BuildMachine(cpus=cpus, memory_available=free * GB), SIX, None)
    assert jobs.count == count
    assert "6 GB" in jobs.reason
    assert f"{free}.0 GB of free memory" in jobs.reason


def test_a_limit_is_named_by_its_file() -> None:
    machine = dataclasses.replace(SPARK, memory_available=8 * GB, memory_limit_from="memory.max")
    assert "(memory.max)" in choose_jobs(machine, SIX, None).reason


def test_memory_that_is_not_known_is_not_guessed() -> None:
    jobs = choose_jobs(BuildMachine(cpus=4, memory_available=None), SIX, None)
    assert jobs == Jobs(count=4, reason="4 processors; free memory is not known")


def test_what_is_asked_for_is_taken() -> None:
    assert choose_jobs(BuildMachine(cpus=1, memory_available=0), SIX, 7).count == 7


@pytest.mark.parametrize("wanted", [0, -1])
def test_no_jobs_are_refused(wanted: int) -> None:
    with pytest.raises(UsageError) as caught:
        choose_jobs(SPARK, SIX, wanted)
    assert caught.value.reference == "bad-jobs"


def test_more_jobs_than_processors_are_no_faster() -> None:
    recipe = dataclasses.replace(load_recipe("torch-lean"), resources=SIX)
    assert forecast(recipe, Jobs(count=10, reason=""), SPARK).minutes == 10
    assert forecast(recipe, Jobs(count=40, reason=""), SPARK).minutes == 5
    assert forecast(recipe, Jobs(count=10, reason=""), SPARK).memory_gb == 61


def test_a_forecast_says_that_it_is_one_and_where_it_is_from() -> None:
    recipe = load_recipe("torch-lean")
    said = forecast_lines(forecast(recipe, choose_jobs(SPARK, recipe.resources, None), SPARK))
    assert said[0].startswith("expected: ")
    assert recipe.resources.basis in said[-1]


@pytest.mark.parametrize(
    ("minutes", "words"), [(0.4, "under a minute"), (12, "12 min"), (60, "1 h 00 min"), (110, "1 h 50 min")]
)
def test_minutes_in_words(minutes: float, words: str) -> None:
    assert minutes_words(minutes) == words
