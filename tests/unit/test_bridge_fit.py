"""The probe that judges a release of kokoro by its source, here called as a function: it needs no process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.inside.bridge_fit import run
from scripts.inside.failure import ProbeFailure
from tests.unit.runtime.test_bridge import STOCK

ALARM = 'raise SystemExit("the source was run")\n'


def judge(tmp_path: Path, source: str | bytes) -> dict[str, Any]:
    path = tmp_path / "istftnet.py"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return run({"path": str(path)})


def test_a_known_source_fits_and_is_not_run(tmp_path: Path) -> None:
    assert judge(tmp_path, STOCK + ALARM) == {"fits": True, "why": ""}


UNFIT = {
    "no class": (STOCK.replace("class TorchSTFT", "class OtherSTFT"), "it has no class TorchSTFT"),
    "a function": ("def TorchSTFT():\n    def transform(self, input_data): ...\n", "it has no class TorchSTFT"),
    "no inverse": (STOCK.replace("def inverse", "def backward"), "TorchSTFT has no method inverse"),
    "a class": (
        STOCK.replace("def inverse", "def backward").replace(
            "class TorchSTFT:", "class TorchSTFT:\n    class inverse: ..."
        ),
        "TorchSTFT has no method inverse",
    ),
    "other names": (STOCK.replace("torch.abs(", "torch.norm("), "TorchSTFT.transform does not use abs"),
    "other parameters": (STOCK.replace("phase):", "phase, length):"), "TorchSTFT.inverse takes"),
    "decorated": (STOCK.replace("    def inverse", "    @fused\n    def inverse"), "TorchSTFT.inverse is decorated"),
    "defined again": (STOCK + "\nclass TorchSTFT:\n    pass\n", "TorchSTFT has no method transform"),
}


@pytest.mark.parametrize(("source", "said"), UNFIT.values(), ids=UNFIT.keys())
def test_another_source_does_not(tmp_path: Path, source: str, said: str) -> None:
    found = judge(tmp_path, source)
    assert found["fits"] is False
    assert said in found["why"]


@pytest.mark.parametrize("source", ["def (", "print 'two'", b"\x00\x01", b"\xff\xfe\xfd", "(" * 10_000])
def test_what_cannot_be_compiled_says_nothing(tmp_path: Path, source: str | bytes) -> None:
    with pytest.raises(ProbeFailure) as caught:
        judge(tmp_path, source)
    assert "istftnet.py cannot be compiled" in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProbeFailure):
        run({"path": str(tmp_path / "istftnet.py")})
