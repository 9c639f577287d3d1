"""What to compile for: `--sm` and TORCH_CUDA_ARCH_LIST, what torch and nvcc make of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from packaging.version import Version

from scripts.errors import UsageError
from scripts.model.recipes import Arch

VARIABLE = "TORCH_CUDA_ARCH_LIST"

_ENTRY = re.compile(r"(?P<major>\d{1,2})\.(?P<minor>\d)(?P<suffix>[a-z]?)(?P<ptx>\+PTX)?", re.IGNORECASE)
_NVCC_NAME = re.compile(r"(?:sm_?|compute_?)?(?P<digits>\d{2,3})(?P<suffix>[af]?)", re.IGNORECASE)

_FIRST_TORCH = {(12, 1): "2.9.1", (12, 0): "2.7.0", (10, 0): "2.7.0", (10, 3): "2.9.0", (11, 0): "2.9.0"}
"""The first torch whose cpp_extension takes these (facts read in its source; 12.1 run here with 2.9.1 and later)."""

_FIRST_NVCC = (
    (Version("12.9"), frozenset({(12, 1), (10, 3)})),
    (Version("13.0"), frozenset({(11, 0), (8, 8)})),
    (Version("12.8"), frozenset({(10, 0), (12, 0)})),
    (Version("11.8"), frozenset({(9, 0), (8, 9)})),
)
"""From which release nvcc compiles for a capability: as NVRTC of the same release was measured to
(constraints/nvrtc.toml)."""


def parse_archs(text: str) -> tuple[Arch, ...]:
    """Read `12.1a`, `9.0;12.1a+PTX`: separated by semicolons or spaces, as torch reads them.

    Raises UsageError (bad-arch) for what torch does not take, with what it would.
    """
    entries = [one for one in re.split(r"[;,\s]+", text.strip()) if one]
    if not entries:
        raise _bad(text, "nothing is named")
    archs = tuple(_parse(one) for one in entries)
    if len(set(archs)) != len(archs):
        raise _bad(text, "an architecture is named twice")
    return archs


def _parse(entry: str) -> Arch:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise _bad(entry, "it is no architecture", meant=_meant(entry))
    major, minor, suffix = int(found["major"]), int(found["minor"]), found["suffix"].lower()
    if suffix not in {"", "a"}:
        raise _bad(
            entry,
            "torch takes no family names: its cpp_extension knows the suffix a alone, up to 2.15.0",
            meant=f"{major}.{minor}a",
        )
    if suffix and major < 9:
        raise _bad(entry, "NVIDIA has the suffix a from 9.0 on", meant=f"{major}.{minor}")
    return Arch(major, minor, suffix, bool(found["ptx"]))


def _meant(entry: str) -> str | None:
    """Guess what the name of an architecture speaks of: `12.1a` of `sm_121a`."""
    found = _NVCC_NAME.fullmatch(entry)
    if found is None:
        return None
    digits = found["digits"]
    return f"{digits[:-1]}.{digits[-1]}{'a' if found['suffix'] else ''}"


def _bad(entry: str, why: str, *, meant: str | None = None) -> UsageError:
    return UsageError(
        f"--sm {entry!r} cannot be compiled for: {why}",
        reference="bad-arch",
        hint=f"write it as torch does, --sm {meant or '12.1a'}: 12.1a is a GB10 alone, 12.1 what follows it as well",
    )


def require_consistent(archs: Sequence[Arch], environ: Mapping[str, str]) -> None:
    """Refuse a TORCH_CUDA_ARCH_LIST of the environment that says something else. Raises UsageError."""
    said = environ.get(VARIABLE)
    if said is None:
        return
    wanted = ";".join(map(str, archs))
    try:
        agrees = set(parse_archs(said)) == set(archs)
    except UsageError:
        agrees = False
    if not agrees:
        raise UsageError(
            f"{VARIABLE} in the environment is {said!r}, and --sm is {wanted}",
            reference="arch-contradiction",
            hint=f"take {VARIABLE} out of the environment, or say the same in --sm",
        )


def require_torch_accepts(archs: Sequence[Arch], torch_version: str) -> None:
    """Refuse what this torch's cpp_extension does not know. Raises UsageError (torch-too-old)."""
    for arch in archs:
        first = _FIRST_TORCH.get((arch.major, arch.minor))
        if first is not None and Version(torch_version).release < Version(first).release:
            raise UsageError(
                f"torch {torch_version} does not take {arch} in {VARIABLE}",
                reference="torch-too-old",
                hint=f"build against torch {first} or later",
            )


def first_nvcc_for(arch: Arch) -> str | None:
    """Name the first nvcc that compiles for an architecture; None: not known."""
    return next((str(first) for first, known in _FIRST_NVCC if (arch.major, arch.minor) in known), None)


def nvcc_knows(arch: Arch, codes: Sequence[str]) -> bool:
    """Tell whether nvcc compiles for it, by `nvcc --list-gpu-code`, which names no architectures with a suffix."""
    return f"sm_{arch.major}{arch.minor}" in codes or arch.sm in codes


def gencode_flags(archs: Sequence[Arch]) -> tuple[str, ...]:
    """Give the flags that nvcc is to get, as torch writes them."""
    flags = []
    for arch in archs:
        number = arch.sm.removeprefix("sm_")
        flags.append(f"-gencode=arch=compute_{number},code=sm_{number}")
        if arch.ptx:
            flags.append(f"-gencode=arch=compute_{number},code=compute_{number}")
    return tuple(flags)
