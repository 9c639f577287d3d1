"""Who provides the shared libraries that a wheel's libraries need. Data is in constraints/sonames.toml."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.model.target import Target
from scripts.serial import from_data
from scripts.wheels.metadata import needed
from scripts.wheels.tables import read_toml

_TOOLKIT = "cuda-toolkit"
_CUDA_MAJOR = re.compile(r"lib(?:cudart|cublas|cublasLt|nvrtc)\.so\.(1[2-9]|[2-9][0-9])")
"""From 12 on; what is named like them before (libnvrtc.so.11.2) is another scheme."""


class ProviderKind(StrEnum):
    """Where a library comes from."""

    SYSTEM = "system"
    DRIVER = "driver"
    PACKAGE = "package"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One source of libraries. `packages` are patterns over PEP 503 names, any of which brings all `sonames`."""

    kind: ProviderKind
    packages: tuple[str, ...]
    sonames: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SonameTable:
    """Every provider, when and how they were read, and what each extra of cuda-toolkit brings."""

    read: str
    how: str
    provider: tuple[Provider, ...]
    toolkit: dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A library that is needed, and that neither the wheel, its requirements, the system nor the driver has."""

    soname: str
    known: tuple[str, ...]
    """Packages that have it, none of which is required; none: the table names nobody."""

    def __str__(self) -> str:
        """`libnccl.so.2 (in nvidia-nccl-cu13, which is not required)`."""
        whose = f"in {' or '.join(self.known)}, which is not required" if self.known else "nobody known provides it"
        return f"{self.soname} ({whose})"


def load_sonames(path: Path) -> SonameTable:
    """Read constraints/sonames.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(SonameTable, read_toml(path), what=str(path))


def required_packages(lines: Iterable[str], target: Target, table: SonameTable) -> tuple[str, ...]:
    """Name the projects that Requires-Dist lines ask for on a target, those of cuda-toolkit's extras with it.

    What a project requires in its turn is not followed but for cuda-toolkit: torch names all that it loads.
    """
    found: dict[str, None] = {}
    for requirement in needed(lines, target):
        found[canonicalize_name(requirement.name)] = None
        if canonicalize_name(requirement.name) == _TOOLKIT:
            chosen = table.toolkit if "all" in requirement.extras else sorted(requirement.extras)
            found.update(dict.fromkeys(name for extra in chosen for name in table.toolkit.get(extra, ())))
    return tuple(found)


def unreadable_requirements(lines: Iterable[str]) -> tuple[str, ...]:
    """Name the Requires-Dist lines that are none: installers pass them over, or refuse the wheel."""
    found = []
    for line in lines:
        try:
            Requirement(line)
        except (ValueError, RecursionError):  # packaging's own, int's of too many digits, markers in brackets
            found.append(line)
    return tuple(found)


def cuda_major(needed: Iterable[str]) -> tuple[str, str] | None:
    """Tell CUDA's major version from what libraries need, with the library that says so: the highest; None: none does.

    Only of those whose number is CUDA's own; cuDNN's and cuFFT's is not.
    """
    found = [(int(match[1]), soname) for soname in needed if (match := _CUDA_MAJOR.fullmatch(soname))]
    major = max((number for number, _ in found), default=None)
    if major is None:
        return None
    first = min(
        (one for number, one in found if number == major), key=lambda one: (not one.startswith("libcudart"), one)
    )
    return str(major), first


def not_provided(
    needed: Iterable[str], own: Collection[str], packages: Collection[str], table: SonameTable
) -> tuple[Missing, ...]:
    """Find what nobody brings. `own`: file names and SONAMEs in the wheel; `packages`: what it requires."""
    missing = []
    for soname in dict.fromkeys(needed):
        providers = [one for one in table.provider if soname in one.sonames]
        if soname in own or any(_is_there(one, packages) for one in providers):
            continue
        known = tuple(name for one in providers for name in one.packages)
        missing.append(Missing(soname=soname, known=known))
    return tuple(missing)


def _is_there(provider: Provider, packages: Collection[str]) -> bool:
    """Tell whether a provider is on the machine: the system and its driver are, a package where it is required."""
    if provider.kind is not ProviderKind.PACKAGE:
        return True
    return any(fnmatchcase(package, pattern) for package in packages for pattern in provider.packages)
