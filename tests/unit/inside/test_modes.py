from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.inside.bridging import bridged_by_hook
from scripts.inside.failure import ProbeFailure
from scripts.inside.modes import MODES, check, prepare, restore
from scripts.runtime import bridge, hook
from scripts.verification.evidence import ALL_MODES
from tests.unit.inside.stand_in import install_kokoro, install_torch


@pytest.fixture
def stft(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield install_kokoro(monkeypatch).TorchSTFT
    bridge.disable()


def test_both_halves_know_the_same_modes() -> None:
    assert MODES == ALL_MODES


@pytest.mark.parametrize("mode", ["stock", "disable_complex"])
def test_stock_is_left_as_it_is(stft: Any, mode: str) -> None:
    before = dict(vars(stft))
    detail: dict[str, Any] = {}
    prepare(mode, detail)
    assert dict(vars(stft)) == before
    assert detail["bridge"] is None


def test_bridged(stft: Any) -> None:
    detail: dict[str, Any] = {}
    prepare("bridged", detail)
    assert detail["bridge"]["covers"] == ["transform", "inverse"]


def test_the_research_note_patches_transform_alone(stft: Any) -> None:
    inverse = stft.inverse
    detail: dict[str, Any] = {}
    prepare("transform_only", detail)
    assert stft.transform.__module__ == "scripts.inside.research_note"
    assert stft.inverse is inverse
    assert detail["bridge"] is None
    assert detail["stft"]["transform"] == "scripts.inside.research_note"


def test_what_the_research_note_computes(stft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, Any] = {}

    def stft_of(signal: Any, *settings: int, window: Any, return_complex: bool) -> Any:
        calls["stft"] = (signal.name, settings, window, return_complex)
        return SimpleNamespace(real=3.0, imag=4.0)

    install_torch(
        monkeypatch, stft=stft_of, sqrt=lambda value: value**0.5, atan2=lambda imag, real: ("atan2", imag, real)
    )
    prepare("transform_only", {})
    one = stft()
    one.filter_length, one.hop_length, one.win_length = 20, 5, 20
    one.window = SimpleNamespace(to=lambda device: f"window on {device}")
    assert one.transform(SimpleNamespace(name="x", device="cuda:0")) == (5.0, ("atan2", 4.0, 3.0))
    assert calls["stft"] == ("x", (20, 5, 20), "window on cuda:0", True)


def patch(stft: Any, *names: str) -> None:
    for name in names:
        setattr(stft, name, lambda self, *values: values)


@pytest.mark.parametrize(
    ("mode", "patched", "said"),
    [
        ("stock", ("transform",), "TorchSTFT.transform is not kokoro's own"),
        ("disable_complex", ("inverse",), "where the stock code was to be judged"),
        ("transform_only", ("transform",), "TorchSTFT.transform is not kokoro's own"),
        ("transform_only", ("transform", "inverse"), "TorchSTFT.transform and inverse is not kokoro's own"),
        ("bridged", ("inverse",), "the bridge does not know kokoro"),
    ],
)
def test_anothers_patch_is_refused(stft: Any, mode: str, patched: tuple[str, ...], said: str) -> None:
    patch(stft, *patched)
    with pytest.raises(ProbeFailure, match=said) as caught:
        prepare(mode, {})
    assert caught.value.detail["cause"] == "bridge"


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("bridged", "the bridge does not cover TorchSTFT.transform and inverse"),
        ("transform_only", "the research note's patch does not cover TorchSTFT.transform"),
    ],
)
def test_a_patch_that_is_not_there_is_refused(stft: Any, mode: str, said: str) -> None:
    with pytest.raises(ProbeFailure, match=said):
        check(mode, {})


def test_a_patch_of_inverse_under_the_notes_is_refused(stft: Any) -> None:
    prepare("transform_only", {})
    patch(stft, "inverse")
    with pytest.raises(ProbeFailure, match=r"where TorchSTFT\.inverse was to be judged"):
        check("transform_only", {})


@pytest.mark.parametrize("mode", ["stock", "bridged", "disable_complex", "transform_only"])
def test_a_mode_can_be_taken_away_again(stft: Any, mode: str) -> None:
    before = dict(vars(stft))
    prepare(mode, {})
    restore(mode)
    assert dict(vars(stft)) == before
    prepare("stock", {})


@pytest.fixture
def hooked(stft: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The environment's hook, which has enabled the bridge, as its .pth file would have brought it."""
    finder = hook.BridgeFinder()
    finder.bridged = True
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.setitem(sys.modules, "kokoro_spark.hook", hook)
    bridge.enable()
    return stft


@pytest.mark.parametrize("mode", ["stock", "disable_complex", "transform_only", "bridged"])
def test_the_hook_is_switched_off_and_reported(hooked: Any, mode: str) -> None:
    detail: dict[str, Any] = {}
    prepare(mode, detail)
    assert detail["hook"] == "switched off"
    assert hook.status()["installed"] is False
    assert bridge.is_active() is (mode == "bridged")


def test_what_the_hook_did_is_known_without_importing_it(hooked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bridged_by_hook()
    prepare("stock", {})
    assert not bridged_by_hook()
    monkeypatch.delitem(sys.modules, "kokoro_spark.hook")
    assert not bridged_by_hook()


def test_anothers_bridge_is_refused_as_ever(hooked: Any) -> None:
    assert isinstance(sys.meta_path[0], hook.BridgeFinder)
    sys.meta_path[0].bridged = False  # the application, or another's .pth file, enabled it
    with pytest.raises(ProbeFailure, match="a patch is active where the stock code was to be judged"):
        prepare("stock", {})


def test_where_there_is_no_hook_nothing_is_said_of_it(stft: Any) -> None:
    detail: dict[str, Any] = {}
    prepare("stock", detail)
    assert "hook" not in detail
