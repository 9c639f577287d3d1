"""Weights for ONNX Runtime: from the registry, from a path, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, DiskError, IntegrityError, NoCandidateError, SparkError, UsageError
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import ONNX_NAME, WeightsFolder
from scripts.weights import onnx
from scripts.weights.onnx import locate_onnx, obtain_onnx
from scripts.weights.pins import OnnxPins, load_onnx_pins, load_pins
from scripts.weights.request import to_request
from scripts.weights.store import stored, verify_files
from tests.unit.weights.fakes import REGISTRY, Machine, means, sha256

INT8, FLOAT32 = b"onetwo", b"float32"


@pytest.fixture(autouse=True)
def pins(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*, float32: bool) -> OnnxPins:
        model, label = (FLOAT32, "in float32") if float32 else (INT8, "int8")
        return OnnxPins(model_sha256=sha256(model), voices_sha256=REGISTRY.voices_sha256, label=label)

    monkeypatch.setattr(onnx, "load_onnx_pins", small)
    monkeypatch.setattr(onnx, "load_pins", lambda: dataclasses.replace(load_pins(), registry=REGISTRY))


def environment(*, float32: bytes = FLOAT32, fails: dict[str, Any] | None = None) -> Machine:
    """A machine whose environment converts: voices by name, and a model of these bytes where packages are given."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["probe"] == "onnx-weights"
        if fails is not None:
            return {"ok": False, "detail": {}, **fails}
        out, voices = Path(asked["out"]), Path(asked["voices"])
        if asked["packages"] is not None:
            (out / ONNX_NAME).write_bytes(float32)
        for voice in [voices] if voices.is_file() else sorted(voices.iterdir()):
            (out / "voices" / f"{voice.stem}.npy").write_bytes(voice.read_bytes())
        return {"ok": True, "detail": {"voices": [], "inputs": []}}

    return Machine(answer=answer)


def obtain(
    source: str, root: Path, *, run: Machine | None = None, path: Path | None = None, float32: bool = False
) -> WeightsFolder:
    choice = WeightsChoice(source=WeightsSource(source), path=None if path is None else str(path))
    return obtain_onnx(choice, means(root, run=run or environment()), float32=float32)


def refused(source: str, root: Path, **said: Any) -> SparkError:
    with pytest.raises(SparkError) as caught:
        obtain(source, root, **said)
    assert caught.value.hint
    return caught.value


def left(root: Path) -> list[str]:
    weights = root / "data" / "weights"
    return sorted(path.name for path in weights.iterdir()) if weights.exists() else []


@pytest.mark.parametrize("source", ["auto", "registry"])
@pytest.mark.parametrize(("float32", "content"), [(False, INT8), (True, FLOAT32)])
def test_from_the_registry(tmp_path: Path, source: str, content: bytes, *, float32: bool) -> None:
    run = environment()
    found = obtain(source, tmp_path, run=run, float32=float32)
    assert found.is_onnx
    assert found.onnx_model.read_bytes() == content
    assert found.voices == ("af_heart",)
    assert found.source is WeightsSource.REGISTRY
    assert found.record.licences == REGISTRY.licences
    assert found.name.startswith("onnx-")
    assert left(tmp_path) == [found.name]
    assert not (tmp_path / "data" / "cache" / "weights-work").exists()
    assert all(run.pass_fds), "the lock is handed to every child"
    assert obtain(source, tmp_path, run=Machine(uv_fails="not asked"), float32=float32) == found
    assert stored(means(tmp_path).home, found.name) == found
    assert to_request(found) == {
        "kind": "onnx",
        "label": found.label,
        "model": str(found.path / "model.onnx"),
        "voices": str(found.path / "voices"),
    }


def test_both_forms_stand_beside_each_other(tmp_path: Path) -> None:
    names = {obtain("auto", tmp_path, float32=float32).name for float32 in (False, True)}
    assert set(left(tmp_path)) == names
    assert len(names) == 2


