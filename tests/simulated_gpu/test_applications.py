"""Two public applications, unmodified, on a SIMULATED GB10 with NVRTC 12.8: they fail, and run with the bridge's hook.

Their weights are random, so what they say is no speech; that they speak is shown on the CPU (tests/slow).
"""

from __future__ import annotations

import shutil
import wave
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.facts.tools import find_uv
from scripts.home import Home
from scripts.model.evidence import Outcome
from scripts.model.hook import HOOK_FILE, HOOK_SWITCH, HOOK_TEXT
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME
from scripts.shell import Completed, run
from scripts.verification.causes import Cause, cause_of
from scripts.verification.gather import Speech
from scripts.weights.offline_hub import hub_variables
from scripts.weights.pins import CONFIG
from scripts.weights.request import to_request
from scripts.weights.store import publish, staging, synthetic
from scripts.wheels.made import made_wheels
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory
from tests.simulated_gpu.gpu import RunningGpu
from tests.simulated_gpu.test_verify import OLDER, REFUSAL
from tests.support.applications import CLIENT, SERVER, program, requirements, server_command, serving

pytestmark = [pytest.mark.simulated, needs.COMPILER, needs.X86]

TEXT = "Hi."
"""Random weights take their time over each phoneme."""
RANDOM = """
import sys, torch
torch.manual_seed(1234)
torch.save({}, sys.argv[1])
torch.save(0.1 * torch.randn(510, 1, 256), sys.argv[2])
"""
"""A checkpoint without parameters: Kokoro then keeps the random ones that it begins with."""
MINUTES = 60.0


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The applications over a torch with NVRTC 12.8, with a GPU that is not there."""

    gpu: RunningGpu
    environ: dict[str, str]
    weights: Path

    @property
    def hook(self) -> Path:
        (site,) = (self.gpu.python.parent.parent / "lib").glob("python*/site-packages")
        return site / HOOK_FILE

    def command_line(self, folder: Path, **variables: str) -> Completed:
        argv = [str(self.gpu.python), "-m", "kokoro", "--text", TEXT, "--output-file", str(folder / "out.wav")]
        return run(argv, env={**self.environ, **variables}, cwd=folder, timeout=5 * MINUTES)

    def server(self, folder: Path) -> Completed:
        address, client = folder / "s", folder / "client.py"
        client.write_text(program(CLIENT).replace("The quick brown fox jumps over the lazy dog.", TEXT))
        program_file = self.gpu.python.parent / SERVER
        argv = [str(program_file), *server_command(self.weights, "cuda", f"unix://{address}")]
        with serving(argv, address, env=self.environ, log=folder / "log.txt"):
            asked = [str(self.gpu.python), str(client), f"unix://{address}", str(folder / "out.wav")]
            return run(asked, env=self.environ, timeout=5 * MINUTES)


@pytest.fixture(scope="module")
def installed(module_gpu: GpuFactory, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    gpu = module_gpu(OLDER)
    folder = tmp_path_factory.mktemp("applications")
    wheels = [str(wheel.write(folder)) for wheel in made_wheels()]
    argv = [find_uv(), "--no-config", "pip", "install", "--quiet", "--no-deps", "--python", str(gpu.python)]
    done = run([*argv, *wheels, *requirements()])
    assert done.ok, done.stderr
    home = Home(folder / "data")
    part = staging(home, "path-random")
    shutil.copyfile(CONFIG, part / CONFIG_NAME)
    files = [str(part / CHECKPOINT_NAME), str(part / "voices" / "af_heart.pt")]
    made = run([str(gpu.python), "-c", RANDOM, *files], env=gpu.environ)
    assert made.ok, made.stderr
    weights = publish(home, "path-random", source=WeightsSource.PATH, label="random weights", licences=())
    kept = {name: value for name, value in gpu.environ.items() if not name.startswith("HF_")}
    environ = {
        **kept,
        **hub_variables(kept, home, weights),
        "PYTORCH_KERNEL_CACHE_PATH": str(folder / "kernels"),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return Installed(gpu=gpu, environ=environ, weights=weights.path)


@pytest.fixture(params=[False, True], ids=["without-the-hook", "with-the-hook"])
def hook(request: pytest.FixtureRequest, installed: Installed) -> bool:
    installed.hook.unlink(missing_ok=True)
    if request.param:
        installed.hook.write_text(HOOK_TEXT)
    return bool(request.param)


def judge(done: Completed, sound: Path, *, hook: bool) -> None:
    """Without the hook NVRTC refuses, in its own words; with it there is sound."""
    assert done.ok is hook, done.stderr
    assert (REFUSAL in done.stderr) is not hook, done.stderr
    if hook:
        with wave.open(str(sound)) as read:
            assert read.getframerate() == 24_000
            assert read.getnframes() > 0
            assert read.getnframes() % 600 == 0
            assert any(read.readframes(read.getnframes()))


def test_the_command_line(installed: Installed, tmp_path: Path, *, hook: bool) -> None:
    judge(installed.command_line(tmp_path), tmp_path / "out.wav", hook=hook)


def test_the_server(installed: Installed, tmp_path: Path, *, hook: bool) -> None:
    judge(installed.server(tmp_path), tmp_path / "out.wav", hook=hook)


def test_a_variable_switches_the_hook_off(installed: Installed, tmp_path: Path) -> None:
    installed.hook.write_text(HOOK_TEXT)
    judge(installed.command_line(tmp_path, **{HOOK_SWITCH: "off"}), tmp_path / "out.wav", hook=False)


def test_a_stock_probe_is_not_helped_by_the_hook(installed: Installed, tmp_path: Path) -> None:
    """verify judges Kokoro as it is, and says that the hook was on."""
    installed.hook.write_text(HOOK_TEXT)
    speech = Speech(weights=to_request(synthetic()), folder=tmp_path)
    found = installed.gpu.ask("kokoro", speech.request("stock", "cuda"))
    assert (found.outcome, found.detail["hook"]) == (Outcome.FAILED, "switched off")
    assert cause_of(found) is Cause.UNKNOWN_ARCHITECTURE
    bridged = installed.gpu.ask("kokoro", speech.request("bridged", "cuda"))
    assert (bridged.outcome, bridged.detail["hook"]) == (Outcome.PASSED, "switched off")
    assert bridged.detail["bridge"]["active"]


def test_it_ran_on_the_simulated_gpu(installed: Installed) -> None:
    """What the driver was asked for: kernels of torch's own, and none that was compiled at run time."""
    trace = installed.gpu.trace()
    assert trace.launches
    assert {one.answer for one in trace.launches} == {0}
    assert trace.jit_kernels() == ()
