"""Fill a passport in: what a wheel's libraries hold and need, and what that says of the wheel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from scripts.model.target import ComputeCapability
from scripts.operations.passport_text import size_words
from scripts.operations.passporting import Asked
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.drivers import load_drivers, lowest_driver
from scripts.wheels.hashing import WRONG_HASH
from scripts.wheels.libraries import LibraryReading
from scripts.wheels.passport import (
    NOT_READ,
    READ_HERE,
    Fit,
    LibraryPassport,
    Passport,
    judge,
    most_device_code,
    with_code,
)
from scripts.wheels.sonames import cuda_major, load_sonames, not_provided, required_packages

_BUILT_FOR = "torch.cuda.get_arch_list()"
_NAMED = 10
"""Libraries that are named for one thing; the others are counted."""
_LARGE_DATA = 32_000_000
"""Bytes of one section of data from which on device code may be among it; cuFFT 12.5.0.14 has 228 million."""


def about_readings(
    readings: Sequence[LibraryReading], metadata: str | None, asked: Asked
) -> tuple[LibraryPassport, ...]:
    """Judge what was read here. Without METADATA it is a library of its own: who brings what it needs is not asked."""
    table = load_sonames(asked.context.constraints / "sonames.toml")
    packages = required_packages(parse_email(metadata or "")[0].get("requires_dist", ()), asked.target, table)
    own = {one.library.rpartition("/")[2] for one in readings}
    own |= {one.elf.soname for one in readings if one.elf is not None and one.elf.soname is not None}
    made = []
    for one in readings:
        needed = () if one.elf is None else one.elf.needed
        missing = () if metadata is None else not_provided(needed, own, packages, table)
        made.append(
            with_code(
                one.library,
                one.code,
                asked.capability,
                size=one.size,
                packed=one.packed,
                known=READ_HERE,
                machine=None if one.elf is None else one.elf.machine,
                soname=None if one.elf is None else one.elf.soname,
                needed=needed,
                missing=tuple(map(str, missing)),
                problem=one.problem,
                foreign=one.foreign,
                data=0 if one.elf is None else one.elf.data,
            )
        )
    return tuple(made)


def about_needs(passport: Passport, libraries: Sequence[LibraryPassport], asked: Asked) -> Passport:
    """Say what the libraries say of machine, CUDA and driver where the wheel's texts say something else or nothing."""
    machines = sorted({one.machine for one in libraries if one.machine is not None})
    if passport.fits and machines and str(asked.target.architecture) not in machines:
        passport = replace(passport, fits=False, fits_why=f"for its libraries are for {', '.join(machines)}")
    found = cuda_major(soname for one in libraries for soname in one.needed)
    if found is None or passport.cuda is not None:
        return passport
    drivers = load_drivers(asked.context.constraints / "drivers.toml")
    return replace(passport, cuda_needed=found[0], cuda_needed_by=found[1], driver=lowest_driver(drivers, found[0]))


def about_code(passport: Passport, libraries: Sequence[LibraryPassport], capability: ComputeCapability) -> Passport:
    """Say of the wheel what its library with the most device code says; else what torch was built for; else nothing."""
    main = most_device_code(libraries)
    ordered = tuple(sorted(libraries, key=lambda one: (-sum(one.fatbins.values()), -one.size, one.library)))
    # A wrong hash alone is in RECORD's own line.
    broken = [f"{one.library}: {one.problem}" for one in ordered if one.problem not in {"", WRONG_HASH}]
    foreign = [f"{one.library} is no ELF library ({one.foreign})" for one in ordered if one.foreign]
    passport = replace(
        passport,
        libraries=ordered,
        problems=(*passport.problems, *_shortened(broken)),
        notes=(*passport.notes, *_shortened(foreign)),
    )
    if main is not None:
        return replace(passport, fit=main.fit, part=main.part, why=main.why, decided_by=main.library)
    if passport.built_for is not None and any(one.known != READ_HERE for one in libraries):
        code = DeviceCode(library=_BUILT_FOR, fatbins={passport.built_for: 1})
        why = f"torch says that it was built for {passport.built_for}"
        return replace(passport, fit=judge(code, capability).fit, why=why, decided_by=_BUILT_FOR)
    if not libraries:
        return replace(passport, why="no libraries: nothing to run on a GPU")
    unknown = _unknown(passport, ordered)
    if unknown:
        return replace(passport, fit=Fit.UNKNOWN, why=unknown)
    return replace(passport, why="no device code: no library has fatbins")


def _unknown(passport: Passport, libraries: Sequence[LibraryPassport]) -> str:
    """Say why nobody can tell what is in libraries of which none shows fatbins; empty: there is no device code."""
    if any(one.problem not in {"", WRONG_HASH} for one in libraries):
        return "a library could not be read"
    if any(one.known == NOT_READ for one in libraries):
        return "its device code was not read"
    foreign = [one for one in libraries if one.foreign]
    if foreign:
        return f"{foreign[0].library} is no ELF library ({foreign[0].foreign})"
    if canonicalize_name(passport.name or "").startswith("nvidia-"):
        return "no library has fatbins, but NVIDIA's own may keep device code as data, as cuFFT does"
    large = max(libraries, key=lambda one: one.data)
    if large.data >= _LARGE_DATA:
        return f"no library has fatbins, but {large.library} holds {size_words(large.data)} of data: code may be in it"
    return ""


def _shortened(lines: Sequence[str]) -> list[str]:
    """Keep the first, and count the others."""
    rest = len(lines) - _NAMED
    return [*lines[:_NAMED], *([f"and {rest:,} more like that"] if rest > 0 else [])]
