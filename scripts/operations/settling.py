"""Which commands would decide what a prediction leaves open. Pure."""

from __future__ import annotations

import shlex

from scripts.model.forecast import ForecastRequest
from scripts.redaction import redact
from scripts.verification.foresee import WheelEvidence
from scripts.wheels.nvrtc import NvrtcTable, look_up


def settling(
    request: ForecastRequest, evidence: WheelEvidence, table: NvrtcTable, index: str | None
) -> tuple[str, ...]:
    """Name the commands that would settle it: the wheel read whole, its NVRTC asked.

    `index` is the one that was read (None: the default one). Credentials in its URL are the reader's to put in.
    """
    build = evidence.build
    if build.cuda is None:
        return ()
    mirror = [] if request.index is None else ["--index", redact(request.index)]
    lane = ["--nightly", *mirror] if request.nightly else mirror
    machine = ["--platform", str(request.target.architecture), "--python", str(request.target.python)]
    sm = ["--sm", str(request.capability)]
    commands = []
    if not evidence.built_for and (evidence.measured is None or evidence.measured.main is None):
        nightly = ["--index", redact(index)] if request.nightly and index is not None else mirror
        what = ["wheel.inspect", f"torch=={build.torch}", "--strategy", request.strategy, *nightly]
        commands.append([*what, *machine, *sm, "--download"])
    if evidence.proof is None and look_up(table, build.nvrtc or build.cuda, request.capability).compiles is None:
        torch = ["--torch", build.torch, "--strategy", request.strategy, *lane]
        own = build.nvrtc is None  # it is inside torch, and can be asked where torch is installed
        commands.append(["setup", *torch, "verify", *sm] if own else ["predict", *torch, *machine, *sm, "--prove"])
    return tuple(shlex.join(["invoke", *command]) for command in commands)
