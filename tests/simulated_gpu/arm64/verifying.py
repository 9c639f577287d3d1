"""verify's probes on the aarch64 machine's simulated GB10, and the report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from scripts.home import Home
from scripts.model.evidence import Observation, Report
from scripts.model.target import GB10, ComputeCapability
from scripts.place import Here
from scripts.verification.device_code import observe_device_code
from scripts.verification.evidence import CANARIES, MODES, Evidence, kokoro_name
from scripts.verification.judge import Case, judge
from scripts.verification.questions import Questions, skipped
from scripts.verification.report import SCHEMA
from scripts.verification.simulation import ROWS
from tests.simulated_gpu.arm64.simulated import ArmGpu, bytecode

TIMEOUT = 600.0
"""Seconds for one probe. `import torch` takes 10 to 36 here, and a machine of CI is not idle."""
LEFT_OUT = "left out on the emulated aarch64 machine"
MODEL_NOTE = (
    "Kokoro's full model is left out: this aarch64 machine is emulated on an x86_64 one, where one Conv1d of 512 "
    "channels over 1000 frames takes 26 s; on the simulated GB10 of an x86_64 machine the model is run"
)
COMPILERS_NOTE = (
    "Triton and torch.compile are left out: they start compilers, and a program on this machine can't start another"
)


def verify_there(
    gpu: ArmGpu, home: Home, *, canaries: tuple[str, ...] = CANARIES, target: ComputeCapability = GB10
) -> Report:
    """Ask the probes for device, device code, NVRTC and the named canaries, and judge them as verify does.

    Without Kokoro's own runs the verdict is at most undecided; the prediction stands beside it.
    """
    questions = Questions(
        place=Here(python=gpu.running.python, run=gpu.machine.run),
        environ=gpu.running.environ,
        workdir=gpu.folder,
        bytecode=bytecode(home),
        timeout=TIMEOUT,
    )
    observations = tuple(_ask(questions, canaries, target))
    evidence = Evidence.of(observations)
    return Report(
        schema=SCHEMA,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=f"aarch64, emulated: torch {gpu.torch.torch}",
        python=str(gpu.running.python),
        torch=evidence.fact("device", "torch"),
        cuda=evidence.fact("device", "cuda"),
        weights="none: Kokoro is not run",
        verdict=judge(Case(evidence=evidence, target=target)),
        observations=observations,
        notes=(MODEL_NOTE, COMPILERS_NOTE),
        simulation=ROWS if evidence.simulated else None,
    )


def _ask(questions: Questions, canaries: tuple[str, ...], target: ComputeCapability) -> Iterator[Observation]:
    device = questions.ask("device")
    yield device
    capability = Evidence.of([device]).capability
    targets = tuple(dict.fromkeys(one for one in (capability, target) if one is not None))
    yield questions.on_host("device-code", lambda: observe_device_code(device, targets))
    yield questions.ask("nvrtc", {"targets": [str(one) for one in targets]})
    for operation in CANARIES:
        name = f"canary.{operation}"
        if operation in canaries and capability is not None:
            yield questions.ask(name, {"operation": operation, "device": "cuda:0"})
        else:
            yield skipped(name, LEFT_OUT if capability is not None else "no GPU here")
    yield from (skipped(name, LEFT_OUT) for name in ("triton", "compile"))
    yield from (skipped(kokoro_name(mode, "cuda"), LEFT_OUT) for mode in MODES)