def test_damaged_ones_are_fetched_again(tmp_path: Path) -> None:
    found = obtain("auto", tmp_path)
    found.onnx_model.write_bytes(b"shorter")
    again = obtain("auto", tmp_path)
    assert again.onnx_model.read_bytes() == INT8
    verify_files(again)


def test_another_result_of_the_conversion(tmp_path: Path) -> None:
    error = refused("auto", tmp_path, run=environment(float32=b"other"), float32=True)
    assert isinstance(error, IntegrityError)
    assert error.reference == "wrong-content"
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("fails", "kind", "reference"),
    [
        ({"error": "no voices"}, IntegrityError, "wrong-checkpoint"),
        ({"error": "cannot be opened", "detail": {"cause": "model"}}, IntegrityError, "wrong-checkpoint"),
        ({"error": "full", "detail": {"cause": "not-writable"}}, DiskError, "disk-full"),
        ({"error": "KeyError", "detail": {"exception": "KeyError"}}, BrokenError, "environment-failed"),
    ],
)
def test_a_conversion_that_fails(tmp_path: Path, fails: dict[str, Any], kind: type[SparkError], reference: str) -> None:
    error = refused("auto", tmp_path, run=environment(fails=fails))
    assert isinstance(error, kind)
    assert error.reference == reference
    assert left(tmp_path) == []


@pytest.mark.parametrize(("source", "told"), [("hub", "not pinned here"), ("synthetic", "no synthetic weights")])
def test_sources_without_onnx(tmp_path: Path, source: str, told: str) -> None:
    error = refused(source, tmp_path)
    assert isinstance(error, NoCandidateError)
    assert error.reference == "no-onnx-from-there"
    assert told in error.message
    assert left(tmp_path) == []


def own(folder: Path, *, packed: bool = False) -> Path:
    folder.mkdir()
    (folder / "mine.onnx").write_bytes(b"mine")
    if packed:
        (folder / "voices-v1.0.bin").write_bytes(b"all voices")
    else:
        (folder / "voices").mkdir()
        (folder / "voices" / "af_me.npy").write_bytes(b"me")
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("given", [".", "mine.onnx"])
def test_ones_own(tmp_path: Path, given: str, *, packed: bool) -> None:
    folder = own(tmp_path / "own", packed=packed)
    found = obtain("path", tmp_path, path=folder / given)
    assert found.onnx_model.read_bytes() == b"mine"
    assert found.voices == (("voices-v1.0",) if packed else ("af_me",))
    assert found.label.startswith("your own mine.onnx (sha256 ")
    assert found.source is WeightsSource.PATH
    assert obtain("path", tmp_path, path=folder, run=Machine(uv_fails="not asked")) == found


def test_ones_own_that_is_no_kokoro(tmp_path: Path) -> None:
    run = environment(fails={"error": "it takes x"})
    error = refused("path", tmp_path, path=own(tmp_path / "own"), run=run)
    assert error.reference == "wrong-checkpoint"
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("missing", "reference", "told"),
    [("mine.onnx", "no-checkpoint", "none"), ("voices/af_me.npy", "no-voices", "")],
)
def test_a_path_that_is_not_whole(tmp_path: Path, missing: str, reference: str, told: str) -> None:
    folder = own(tmp_path / "own")
    (folder / missing).unlink()
    with pytest.raises(UsageError) as caught:
        locate_onnx(folder)
    assert caught.value.reference == reference
    assert told in caught.value.context
    assert ".npy" in caught.value.hint


def test_two_models_are_one_too_many(tmp_path: Path) -> None:
    folder = own(tmp_path / "own")
    (folder / "other.onnx").touch()
    with pytest.raises(UsageError, match="no folder with one"):
        locate_onnx(folder)


def test_the_pins_of_this_checkout() -> None:
    int8, float32 = (load_onnx_pins(float32=one) for one in (False, True))
    assert int8.model_sha256 == load_pins().registry.onnx_sha256
    assert int8.name != float32.name
    assert "int8" in int8.label
    assert "float32" in float32.label
    assert all("not the hub's" in one.label for one in (int8, float32))
