"""The hook in a real environment's interpreter: what a start costs, what it leaves alone, what it says."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from scripts.facts.tools import find_uv
from scripts.model.facts import Interpreter
from scripts.model.hook import HOOK_FILE, HOOK_SWITCH, HOOK_TEXT
from scripts.shell import Completed, run
from scripts.wheels.made import runtime_wheel
from tests.unit.runtime.test_bridge import STOCK

pytestmark = pytest.mark.integration

IMPORT = "import sys, kokoro.istftnet; from kokoro_spark import bridge; print(bridge.is_active())"
COSTLY = ("torch", "kokoro", "typing", "json", "hashlib", "inspect", "importlib.metadata", "kokoro_spark.bridge")
"""What is not to be imported by a start of the interpreter."""


@pytest.fixture
def site(tmp_path: Path, interpreter: Interpreter) -> Path:
    """Give the site-packages of an environment with kokoro_spark as we make it, and a Kokoro that it knows."""
    venv = tmp_path / "venv"
    made = run([find_uv(), "--no-config", "venv", "--quiet", "--python", interpreter.path, str(venv)])
    assert made.ok, made.stderr
    (found,) = (venv / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(runtime_wheel().write(tmp_path)) as wheel:
        wheel.extractall(found)
    (found / "kokoro").mkdir()
    (found / "kokoro" / "__init__.py").write_text("")
    (found / "kokoro" / "istftnet.py").write_text(STOCK)
    known = found / "kokoro_spark" / "known_sources.json"
    content = json.loads(known.read_text())
    content["sources"][hashlib.sha256(STOCK.encode()).hexdigest()] = "0.9.4"
    known.write_text(json.dumps(content))
    (found / HOOK_FILE).write_text(HOOK_TEXT)
    return found


def python(site: Path, *arguments: str, **variables: str) -> Completed:
    executable = site.parent.parent.parent / "bin" / "python"
    return run([str(executable), *arguments], env={"PATH": "/usr/bin:/bin", **variables}, cwd=site)


@pytest.mark.parametrize("options", [(), ("-I",), ("-E",), ("-s",)])
def test_the_bridge_is_there_for_whoever_imports_kokoro(site: Path, options: tuple[str, ...]) -> None:
    done = python(site, *options, "-c", IMPORT)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_without_site_there_is_no_hook(site: Path) -> None:
    words = f"import sys; sys.path.insert(0, {str(site)!r}); {IMPORT}"
    assert python(site, "-S", "-c", words).stdout == "False\n"


def test_a_start_imports_next_to_nothing(site: Path) -> None:
    names = python(site, "-I", "-c", "import sys; print(*sys.modules)").stdout.split()
    assert "kokoro_spark.hook" in names
    (site / HOOK_FILE).unlink()
    before = python(site, "-I", "-c", "import sys; print(*sys.modules)").stdout.split()
    assert sorted(set(COSTLY) & (set(names) - set(before))) == []


def test_switched_off_by_a_variable(site: Path) -> None:
    assert python(site, "-c", IMPORT, **{HOOK_SWITCH: "off"}).stdout == "False\n"


def test_an_unknown_kokoro_is_told_in_one_line(site: Path) -> None:
    (site / "kokoro" / "istftnet.py").write_text(STOCK + "\n# another\n")
    done = python(site, "-c", IMPORT)
    assert done.stdout == "False\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith("kokoro_spark: the bridge is not enabled: kokoro (version unknown) has an istftnet.py")


def test_a_damaged_kokoro_spark_breaks_no_interpreter(site: Path) -> None:
    (site / "kokoro_spark" / "bridge.py").write_text("raise OSError('damaged')\n")
    done = python(site, "-c", "import kokoro.istftnet; print('alive')")
    assert done.stdout == "alive\n"
    (line,) = done.stderr.splitlines()
    assert "OSError: damaged" in line
    (site / "kokoro_spark" / "hook.py").unlink()
    done = python(site, "-c", "import kokoro.istftnet; print('alive')")
    assert (done.ok, done.stdout) == (True, "alive\n"), "Python itself reports such a .pth file, and goes on"


def test_the_stock_probes_switch_it_off(site: Path) -> None:
    """As verify's `kokoro.stock.*` do, in a process that the hook has bridged."""
    checkout = str(Path(__file__).parent.parent.parent)
    words = (
        f"import sys; sys.path.insert(0, {checkout!r}); import kokoro.istftnet; "
        "from scripts.inside.modes import prepare; "
        "from kokoro_spark import bridge; detail = {}; before = bridge.is_active(); prepare('stock', detail); "
        "print(before, bridge.is_active(), detail['hook'], detail['stft']['inverse'])"
    )
    done = python(site, "-I", "-c", words)
    assert done.stdout == "True False switched off kokoro.istftnet\n", done.stderr
