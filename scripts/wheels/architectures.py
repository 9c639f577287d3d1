"""Names of GPU architectures (`sm_121a`, `compute_120`), and the rule by which code for one runs on another. Pure."""

from __future__ import annotations

import re

from scripts.model.target import ComputeCapability

RULE = (
    "a cubin, and PTX with suffix `f`, runs on its own major and the same or a higher minor; with suffix `a` it runs "
    "on exactly its own capability; other PTX is compiled by the driver for the same or any higher capability"
)
"""CUDA Programming Guide: binary compatibility, PTX compatibility, architecture- and family-specific features."""


def parse_architecture(name: str) -> tuple[ComputeCapability, str]:
    """Split `sm_121a` into 12.1 and `a`. Raises ValueError for what is no architecture."""
    match = re.fullmatch(r"(?:sm|compute)_(\d+)(\d)([af]?)", name)
    if match is None:
        raise ValueError(f"{name!r} is no architecture")
    return ComputeCapability(int(match[1]), int(match[2])), match[3]


def is_ptx(name: str) -> bool:
    """Tell PTX (`compute_120`) from a cubin (`sm_120`)."""
    return name.startswith("compute_")


def order(name: str) -> tuple[bool, ComputeCapability, str]:
    """Sort cubins before PTX, each from old to new."""
    return (is_ptx(name), *parse_architecture(name))


def code_runs(name: str, capability: ComputeCapability) -> bool:
    """Apply RULE: sm_120 runs on 12.1; sm_90 on 12.1 does not, nor sm_121 on 12.0; compute_90 does on both."""
    built, suffix = parse_architecture(name)
    if suffix == "a":
        return built == capability
    if is_ptx(name) and not suffix:
        return built <= capability
    return built.major == capability.major and built.minor <= capability.minor
