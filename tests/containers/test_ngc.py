"""`setup --strategy ngc` on the stand-in base images: real torch, real NVRTC, real Kokoro, a simulated GB10.

The packages come from this machine's package index. Synthetic weights, save where the registry's are in the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scripts.home import Home
from scripts.model.evidence import Outcome, Report, VerdictKind
from scripts.model.facts import GpuFacts
from scripts.model.plan import Request, WeightsChoice, WeightsSource
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.environments import command_line, remove
from scripts.operations.judging import Manner, judge_environment
from scripts.operations.setup import SetupResult, setup
from scripts.operations.speaking import speak
from scripts.shell import run
from tests.containers.conftest import OLD_TAG
from tests.containers.daemon import DockerEngine
from tests.support.machines import gpus

pytestmark = pytest.mark.containers

FOX = "The quick brown fox jumps over the lazy dog."
HERE = gpus(GB10, driver="595.10", cuda="13.2", name="NVIDIA GB10", unified=True)
"""What facts would say where the stand-in runtime gives a simulated GB10: here there is no driver to ask."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A data root and an engine, with a GPU or without."""

    home: Home
    engine: DockerEngine

    def context(self, gpu: GpuFacts | None = None) -> Context:
        environ = self.engine.environ({**os.environ, "KOKORO_SPARK_HOME": str(self.home.root)})
        context = Context(home=self.home, environ=environ)
        if gpu is not None:
            context.__dict__["facts"] = replace(context.facts, gpu=gpu)
        return context

    def setup(self, image: str | None = None, weights: WeightsSource = WeightsSource.SYNTHETIC) -> SetupResult:
        request = Request(strategy="ngc", image=image)
        return setup(request, WeightsChoice(source=weights), GB10, self.context())

    def verify(self, name: str, gpu: GpuFacts | None = None) -> Report:
        manner = Manner.checked(expect=None, timeout="", report_folder=None, census=False)
        judged = judge_environment(
            self.context(gpu), manner, env=name, python=None, sm="", require_gpu=False, weights="synthetic"
        )
        return judged.report


