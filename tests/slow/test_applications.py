"""Applications that know nothing of us, and the programs of docs/applications.md, in environments of ours: they speak.

Each environment is a copy of its own, made by `invoke setup` in a data root of its own, so that nobody's is changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.environments.store import Store
from scripts.facts.tools import find_uv
from scripts.home import Home
from scripts.model.environment import EnvironmentRecord
from scripts.model.hook import HOOK_SWITCH
from scripts.model.weights import WeightsFolder
from scripts.operations.context import Context
from scripts.operations.environments import command_environment
from scripts.shell import Completed, run
from scripts.verification.words import word_error_rate
from tests.slow.conftest import FOX, MINUTES, Invoke, Read, document, invoke_in
from tests.support.applications import CLIENT, SERVER, program, requirements, server_command, serving

pytestmark = pytest.mark.slow

IS_BRIDGED = "\nfrom kokoro_spark import bridge\nprint('bridged', bridge.is_active())\n"
Say = Callable[..., Completed]


@pytest.fixture(scope="module")
def home(weights: WeightsFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with an environment, the server in it, and the weights that are here."""
    root = tmp_path_factory.mktemp("applications")
    (root / "weights").mkdir()
    (root / "weights" / weights.name).symlink_to(weights.path)
    made = invoke_in(root)("setup", "--strategy", "cpu", "--weights", str(weights.source), "--no-smoke")
    assert made.ok, made.stderr
    # The venv's folder: its interpreter is a link, and followed it would be the Python that the venv was made of.
    python = Store(Home(root)).find_ready(None).path.resolve() / "bin" / "python"
    assert run([str(python), "-c", "import sys; print(sys.prefix)"]).stdout.strip() == str(python.parent.parent)
    before = run([find_uv(), "--no-config", "pip", "freeze", "--python", str(python)]).stdout.splitlines()
    done = run([find_uv(), "--no-config", "pip", "install", "--no-deps", "--python", str(python), *requirements()])
    assert done.ok, done.stderr
    after = run([find_uv(), "--no-config", "pip", "freeze", "--python", str(python)]).stdout.splitlines()
    assert set(before) <= set(after), "the application replaced what was there"
    return root


@pytest.fixture
def invoke(home: Path) -> Invoke:
    return invoke_in(home)


