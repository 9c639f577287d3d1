"""Where data lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.home import CHECKOUT, CONSTRAINTS, Home


@pytest.mark.parametrize("environ", [{}, {"KOKORO_SPARK_HOME": ""}])
def test_the_checkout_s_own_folder(environ: dict[str, str]) -> None:
    assert Home.find(environ).root == CHECKOUT / ".kokoro-spark"


def test_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/user")
    assert Home.find({"KOKORO_SPARK_HOME": "/data/spark"}).root == Path("/data/spark")
    assert Home.find({"KOKORO_SPARK_HOME": "~/spark"}).root == Path("/home/user/spark")
    assert Home.find({"KOKORO_SPARK_HOME": "spark"}).root == tmp_path / "spark"
    monkeypatch.setenv("KOKORO_SPARK_HOME", "/other")
    assert Home.find().root == Path("/other")


def test_every_place_is_below_the_root_and_none_is_created(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "data")
    places = [home.environments, home.weights, home.cache, home.locks, home.reports]
    assert all(place.parent == home.root for place in places)
    assert len(set(places)) == len(places)
    assert home.current == home.environments / "current"
    assert not home.root.exists()


def test_the_pins_are_in_the_checkout() -> None:
    assert (CONSTRAINTS / "lanes.toml").is_file()
    assert (CHECKOUT / "tasks.py").is_file()
