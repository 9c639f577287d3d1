"""The verdict for a wheel that nobody downloaded: what its metadata, its torch and the tables say. Pure.

The rules are the verdict's own: device code first, then NVRTC. Kokoro and a device come later, so it is a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripts.model.evidence import Prediction, Reason, VerdictKind
from scripts.model.target import ComputeCapability
from scripts.model.wheels import CudaBuild
from scripts.verification.causes import Cause, recognise
from scripts.verification.device_code import NONE, choose
from scripts.verification.predict import combined, from_table
from scripts.wheels.architectures import code_runs, is_ptx, order
from scripts.wheels.measured import MeasuredWheel
from scripts.wheels.nvrtc import NvrtcTable, look_up

DEVICE_CODE = "constraints/devicecode.toml"
STATED = "the wheel's libtorch_python.so"
METADATA = "the wheel's metadata"
PROOF = "NVRTC itself, run here"

Judged = tuple[VerdictKind, Reason]


@dataclass(frozen=True, kw_only=True)
class WheelEvidence:
    """What is known of a wheel. `measured` and `built_for`: either, both, or neither."""

    build: CudaBuild
    filename: str
    measured: MeasuredWheel | None = None
    built_for: str | None = None
    """What its torch states."""
    unread: str = ""
    """Why neither is known."""
    proof: dict[str, Any] | None = None
    """What NVRTC itself answered (scripts/inside/nvrtc.py)."""

    @property
    def architectures(self) -> str:
        """What its torch says that it was built for, `sm_80 sm_120`; empty: a CPU-only build, or not known."""
        return ("" if self.measured is None else self.measured.built_for) or self.built_for or ""


def foresee_verdict(evidence: WheelEvidence, table: NvrtcTable, target: ComputeCapability) -> Prediction:
    """Predict for a wheel what the verdict on a device of capability `target` would be."""
    if evidence.build.cuda is None:
        text = f"torch {evidence.build.torch} here is a CPU-only build: it requires nothing of CUDA, so no GPU is used"
        reasons: tuple[Reason, ...] = (Reason(text=text, evidence=METADATA),)
        return Prediction(target=target, kind=VerdictKind.NOT_APPLICABLE, reasons=reasons)
    kind, reasons = combined(_device_code(evidence, target), _nvrtc(evidence, table, target))
    return Prediction(target=target, kind=kind, reasons=reasons)


def _device_code(evidence: WheelEvidence, target: ComputeCapability) -> Judged:
    if evidence.measured is not None and evidence.measured.main is not None:
        return _measured(evidence.measured, evidence.filename, target)
    if evidence.built_for:
        return _stated(evidence.built_for.split(), target)
    return VerdictKind.UNDECIDED, Reason(
        text=f"torch's device code is not known: {evidence.unread or 'it was not read'}", evidence="device-code"
    )


def _measured(wheel: MeasuredWheel, filename: str, target: ComputeCapability) -> Judged:
    main = wheel.main
    assert main is not None
    whose = "" if wheel.file == filename else f", in {wheel.file}, the same build for another Python or index"
    source = f"{main.library}, measured {wheel.measured}{whose}"
    found = choose(main, target)
    if found == NONE:
        held = " ".join((*main.cubins, *main.ptx))
        return _no_code(target, f"it holds {held} ({source})", DEVICE_CODE)
    return VerdictKind.NOT_NEEDED, Reason(
        text=f"torch has device code for {target}: {found} ({source})", evidence=DEVICE_CODE
    )


def _stated(built_for: list[str], target: ComputeCapability) -> Judged:
    """Go by torch's own list: cubins before PTX, the newest that runs."""
    running = sorted((name for name in built_for if code_runs(name, target)), key=order)
    if not running:
        return _no_code(target, f"it says that it was built for {' '.join(built_for)}", STATED)
    cubins = [name for name in running if not is_ptx(name)]
    best = f"cubin {cubins[-1]}" if cubins else f"PTX {running[-1]}"
    text = (
        f"torch has device code for {target}: {best}, by its own list {' '.join(built_for)} (its fatbins were not read)"
    )
    return VerdictKind.NOT_NEEDED, Reason(text=text, evidence=STATED)


def _no_code(target: ComputeCapability, why: str, source: str) -> Judged:
    text = f"torch has no kernel image for {target}: neither a cubin that runs there nor PTX; {why}"
    return VerdictKind.BROKEN, Reason(text=text, evidence=source)


def _nvrtc(evidence: WheelEvidence, table: NvrtcTable, target: ComputeCapability) -> Judged:
    build = evidence.build
    if evidence.proof is not None:
        return _proved(evidence.proof, build.nvrtc or "", table, target)
    version = build.nvrtc or build.cuda
    assert version is not None
    kind, reason = from_table(version, look_up(table, version, target), target)
    if build.nvrtc is None:
        text = f"the wheel pins no NVRTC: it brings that of CUDA {build.cuda} with it; {reason.text}"
        return kind, Reason(text=text, evidence=reason.evidence)
    return kind, reason


def _proved(proof: dict[str, Any], version: str, table: NvrtcTable, target: ComputeCapability) -> Judged:
    """Rule 1 by the library itself; where the table says otherwise, the library is right and the table is named."""
    result = proof["compiles"][target.sm]
    refused = not result["ok"] and recognise(f"{result['name']} {result['log']}") is Cause.UNKNOWN_ARCHITECTURE
    expected = look_up(table, version, target).compiles
    doubt = ""
    if expected is not None and expected != result["ok"] and (result["ok"] or refused):
        doubt = "; constraints/nvrtc.toml says otherwise and is wrong: measure it again with `invoke wheel.measure`"
    if result["ok"]:
        text = f"NVRTC {version} compiles for {target.sm}: {result['cubin_bytes']} bytes of cubin came out{doubt}"
        return VerdictKind.NOT_NEEDED, Reason(text=text, evidence=PROOF)
    said = f"error {result['code']} ({result['name']}): {result['log'] or 'no log'}"
    words = f"does not know {target.sm}" if refused else "fails in a way that is not known"
    kind = VerdictKind.NEEDED if refused else VerdictKind.UNDECIDED
    return kind, Reason(text=f"NVRTC {version} {words}: {said}{doubt}", evidence=PROOF)
