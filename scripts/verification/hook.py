"""What a report says of the bridge's hook, where the environment carries it. It never decides."""

from __future__ import annotations

from scripts.model.evidence import VerdictKind
from scripts.model.hook import HOOK_FILE
from scripts.verification.evidence import Evidence

_AWAY = "`invoke bridge.disable` takes it away"


def hook_notes(evidence: Evidence, kind: VerdictKind) -> tuple[str, ...]:
    """Note that the hook was switched off in the probes, and that it may go where Kokoro needs no bridge."""
    found = [one.probe for one in evidence.observations if one.detail.get("hook") == "switched off"]
    there = bool(found) or bool(evidence.fact("integrity", "hook"))
    notes = []
    if found:
        notes.append(
            f"the environment's hook ({HOOK_FILE}) enables the bridge in every application; in verify's own processes "
            f"it was on and was switched off: {', '.join(found)}"
        )
    if there and kind is VerdictKind.NOT_NEEDED:
        notes.append(f"Kokoro needs no bridge here, so the environment's hook ({HOOK_FILE}) may go: {_AWAY}")
    return tuple(notes)
