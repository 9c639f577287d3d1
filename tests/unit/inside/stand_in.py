"""Stand-ins for kokoro and torch: the probes' own code is tried here, what it computes in the slow tests."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.unit.runtime.test_bridge import STOCK


def install_kokoro(monkeypatch: pytest.MonkeyPatch, source: str = STOCK) -> ModuleType:
    """Make `source` the process's kokoro.istftnet, as its file would be."""
    module = ModuleType("kokoro.istftnet")
    module.__file__ = "kokoro/istftnet.py"
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "kokoro", ModuleType("kokoro"))
    monkeypatch.setitem(sys.modules, "kokoro.istftnet", module)
    return module


def install_torch(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> ModuleType:
    """Make a torch that has these functions, and a TorchFunctionMode that does nothing by itself."""
    torch, overrides = ModuleType("torch"), ModuleType("torch.overrides")
    for name, value in functions.items():
        setattr(torch, name, value)
    overrides.TorchFunctionMode = type("TorchFunctionMode", (), {})  # type: ignore[attr-defined]
    torch.overrides = overrides  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.overrides", overrides)
    return torch
