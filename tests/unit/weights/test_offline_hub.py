"""Our weights in the shape of the hub's cache, as huggingface_hub reads one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import DiskError
from scripts.home import Home
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME, ONNX_NAME, WeightsFolder
from scripts.weights.offline_hub import hub_variables, offline_hub, revision_of
from scripts.weights.pins import load_pins
from scripts.weights.store import publish, staging

REPOSITORY = "models--hexgrad--Kokoro-82M"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data")


def make(home: Home, name: str = "registry-1234", **changes: object) -> WeightsFolder:
    folder = staging(home, name)
    for file in (CHECKPOINT_NAME, CONFIG_NAME, ONNX_NAME, "voices/af_heart.pt"):
        (folder / file).write_text(file)
    values = {"source": WeightsSource.REGISTRY, "label": "int8-derived", "licences": (), **changes}
    return publish(home, name, **values)  # type: ignore[arg-type]


def test_it_is_where_the_library_looks(home: Home) -> None:
    """huggingface_hub: refs/main names a revision, and snapshots/REVISION has the files."""
    weights = make(home)
    hub = offline_hub(home, weights)
    revision = (hub / REPOSITORY / "refs" / "main").read_text()
    snapshot = hub / REPOSITORY / "snapshots" / revision
    for name in (CHECKPOINT_NAME, CONFIG_NAME, "voices/af_heart.pt"):
        assert (snapshot / name).is_symlink()
        assert (snapshot / name).samefile(weights.path / name)
    assert "int8-derived" in (hub / "ABOUT.txt").read_text()
    assert [path.name for path in hub.parent.iterdir()] == [weights.name]


def test_what_is_not_the_hubs_has_none_of_the_hubs_revisions(home: Home) -> None:
    assert revision_of(make(home)) == "registry-1234"
    assert revision_of(make(home, "hub-1234", source=WeightsSource.HUB)) == load_pins().hub.revision


def test_it_is_made_once(home: Home) -> None:
    weights = make(home)
    before = offline_hub(home, weights).stat().st_ino
    assert offline_hub(home, weights).stat().st_ino == before


@pytest.mark.parametrize("harm", ["refs/main", f"snapshots/registry-1234/{CONFIG_NAME}"])
def test_what_is_not_whole_is_made_anew(home: Home, harm: str) -> None:
    weights = make(home)
    path = offline_hub(home, weights) / REPOSITORY / harm
    path.unlink()
    path.write_bytes(b"\xff")
    offline_hub(home, weights)
    assert path.is_symlink() or path.read_text() == "registry-1234"


def test_a_data_root_that_was_moved(home: Home, tmp_path: Path) -> None:
    offline_hub(home, make(home))
    home.root.rename(tmp_path / "moved")
    moved = Home(tmp_path / "moved")
    weights = make(moved, "registry-5678")
    hub = offline_hub(moved, weights)
    found = next(hub.glob(f"{REPOSITORY}/snapshots/*/{CHECKPOINT_NAME}"))
    assert found.resolve().is_relative_to(moved.root)


def test_where_nothing_can_be_written(home: Home) -> None:
    weights = make(home)
    home.cache.write_text("a file in its place")
    with pytest.raises(DiskError):
        offline_hub(home, weights)


def test_the_variables(home: Home) -> None:
    weights = make(home)
    hub = str(home.cache / "hub" / weights.name)
    assert hub_variables({}, home, weights) == {"HF_HUB_CACHE": hub, "HF_HUB_OFFLINE": "1"}
    assert hub_variables({"HF_HUB_OFFLINE": "1", "HF_HOME": ""}, home, weights)["HF_HUB_CACHE"] == hub


@pytest.mark.parametrize(
    "environ",
    [{"HF_HUB_CACHE": "/x"}, {"HF_HOME": "/x"}, {"HUGGINGFACE_HUB_CACHE": "/x"}, {"HF_HUB_OFFLINE": "0"}],
    ids=str,
)
def test_what_the_user_chose_stays(home: Home, environ: dict[str, str]) -> None:
    assert hub_variables(environ, home, make(home)) == {}
    assert not home.cache.exists()


def test_weights_for_onnx_runtime_are_no_checkpoint(home: Home) -> None:
    weights = make(home, model=(ONNX_NAME, CONFIG_NAME))
    assert weights.is_onnx
    assert hub_variables({}, home, weights) == {}
