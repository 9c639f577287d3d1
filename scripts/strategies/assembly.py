"""The plan of every strategy that ends in a uv venv: steps in order, and the digest over what decides the content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from scripts.errors import IntegrityError
from scripts.model.plan import (
    BuildImage,
    CheckConsistency,
    CreateVenv,
    InstallLock,
    InstallMade,
    InstallWheel,
    Lock,
    Plan,
    Step,
)
from scripts.serial import to_data
from scripts.strategies.base import PlanInputs
from scripts.strategies.locks import cuda_of, nvrtc_of, pin_named, without


def assemble(strategy: str, inputs: PlanInputs, *, lifted: Lock | None = None) -> Plan:
    """Make the plan. `inputs.locks` come in installation order, torch's first.

    `lifted` pins packages that are to be newer than torch's lock has them: they are installed in the place of those,
    right after torch. The plan's CUDA stays torch's own, its NVRTC is the one that is installed.
    """
    pins = [pin for lock in inputs.locks for pin in lock.pins]
    torch = pin_named(pins, "torch")
    if torch is None:
        raise IntegrityError(
            "no lock of this plan pins torch",
            context="locks: " + ", ".join(lock.name for lock in inputs.locks),
            reference="bad-lock",
            hint="regenerate them with `invoke lock`",
        )
    return venv_plan(
        strategy,
        inputs,
        [InstallLock(lock=lock) for lock in _lifting(inputs.locks, lifted)],
        CheckConsistency(torch=torch.version, cuda=cuda_of(pins), lifted=_names(lifted)),
        nvrtc=nvrtc_of([*(lifted.pins if lifted else ()), *pins]),
    )


def venv_plan(
    strategy: str,
    inputs: PlanInputs,
    installs: Sequence[Step],
    check: CheckConsistency,
    *,
    nvrtc: str | None,
    onnxruntime: str | None = None,
) -> Plan:
    """Make the plan of a venv: `installs` in their order, the wheels that we make, and the check at the end."""
    python = inputs.interpreter.version if inputs.interpreter else str(inputs.target.python)
    steps: tuple[Step, ...] = (
        CreateVenv(interpreter=inputs.interpreter.path if inputs.interpreter else "", python=python),
        *installs,
        *(InstallMade(name=name, version=version, sha256=sha256) for name, version, sha256 in inputs.made),
        check,
    )
    return Plan(
        strategy=strategy,
        source=inputs.source.name,
        architecture=inputs.target.architecture,
        python=inputs.target.python,
        torch=check.torch,
        cuda=check.cuda,
        nvrtc=nvrtc,
        steps=steps,
        digest=digest(strategy, inputs.source.name, str(inputs.target.architecture), steps),
        notes=inputs.notes,
        onnxruntime=onnxruntime,
    )


def _lifting(locks: tuple[Lock, ...], lifted: Lock | None) -> tuple[Lock, ...]:
    """Put the lifted pins in the place of torch's own."""
    if lifted is None:
        return locks
    torch, *rest = locks
    return (without(torch, _names(lifted)), lifted, *rest)


def _names(lifted: Lock | None) -> tuple[str, ...]:
    return () if lifted is None else tuple(pin.name for pin in lifted.pins)


def digest(strategy: str, source: str, architecture: str, steps: tuple[Step, ...]) -> str:
    """Hash everything that decides an environment's content: 12 hexadecimal digits.

    Where the bytes were fetched from is left out (an index's URL, an interpreter's path): hashes pin the bytes.
    """
    kept = [_deciding(step) for step in steps]
    whole = json.dumps([strategy, source, architecture, kept], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _deciding(step: Step) -> dict[str, Any]:
    """Give what of a step decides the content."""
    data: dict[str, Any] = to_data(step)
    match step:
        case CreateVenv():
            del data["interpreter"]
        case InstallLock():
            data["lock"] = _lock_text(step.lock)
        case InstallWheel():
            del data["path"]
        case BuildImage():
            del data["engine"]
            data["lock"] = _lock_text(step.lock)
        case CheckConsistency():
            if not step.lifted:
                del data["lifted"]
        case _:
            pass
    return data


def _lock_text(lock: Lock) -> dict[str, str]:
    return {"text": lock.text, "build_text": lock.build_text}
