"""verify, the bridge and the probes with real torch and Kokoro.

Takes the interpreter in KOKORO_SPARK_TEST_PYTHON, else the current environment of KOKORO_SPARK_HOME.
"""

from __future__ import annotations

import array
import json
import math
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.home import CHECKOUT, CONSTRAINTS
from scripts.model.evidence import Observation, Outcome, Report, VerdictKind
from scripts.model.target import GB10
from scripts.operations.verify import verify
from scripts.place import Here
from scripts.probing import ask
from scripts.serial import to_json
from scripts.shell import run
from scripts.verification.causes import Cause, cause_of, recognise
from scripts.verification.evidence import Evidence
from scripts.verification.gather import PHONEMES, SYNTHETIC_SPEED
from scripts.verification.sound import BRIDGE_SNR_DB

pytestmark = pytest.mark.slow

WEIGHTS = {"kind": "synthetic", "config": str(CONSTRAINTS / "kokoro-config.json"), "seed": 1234}


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "cache" / "bytecode"


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}


@pytest.fixture(scope="session")
def report(python: Path, bytecode: Path) -> Report:
    """Verify once; that nothing in the environment changed is part of it."""
    folder = python.parent.parent
    before = state(folder)
    environ = {**os.environ, "KOKORO_SPARK_HOME": str(bytecode.parent.parent)}
    made = verify(place=Here(python=python, run=run), environment="test", target=GB10, weights=WEIGHTS, environ=environ)
    assert state(folder) == before
    return made


def ask_kokoro(python: Path, folder: Path, bytecode: Path, **changes: Any) -> Observation:
    request = {
        "mode": "stock",
        "device": "cpu",
        "weights": WEIGHTS,
        "phonemes": PHONEMES,
        "speed": SYNTHETIC_SPEED,
        "samples": str(folder / "samples.f32"),
    }
    return ask(python, "kokoro", request | changes, run=run, bytecode=bytecode)


def test_the_verdict_is_what_this_machine_can_give(report: Report) -> None:
    evidence = Evidence.of(report.observations)
    if not evidence.cuda_build:
        assert report.verdict.kind is VerdictKind.NOT_APPLICABLE
        assert "predicted from data, not run" in report.verdict.prediction.reasons[0].text
    elif evidence.capability is None:
        assert report.verdict.kind is VerdictKind.UNDECIDED
        assert {reason.evidence for reason in report.verdict.prediction.reasons} >= {"device-code", "nvrtc"}
    else:
        assert report.verdict.kind in {VerdictKind.NOT_NEEDED, VerdictKind.NEEDED}
        assert report.verdict.device


def test_the_report_is_of_the_schema(report: Report) -> None:
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(to_json(report)))


def test_no_probe_died(report: Report) -> None:
    assert {one.outcome for one in report.observations} <= {Outcome.PASSED, Outcome.SKIPPED}, [
        (one.probe, one.error) for one in report.observations
    ]


def test_bridged_kokoro_is_stock_kokoro(report: Report) -> None:
    evidence = Evidence.of(report.observations)
    if evidence.capability is not None:
        pytest.skip("compared on the GPU here")
    assert (
        evidence.fact("sound.bridged.cpu", "identical") or evidence.fact("sound.bridged.cpu", "snr_db") > BRIDGE_SNR_DB
    )
    assert abs(evidence.fact("sound.bridged.cpu", "gain_db")) < 0.01
    assert evidence.fact("kokoro.bridged.cpu", "bridge")["covers"] == ["transform", "inverse"]
    assert evidence.fact("kokoro.stock.cpu", "stft") == {"transform": "kokoro.istftnet", "inverse": "kokoro.istftnet"}


def test_disable_complex_is_another_sound(report: Report) -> None:
    where = "cpu" if Evidence.of(report.observations).capability is None else "cuda"
    snr = Evidence.of(report.observations).fact(f"sound.disable_complex.{where}", "snr_db")
    assert -3 < snr < 20


def test_everything_ran_where_it_was_asked_to(report: Report) -> None:
    placement = Evidence.of(report.observations).fact("kokoro.stock.cpu", "placement")
    assert set(placement["parameters"]) == set(placement["modules"]) == {"cpu"}
    assert placement["modules"]["cpu"] > 200


def overlay(python: Path, folder: Path, patch: str) -> Path:
    """Make an environment that sees the real one's packages, and runs `patch` when Python starts."""
    found = ask(python, "installed", {}, run=run)
    real = [name for name in found.detail["folders"] if name.endswith("site-packages")]
    done = run([str(python), "-m", "venv", "--without-pip", str(folder)])
    assert done.ok, done.stderr
    site = next((folder / "lib").glob("python*")) / "site-packages"
    (site / "overlay_patch.py").write_text(patch)
    (site / "overlay.pth").write_text("\n".join([*real, "import overlay_patch"]) + "\n")
    return folder / "bin" / "python"


