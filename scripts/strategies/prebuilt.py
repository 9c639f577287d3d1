"""`prebuilt`: a torch wheel that somebody built already, named by `--wheel`, and our pins around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.errors import NoCandidateError, UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, CheckConsistency, InstallLock, InstallWheel, Lock, Plan, Request
from scripts.model.target import Target
from scripts.strategies.assembly import venv_plan
from scripts.strategies.base import PlanInputs
from scripts.strategies.checks import gpu_is_usable, wheels_run
from scripts.strategies.locks import nvrtc_of

PREBUILT = "prebuilt"
SOURCE = "a wheel"
"""The plan's `source`. Not where the wheel lies: its hash pins it, and the same bytes are the same environment."""

_AUTO = "auto"
_HINT = "--wheel PATH, URL, FOLDER or INDEX; anything that is not on this machine needs --sha256 HEX as well"


@dataclass(frozen=True)
class PrebuiltWheel:
    """A wheel by name. Its CUDA is not known before it is read: the planner asks whether the driver serves it."""

    name: str = PREBUILT

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform."""
        return wheels_run(facts, target)

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """The GPU."""
        return gpu_is_usable(facts)


def require_wheel(request: Request) -> str:
    """Give what `--wheel` names.

    Raises UsageError (no-wheel-named, bad-hash, option-not-for-strategy), NoCandidateError (no-wheel-named) for `auto`,
    which then goes on without.
    """
    if request.source is not None:
        raise UsageError(
            "--source is not for strategy prebuilt",
            reference="option-not-for-strategy",
            hint="--source default|lane belongs to --strategy cpu; --wheel says where torch comes from",
        )
    if request.wheel is None or not request.wheel.strip():
        passed_over = request.strategy.strip().lower() == _AUTO and request.wheel is None and request.sha256 is None
        kind = NoCandidateError if passed_over else UsageError
        raise kind("no wheel is named", reference="no-wheel-named", hint=f"name one: {_HINT}")
    if request.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", request.sha256):
        raise UsageError(
            f"--sha256 {request.sha256!r} is no sha256", reference="bad-hash", hint="it has 64 hexadecimal digits"
        )
    return request.wheel.strip()


def assemble_around(
    wheel: InstallWheel,
    cuda: str,
    nvrtc: str | None,
    required: Sequence[Lock],
    rest: PlanInputs,
    *,
    strategy: str = PREBUILT,
) -> Plan:
    """Make the plan: the wheel, what it requires, and `rest`, whose locks are everything else.

    `nvrtc`: where none of `required` pins one, that of the wheel itself; None: not known. `strategy`: whose plan it is.
    """
    locks = [InstallLock(lock=lock) for lock in (*required, *rest.locks)]
    check = CheckConsistency(torch=wheel.version, cuda=cuda)
    pinned = nvrtc_of(pin for lock in required for pin in lock.pins)
    return venv_plan(strategy, rest, [wheel, *locks], check, nvrtc=pinned or nvrtc)