@pytest.fixture(params=[False, True], ids=["as-it-is", "with-the-hook"])
def hook(request: pytest.FixtureRequest, invoke: Invoke) -> bool:
    """Have the environment carry the hook, or not."""
    task = ("bridge.enable", "--force") if request.param else ("bridge.disable",)
    done = invoke(*task, "--json")
    assert done.ok, done.stderr
    assert document(done)["hook"] is request.param
    return bool(request.param)


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """The variables that env.run gives."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "KOKORO_SPARK_"))}
    context = Context(home=Home(home), environ={**bare, "PYTHONPYCACHEPREFIX": str(home / "bytecode")})
    return command_environment(context.store.find_ready(None), context) | {"OMP_WAIT_POLICY": "PASSIVE"}


def record(home: Path) -> EnvironmentRecord:
    found = Store(Home(home)).find_ready(None).record
    assert found is not None
    return found


def test_the_command_line_speaks(invoke: Invoke, read_back: Read, tmp_path: Path, *, hook: bool) -> None:
    sound = tmp_path / "fox.wav"
    done = invoke("env.run", "--", "kokoro", "--text", FOX, "--output-file", str(sound))
    assert done.ok, done.stderr
    heard = read_back(sound)
    assert word_error_rate(FOX, heard) == 0, heard


def test_the_server_speaks(home: Path, environ: dict[str, str], read_back: Read, tmp_path: Path, *, hook: bool) -> None:
    binaries = Path(environ["VIRTUAL_ENV"]) / "bin"
    address, sound, client = tmp_path / "s", tmp_path / "fox.wav", tmp_path / "client.py"
    client.write_text(program(CLIENT))
    argv = [str(binaries / SERVER), *server_command(Path(environ["KOKORO_SPARK_WEIGHTS"]), "cpu", f"unix://{address}")]
    with serving(argv, address, env=environ, log=tmp_path / "log.txt"):
        asked = [str(binaries / "python"), str(client), f"unix://{address}", str(sound)]
        done = run(asked, env=environ, timeout=3 * MINUTES)
    assert done.ok, done.stderr + (tmp_path / "log.txt").read_text()
    heard = read_back(sound)
    assert word_error_rate(FOX, heard) == 0, heard


@pytest.mark.parametrize(
    "mode", ["stock", "bridge", "bridge, by the hook", "disable_complex", "tuned", "batched"], ids=lambda mode: mode
)
def test_the_programs_of_the_document_speak(
    mode: str, invoke: Invoke, environ: dict[str, str], read_back: Read, tmp_path: Path
) -> None:
    by_hook = mode == "bridge, by the hook"
    assert invoke(*(("bridge.enable", "--force") if by_hook else ("bridge.disable",))).ok
    file = tmp_path / "fox.py"
    file.write_text(program(mode) + IS_BRIDGED)
    python = str(Path(environ["VIRTUAL_ENV"]) / "bin" / "python")
    done = run([python, str(file)], env=environ, cwd=tmp_path, timeout=5 * MINUTES)
    assert done.ok, done.stderr
    assert f"bridged {mode.startswith('bridge')}" in done.stdout
    heard = read_back(tmp_path / "fox.wav")
    assert word_error_rate(FOX, heard) <= (0.12 if mode == "disable_complex" else 0), heard


def test_a_variable_switches_the_hook_off(invoke: Invoke, environ: dict[str, str], tmp_path: Path) -> None:
    assert invoke("bridge.enable", "--force").ok
    python = str(Path(environ["VIRTUAL_ENV"]) / "bin" / "python")
    words = "import kokoro" + IS_BRIDGED
    assert "bridged True" in run([python, "-I", "-c", words], env=environ).stdout
    assert "bridged False" in run([python, "-I", "-c", words], env={**environ, HOOK_SWITCH: "off"}).stdout


def test_it_is_refused_where_nothing_asks_for_it(invoke: Invoke, home: Path) -> None:
    assert invoke("bridge.disable").ok
    refused = invoke("bridge.enable", "--json")
    assert (refused.returncode, document(refused)["error"]) == (2, "bridge-not-needed")
    assert record(home).hook is None


def test_verify_judges_kokoro_as_it_is_and_says_that_the_hook_was_on(
    invoke: Invoke, home: Path, tmp_path: Path
) -> None:
    assert invoke("bridge.enable", "--force").ok
    done = invoke("verify", "--weights", "synthetic", "--report", str(tmp_path / "report"))
    assert done.ok, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    seen = {one["probe"]: one["detail"] for one in report["observations"]}
    assert seen["integrity"]["hook"] is True
    stock = seen["kokoro.stock.cpu"]
    assert (stock["hook"], stock["bridge"]) == ("switched off", None)
    assert set(stock["stft"].values()) == {"kokoro.istftnet"}
    assert "kokoro.stock.cpu" in " ".join(note for note in report["notes"] if "kokoro_spark_bridge.pth" in note)
    assert "was switched off" in (tmp_path / "report" / "report.txt").read_text()
    after = record(home)
    assert (after.hook is not None, after.verdict) == (True, "not-applicable")
    again = invoke("setup", "--strategy", "cpu", "--weights", "none", "--no-smoke", "--json")
    assert document(again)["reused"] is True
    assert record(home).hook is not None, "a setup that finds all as it was leaves it"


def test_without_torch_the_program_of_the_document_speaks(
    weights: WeightsFolder, read_back: Read, tmp_path: Path
) -> None:
    home = Home.find()
    found = [one for one in Store(home).entries() if one.record is not None and one.record.plan.onnxruntime]
    ready = next((one for one in found if not one.problem and one.record and one.record.weights), None)
    if ready is None:
        pytest.skip("no environment of `setup --strategy onnx` is here (tests/slow/test_onnx.py makes one)")
    context = Context()
    environ = command_environment(ready, context) | {"PYTHONDONTWRITEBYTECODE": "1"}
    (tmp_path / "fox.py").write_text(program("onnx"))
    done = run([str(ready.path / "bin" / "python"), "fox.py"], env=environ, cwd=tmp_path, timeout=3 * MINUTES)
    assert done.ok, done.stderr
    assert word_error_rate(FOX, read_back(tmp_path / "fox.wav")) == 0