PATCH_TRANSFORM = """
import torch
import kokoro.istftnet as module

def transform(self, input_data):
    spectrum = torch.stft(input_data, self.filter_length, self.hop_length, self.win_length,
                          window=self.window.to(input_data.device), return_complex=True)
    return torch.sqrt(spectrum.real ** 2 + spectrum.imag ** 2), torch.atan2(spectrum.imag, spectrum.real)

module.TorchSTFT.transform = transform
"""


def test_stock_is_refused_where_a_patch_is_active(python: Path, tmp_path: Path, bytecode: Path) -> None:
    patched = overlay(python, tmp_path / "overlay", PATCH_TRANSFORM)
    found = ask_kokoro(patched, tmp_path, bytecode)
    assert found.outcome is Outcome.FAILED
    assert cause_of(found) is Cause.BRIDGE
    assert "TorchSTFT.transform is not kokoro's own" in found.error


def test_the_bridge_refuses_a_patched_kokoro(python: Path, tmp_path: Path, bytecode: Path) -> None:
    patched = overlay(python, tmp_path / "overlay", PATCH_TRANSFORM)
    found = ask_kokoro(patched, tmp_path, bytecode, mode="bridged")
    assert cause_of(found) is Cause.BRIDGE
    assert "does not know kokoro" in found.error


BREAK_SOUND = (
    "import kokoro.istftnet as m; m.Generator.forward = (lambda f: lambda s, *a: f(s, *a) {})(m.Generator.forward)"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [("* float('nan')", "not finite"), ("* 0", "silence"), ("[..., :-7]", "samples, expected 600 x")],
)
def test_broken_sound_is_a_failure(change: str, said: str, python: Path, tmp_path: Path, bytecode: Path) -> None:
    broken = overlay(python, tmp_path / "overlay", BREAK_SOUND.format(change))
    found = ask_kokoro(broken, tmp_path, bytecode)
    assert cause_of(found) is Cause.SOUND
    assert said in found.error


PLACEMENT = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from scripts.inside.placement import Placement
model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, device="meta"), torch.nn.LSTM(2, 2))
model[2].to("meta")
placement = Placement(model)
packed = torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(3, 1, 2), torch.tensor([3]))
model[0](torch.zeros(1, 2)), model[1](torch.zeros(1, 2, device="meta")), model[2](packed.to("meta"))
print(placement.summary()["parameters"], placement.strays("meta"), len(placement.strays("cpu")), sep="|")
"""


def test_a_silent_stay_elsewhere_is_seen(python: Path) -> None:
    """The lengths of a packed sequence, which torch keeps on the CPU, are no stray."""
    done = run([str(python), "-I", "-B", "-c", PLACEMENT, str(CHECKOUT)])
    assert done.ok, done.stderr
    parameters, strays, others = done.stdout.strip().split("|")
    assert parameters == "{'cpu': 2, 'meta': 6}"
    assert strays == "['parameter 0.weight on cpu', 'parameter 0.bias on cpu', 'result of 0 on cpu']"
    assert others == "8"


def test_nvrtc_refuses_an_architecture_that_is_not_there(python: Path, report: Report) -> None:
    if not Evidence.of(report.observations).cuda_build:
        pytest.skip("a CPU-only build has no NVRTC")
    answer = ask(python, "nvrtc", {"targets": ["13.7"]}, run=run).detail["compiles"]["sm_137"]
    assert (answer["ok"], answer["code"]) == (False, 5)
    assert recognise(answer["log"]) is Cause.UNKNOWN_ARCHITECTURE


def samples(path: Path, values: list[float]) -> str:
    path.write_bytes(array.array("f", values).tobytes())
    return str(path)


def test_compare(python: Path, tmp_path: Path) -> None:
    tone = [math.sin(index / 7) for index in range(4800)]
    sounds = {
        "same": tone,
        "half": [value / 2 for value in tone],
        "noisy": [value + (-1) ** index / 1000 for index, value in enumerate(tone)],
        "short": tone[:2400],
        "silent": [0.0] * len(tone),
        "broken": [math.nan, *tone[1:]],
        "empty": [],
    }
    reference = samples(tmp_path / "reference", tone)
    pairs = [
        {"name": name, "reference": reference, "candidate": samples(tmp_path / name, values)}
        for name, values in sounds.items()
    ]
    found = ask(python, "compare", {"pairs": pairs}, run=run).detail["pairs"]
    assert found["same"]["identical"]
    assert found["half"]["gain_db"] == pytest.approx(-6.02, abs=0.01)
    assert found["half"]["snr_db"] == pytest.approx(6.02, abs=0.01)
    assert found["noisy"]["snr_db"] == pytest.approx(57, abs=0.5)
    assert (found["short"]["samples"], found["short"]["samples_reference"]) == (2400, 4800)
    assert (found["silent"]["snr_db"], found["silent"]["gain_db"]) == (0.0, None)
    assert not found["broken"]["finite"]
    assert found["empty"]["snr_db"] is None
