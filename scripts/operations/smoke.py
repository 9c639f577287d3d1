"""The first smoke: torch is imported, and its NVRTC and device code are asked what a GPU would give."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.errors import BrokenError
from scripts.model.evidence import Outcome, Prediction
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.place import Place
from scripts.verification.device_code import observe_device_code
from scripts.verification.evidence import Evidence
from scripts.verification.predict import predict
from scripts.verification.questions import Questions


def predict_for(target: ComputeCapability, place: Place, context: Context) -> Prediction:
    """Predict the verdict for `target`.

    Raises BrokenError where torch cannot even be imported.
    """
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-smoke-") as name:
        questions = Questions(
            place=place.sharing(Path(name)),
            environ=context.environ,
            workdir=Path(name),
            bytecode=context.home.bytecode,
        )
        device = questions.ask("device")
        if device.outcome is not Outcome.PASSED:
            raise BrokenError(
                "the new environment's torch cannot be imported",
                context=device.error,
                reference="torch-import-failed",
                hint="`invoke verify` shows every probe's answer",
            )
        code = questions.on_host(
            "device-code", lambda: observe_device_code(device, (target,), questions.place, questions.workdir)
        )
        nvrtc = questions.ask("nvrtc", {"targets": [str(target)]})
    return predict(Evidence.of((device, code, nvrtc)), target)
