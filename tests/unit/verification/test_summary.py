"""One line for each observation that passed, whatever kind of environment it is of."""

from __future__ import annotations

from scripts.model.evidence import Observation, Outcome
from scripts.verification.summary import summarise


def integrity(**detail: object) -> str:
    return summarise(Observation(probe="integrity", outcome=Outcome.PASSED, detail={"problems": [], **detail}))


def test_the_files_of_a_venv() -> None:
    told = integrity(files=12, distributions=["torch", "kokoro"], compared_with_record=True)
    assert told == "12 files of torch, kokoro match their RECORD and the environment's record"


def test_an_image_is_compared_as_a_whole() -> None:
    told = integrity(image="kokoro-spark/ngc:0123456789ab", image_id="sha256:4567", compared_with_record=True)
    assert told == "kokoro-spark/ngc:0123456789ab is the image that was built: sha256:4567"