@pytest.fixture(scope="module")
def machine(
    docker: DockerEngine, containers_context: Context, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    home = Home(tmp_path_factory.mktemp("ngc"))
    for folder in containers_context.home.weights.glob("registry-*"):
        shutil.copytree(folder, home.weights / folder.name, copy_function=_link)
    made = Machine(home=home, engine=docker)
    yield made
    context = made.context()
    for entry in context.store.entries():
        remove(entry.name, context)


def _link(source: str, target: str) -> None:
    """A link costs no disk; what is linked is only read."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def ready(machine: Machine, ngc_base: str) -> SetupResult:
    """The default image, set up."""
    assert ngc_base.endswith(":25.12-py3")
    return machine.setup()


@pytest.fixture(scope="module")
def old(machine: Machine, old_ngc_base: str, ready: SetupResult) -> SetupResult:
    """An older image, which nothing is known of before."""
    assert old_ngc_base.endswith(f":{OLD_TAG}")
    return machine.setup(OLD_TAG)


def test_it_is_built_predicted_and_current(machine: Machine, ready: SetupResult, newest: str) -> None:
    assert (ready.reused, ready.current, ready.prediction) == (False, True, VerdictKind.NOT_NEEDED)
    entry = machine.context().store.find(None)
    assert entry.record is not None
    assert entry.record.container is not None
    assert entry.record.container.torch.split("+")[0] == newest
    assert entry.record.plan.torch == entry.record.container.torch


def test_a_second_setup_finds_it(machine: Machine, ready: SetupResult) -> None:
    again = machine.setup()
    assert (again.environment, again.reused) == (ready.environment, True)


def test_the_torch_in_use_is_the_images_and_kokoro_is_ours(machine: Machine, ready: SetupResult) -> None:
    context = machine.context()
    place = context.place(context.store.find(ready.environment))
    program = (
        "import json, torch, kokoro, numpy, importlib.util as u; "
        "print(json.dumps([torch.__file__, torch.version.cuda, kokoro.__file__, numpy.__file__, "
        "u.find_spec('torchaudio') is None, u.find_spec('torchvision') is None]))"
    )
    done = place.run([str(place.python), "-I", "-W", "ignore", "-c", program])
    assert done.ok, done.stderr
    torch, cuda, kokoro, numpy, no_audio, no_vision = json.loads(done.stdout.splitlines()[-1])
    assert not torch.startswith("/opt/kokoro-spark")
    assert cuda.startswith("13.")
    assert kokoro.startswith("/opt/kokoro-spark")
    assert numpy.startswith("/opt/kokoro-spark"), "the pinned one stands before the image's own"
    assert no_audio
    assert no_vision


def test_without_a_gpu_the_verdict_is_open_and_says_what_is_predicted(machine: Machine, ready: SetupResult) -> None:
    report = machine.verify(ready.environment)
    assert report.verdict.kind is VerdictKind.UNDECIDED
    assert report.verdict.prediction.kind is VerdictKind.NOT_NEEDED
    outcomes = {one.probe: one.outcome for one in report.observations}
    assert outcomes["integrity"] is Outcome.PASSED
    assert outcomes["nvrtc"] is Outcome.PASSED
    assert outcomes["kokoro.stock.cpu"] is Outcome.PASSED


def test_on_a_simulated_gb10_the_patch_is_not_needed(machine: Machine, ready: SetupResult) -> None:
    report = machine.verify(ready.environment, HERE)
    assert (report.verdict.kind, report.verdict.simulated) == (VerdictKind.NOT_NEEDED, True)
    assert report.verdict.device == "NVIDIA GB10"


def test_with_an_nvrtc_that_does_not_know_it_the_patch_is_needed(machine: Machine, old: SetupResult) -> None:
    assert old.prediction == VerdictKind.NEEDED
    assert old.plan.cuda == "", "the plan knew nothing of this image"
    entry = machine.context().store.find(old.environment)
    assert entry.record is not None
    assert entry.record.plan.cuda == "12.8", "the record does"
    report = machine.verify(old.environment, HERE)
    assert (report.verdict.kind, report.verdict.simulated) == (VerdictKind.NEEDED, True)


@pytest.mark.parametrize("gpu", [None, HERE], ids=["cpu", "simulated"])
def test_it_speaks(machine: Machine, ready: SetupResult, tmp_path: Path, gpu: GpuFacts | None) -> None:
    """Random noise is 24 frames a phoneme, so its text is short; real weights say the fox sentence."""
    registry = any(machine.home.weights.glob("registry-*/weights.json"))
    if registry:
        machine.setup(weights=WeightsSource.REGISTRY)
    out = tmp_path / "said.wav"
    text, device = (FOX if registry else "Hi."), ("auto" if gpu is None else "cuda")
    context = machine.context(gpu)
    spoken = speak(
        context, text=text, out=out, voice="af_heart", speed="1", device=device, play=False, env=ready.environment
    )
    assert spoken.device == ("cpu" if gpu is None else "cuda")
    with wave.open(str(out)) as file:
        assert file.getframerate() == 24_000
        assert file.getnframes() / 24_000 == pytest.approx(spoken.seconds_audio, abs=0.01)
    assert out.stat().st_uid == os.getuid()


def test_a_command_of_the_users(machine: Machine, ready: SetupResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.home.root)
    command = ["python", "-c", "import os, sys; print(os.getcwd(), sys.prefix); sys.exit(7)"]
    for gpu in (None, HERE):
        context = machine.context(gpu)
        program, argv, environ = command_line(context.store.find_ready(ready.environment), command, context)
        done = run([program, *argv[1:]], env=environ)
        assert done.returncode == 7, done.stderr
        assert done.stdout.split() == [str(machine.home.root), "/opt/kokoro-spark"]


def test_removing_them_leaves_only_the_bases(machine: Machine, ready: SetupResult, old: SetupResult) -> None:
    """The last one: it takes away what the others stand on."""
    for name in (ready.environment, old.environment):
        remove(name, machine.context())
    listed = run(["docker", "images", "--format", "{{.Repository}}"], env=machine.engine.environ()).stdout.split()
    assert "kokoro-spark/ngc" not in listed
    assert "nvcr.io/nvidia/pytorch" in listed
    assert machine.context().store.entries() == ()
