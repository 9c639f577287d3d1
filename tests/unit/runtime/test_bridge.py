"""The bridge on a stand-in for kokoro.istftnet. What it computes is tested with the real one (tests/slow)."""

from __future__ import annotations

import importlib.util
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from scripts.runtime import __version__, bridge

STOCK = """
import types
torch = types.SimpleNamespace()

class TorchSTFT:
    def transform(self, input_data):
        forward_transform = torch.stft(
            input_data, self.filter_length, self.hop_length, self.win_length,
            window=self.window.to(input_data.device), return_complex=True)
        return torch.abs(forward_transform), torch.angle(forward_transform)

    def inverse(self, magnitude, phase):
        inverse_transform = torch.istft(
            magnitude * torch.exp(phase * 1j), self.filter_length, self.hop_length, self.win_length,
            window=self.window.to(magnitude.device))
        return inverse_transform.unsqueeze(-2)
"""


def install(source: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Make `source` the process's kokoro.istftnet."""
    package, module = ModuleType("kokoro"), ModuleType("kokoro.istftnet")
    exec(compile(source, "kokoro/istftnet.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "kokoro", package)
    monkeypatch.setitem(sys.modules, "kokoro.istftnet", module)
    return module


@pytest.fixture
def stft(monkeypatch: pytest.MonkeyPatch) -> Any:
    return install(STOCK, monkeypatch).TorchSTFT


def test_it_covers_both_methods_and_gives_them_back(stft: Any) -> None:
    stock = (stft.transform, stft.inverse)
    instance = stft()
    assert not bridge.is_active()
    bridge.enable()
    assert bridge.is_active()
    assert stft.transform is not stock[0]
    assert stft.inverse is not stock[1]
    assert instance.transform.__func__ is stft.transform, "a model that is loaded already is bridged too"
    bridge.disable()
    assert (stft.transform, stft.inverse) == stock
    assert not bridge.is_active()


def test_enabling_and_disabling_twice_is_once(stft: Any) -> None:
    stock = stft.transform
    bridge.enable()
    bridged = stft.transform
    bridge.enable()
    assert stft.transform is bridged
    bridge.disable()
    bridge.disable()
    assert stft.transform is stock


def test_status(stft: Any) -> None:
    assert bridge.status()["covers"] == []
    bridge.enable()
    assert bridge.status() == {
        "active": True,
        "covers": ["transform", "inverse"],
        "bridge": __version__,
        "kokoro": bridge.status()["kokoro"],
    }
    bridge.disable()


def test_a_patch_of_transform_alone_is_not_active_and_is_completed(stft: Any) -> None:
    inverse = stft.inverse
    bridge.enable()
    stft.inverse = inverse
    assert bridge.status()["covers"] == ["transform"]
    assert not bridge.is_active()
    bridge.enable()
    assert bridge.is_active()
    assert stft.inverse is not inverse
    bridge.disable()


def test_the_installed_copy_and_the_checkout_s_know_each_other(stft: Any) -> None:
    spec = importlib.util.spec_from_file_location("scripts.runtime.other_bridge", bridge.__file__)
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    stock = stft.transform
    bridge.enable()
    assert other.is_active()
    other.enable()
    other.disable()
    assert stft.transform is stock


def test_somebody_else_s_patch_is_left_alone(stft: Any) -> None:
    bridge.enable()
    theirs = lambda self, input_data: None  # noqa: E731
    stft.transform = theirs
    bridge.disable()
    assert stft.transform is theirs
    assert not hasattr(stft.inverse, "__kokoro_spark_bridge__")


UNKNOWN = {
    "no class": ("TorchSTFT = None", "no class TorchSTFT"),
    "no inverse": (STOCK.replace("def inverse", "def backward"), "no method inverse"),
    "other parameters": (STOCK.replace("magnitude, phase)", "magnitude, phase, length)"), "inverse takes"),
    "other names": (STOCK.replace("torch.abs(", "torch.norm("), "does not use abs"),
    "patched already": (STOCK.replace("torch.exp(phase * 1j)", "torch.polar(magnitude, phase)"), "does not use exp"),
    "other settings": (STOCK.replace("self.win_length", "self.length"), "does not use win_length"),
}


@pytest.mark.parametrize(("source", "said"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_another_shape_is_refused_and_nothing_changes(source: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(source, monkeypatch)
    before = dict(vars(module.TorchSTFT)) if module.TorchSTFT else None
    with pytest.raises(bridge.BridgeError, match=said):
        bridge.enable()
    assert (dict(vars(module.TorchSTFT)) if module.TorchSTFT else None) == before
    assert not bridge.is_active()


def test_asking_does_not_import_kokoro(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kokoro.istftnet", raising=False)
    bridge.disable()
    assert not bridge.is_active()
    assert "kokoro.istftnet" not in sys.modules


def methods_of(source: str) -> dict[str, CodeType]:
    module: dict[str, Any] = {}
    exec(compile(source, "kokoro/istftnet.py", "exec"), module)
    return {name: one.__code__ for name, one in vars(module["TorchSTFT"]).items() if isinstance(one, FunctionType)}


def test_code_alone_tells_whether_it_fits() -> None:
    assert bridge.misfit(methods_of(STOCK)) is None
    assert bridge.misfit({}) == "TorchSTFT has no method transform"
    keyword = STOCK.replace("magnitude, phase)", "magnitude, *, phase, **rest)")
    expected = "TorchSTFT.inverse takes ('self', 'magnitude', 'phase', 'rest'), not ('self', 'magnitude', 'phase')"
    assert bridge.misfit(methods_of(keyword)) == expected


@pytest.mark.parametrize("case", [name for name in UNKNOWN if name != "no class"])
def test_code_and_class_are_judged_alike(case: str) -> None:
    source, said = UNKNOWN[case]
    assert said in str(bridge.misfit(methods_of(source)))
