"""Options that are numbers, parsed: invoke's own number options end in a traceback."""

from __future__ import annotations

from scripts.errors import UsageError
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context


def target_capability(text: str, context: Context) -> ComputeCapability:
    """Read `--sm`; without it, this machine's GPU, and without that GB10."""
    if text:
        return ComputeCapability.parse(text)
    capabilities = [gpu.capability for gpu in context.facts.gpu.gpus if gpu.capability is not None]
    return capabilities[0] if capabilities else GB10


def seconds(text: str, option: str) -> float:
    """Read a number of seconds, zero or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise UsageError(
            f"{option} {text!r} is no number of seconds", reference="bad-number", hint=f"write it like {option} 600"
        )
    return value
