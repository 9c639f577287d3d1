"""The hook on a made-up package `kokoro`, imported from a folder as an application would import it."""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.home import CONSTRAINTS
from scripts.model.hook import HOOK_SWITCH, HOOK_TEXT
from scripts.runtime import bridge, hook
from tests.unit.runtime.test_bridge import STOCK

OTHER = STOCK + "\nVERSION = 2\n"


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process without Kokoro and without the hook, before and after."""
    monkeypatch.delenv(HOOK_SWITCH, raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in ("kokoro", "kokoro.istftnet"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    bridge.disable()
    for name in ("kokoro", "kokoro.istftnet"):
        sys.modules.pop(name, None)


@pytest.fixture
def kokoro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the source file of a `kokoro` that is known to the hook."""
    package = tmp_path / "kokoro"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = package / "istftnet.py"
    source.write_text(STOCK)
    known = tmp_path / "known.json"
    known.write_text(json.dumps({"sources": {hashlib.sha256(STOCK.encode()).hexdigest(): "0.9.4"}}))
    monkeypatch.setattr(hook, "_KNOWN", str(known))
    monkeypatch.syspath_prepend(str(tmp_path))
    return source


def import_kokoro() -> None:
    importlib.import_module("kokoro.istftnet")


def test_the_bridge_is_enabled_once_kokoro_is_imported(kokoro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hook.install()
    assert "kokoro" not in sys.modules
    assert hook.status() == {"installed": True, "bridged": False, "switched_off": False}
    import_kokoro()
    assert bridge.is_active()
    assert hook.status()["bridged"]
    assert capsys.readouterr().err == ""
    module = sys.modules["kokoro.istftnet"]
    assert type(module.__loader__) is type(module.__spec__.loader if module.__spec__ else None)
    assert type(module.__loader__).__name__ == "SourceFileLoader"


def test_installing_twice_is_once(kokoro: Path) -> None:
    hook.install()
    before = len(sys.meta_path)
    hook.install()
    assert len(sys.meta_path) == before


def test_other_modules_are_none_of_its_business(tmp_path: Path) -> None:
    hook.install()
    assert hook.BridgeFinder().find_spec("json") is None
    assert hook.BridgeFinder().find_spec("kokoro") is None


def test_kokoro_that_is_reloaded_is_bridged_again(kokoro: Path) -> None:
    hook.install()
    import_kokoro()
    importlib.reload(sys.modules["kokoro.istftnet"])
    assert bridge.is_active()
    assert hook.switch_off()
    assert not bridge.is_active()


def test_kokoro_that_is_not_there_is_missing_as_ever() -> None:
    hook.install()
    with pytest.raises(ModuleNotFoundError, match="kokoro"):
        import_kokoro()


def test_what_kokoro_raises_is_its_own(kokoro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kokoro.write_text("raise ImportError('no torch')")
    hook.install()
    with pytest.raises(ImportError, match="no torch"):
        import_kokoro()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("value", ["off", "OFF", "0", "no", " false "])
def test_a_variable_switches_it_off(kokoro: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(HOOK_SWITCH, value)
    hook.install()
    assert hook.status() == {"installed": False, "bridged": False, "switched_off": True}
    import_kokoro()
    assert not bridge.is_active()


@pytest.mark.parametrize("value", ["", "on", "1"])
def test_other_values_leave_it_on(kokoro: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(HOOK_SWITCH, value)
    hook.install()
    assert hook.status()["installed"]


def test_an_unknown_source_is_left_as_it_is(kokoro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kokoro.write_text(OTHER)
    hook.install()
    import_kokoro()
    assert not bridge.is_active()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kokoro_spark: the bridge is not enabled: kokoro ")
    assert hashlib.sha256(OTHER.encode()).hexdigest() in line
    assert "Install kokoro 0.9.4" in line
    assert "invoke bridge.disable" in line


def test_a_failure_of_ours_is_one_line(
    kokoro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_KNOWN", "absent.json")
    hook.install()
    import_kokoro()
    assert not bridge.is_active()
    (line,) = capsys.readouterr().err.splitlines()
    assert "FileNotFoundError" in line
    assert "Kokoro runs as it is" in line


def test_nobody_to_tell(kokoro: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "_KNOWN", "absent.json")
    monkeypatch.setattr(sys, "stderr", None)
    hook.install()
    import_kokoro()
    assert not bridge.is_active()


def test_switched_off_after_the_import(kokoro: Path) -> None:
    hook.install()
    import_kokoro()
    assert hook.switch_off()
    assert not bridge.is_active()
    assert not hook.switch_off()


def test_switched_off_before_the_import(kokoro: Path) -> None:
    hook.install()
    assert hook.switch_off()
    import_kokoro()
    assert not bridge.is_active()


def test_a_bridge_that_the_application_enabled_stays(kokoro: Path) -> None:
    import_kokoro()
    bridge.enable()
    hook.install()
    assert hook.switch_off()
    assert bridge.is_active()


def test_the_known_source_is_that_of_the_pinned_kokoro() -> None:
    known = json.loads((Path(hook.__file__).parent / "known_sources.json").read_text())
    assert all(len(digest) == 64 for digest in known["sources"])
    pins = [path.read_text() for path in CONSTRAINTS.glob("kokoro-*-cp3*.txt")]
    assert len(pins) == 6
    assert all(any(f"\nkokoro=={version} " in text for version in known["sources"].values()) for text in pins)


def test_the_pth_line_is_one_line_that_python_takes() -> None:
    assert HOOK_TEXT.startswith("import ")
    assert HOOK_TEXT.count("\n") == 1
    assert len(ast.parse(HOOK_TEXT).body) == 2


def test_little_is_imported_at_the_start() -> None:
    """What every start of the interpreter pays for."""
    tree = ast.parse(Path(hook.__file__).read_text())
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    modules = {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert (names, modules) == ({"os", "sys"}, {"__future__"})
