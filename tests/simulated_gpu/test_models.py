"""tuned and batched on a SIMULATED GB10: that they run there, on the device alone, and compute what stock computes.

The values are the CPU's: nothing is said about a GPU's speed or its rounding.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest

from scripts.model.evidence import Outcome
from scripts.probing import ask
from scripts.shell import run
from scripts.weights.request import to_request
from scripts.weights.store import synthetic
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory

pytestmark = [pytest.mark.simulated, needs.COMPILER, needs.X86]

UTTERANCES = [
    {"name": "one", "voice": "af_heart", "stretches": ["a"]},
    {"name": "two", "voice": "af_heart", "stretches": ["hˈɛ"]},
]
"""Random weights take their time over each phoneme."""


def snr(expected: Path, found: Path) -> float:
    """In dB; of identical samples without end."""
    first, second = array("f", expected.read_bytes()), array("f", found.read_bytes())
    assert len(first) == len(second)
    noise = math.fsum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    return math.inf if noise == 0 else 10 * math.log10(math.fsum(a * a for a in first) / noise)


@pytest.mark.parametrize(("mode", "alike_db"), [("tuned", 60.0), ("batched", 20.0)])
def test_the_same_sound_on_the_device(
    module_gpu: GpuFactory, newest: str, tmp_path: Path, mode: str, alike_db: float
) -> None:
    """Batched computes durations and pitch in float64, so that against stock it is as near as any other arithmetic."""
    gpu = module_gpu(newest)
    for name, device in (("stock", "cpu"), (mode, "cuda")):
        (tmp_path / name).mkdir()
        request = {
            "mode": name,
            "dtype": "float32",
            "device": device,
            "weights": to_request(synthetic()),
            "folder": str(tmp_path / name),
            "utterances": UTTERANCES,
        }
        found = ask(gpu.python, "sound", request, run=run, environ=gpu.environ, timeout=600)
        assert found.outcome is Outcome.PASSED, found
        assert found.detail["device"] == device
    for one in UTTERANCES:
        assert snr(tmp_path / "stock" / f"{one['name']}.f32", tmp_path / mode / f"{one['name']}.f32") >= alike_db
