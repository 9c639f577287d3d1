"""Which CUDA symbols a torch's libraries import, and from which library of CUDA's."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from scripts.errors import BuildError

_SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym: name, info, other, section, value, size
_WEAK = 2

_STANDINS = (
    ("libcudart.so", r"_{0,2}cuda[A-Z]"),
    ("libcublasLt.so", r"cublasLt[A-Z]"),
    ("libcublas.so", r"cublas[A-Z]"),
    ("libcudnn.so", r"cudnn[A-Z]"),
    ("libcufft.so", r"cufft[A-Z]"),
    ("libcurand.so", r"curand[A-Z]"),
    ("libcusolver.so", r"cusolver[A-Z]"),
    ("libcusparseLt.so", r"cusparseLt[A-Z]"),
    ("libcusparse.so", r"cusparse[A-Z]"),
    ("libcufile.so", r"cuFile[A-Z]"),
    ("libcupti.so", r"cupti[A-Z]"),
    ("libnccl.so", r"nccl[A-Z]"),
    ("libnvshmem_host.so", r"nvshmem"),
    ("libnvToolsExt.so", r"nvtx[A-Z]"),
    ("libcuda.so", r"cu[A-Z]"),  # last: the other prefixes begin with its own
)
"""The libraries that are stood in for: how their file's name begins, and their functions'."""

_REAL = ("libnvrtc.so",)
"""Of CUDA, but never faked: it is what is being tested."""

_HOST = re.compile(r"(?:lib(?:c|dl|gcc_s|gfortran|gomp|m|pthread|quadmath|rt|stdc\+\+|z)|ld-linux-[\w-]+)\.so\.\d+")
"""Libraries of any Linux machine, or of the wheel itself."""

_HOST_NAMES = re.compile(r"_Z|_?Py|__cxa_|__gxx_personality_v0$|pthread_|dl(?:open|sym|close|error)$")
"""Symbols that torch's libraries import without a version and that are of the C++ library, Python or libc."""


@dataclass(frozen=True, order=True)
class Import:
    """One undefined symbol. `version` and `library` are empty where the symbol has no version."""

    name: str
    version: str = ""
    library: str = ""


@dataclass(frozen=True, kw_only=True)
class LibrarySymbols:
    """What one shared library needs and gives. Weak imports are left out: nothing fails without them."""

    name: str
    needed: tuple[str, ...]
    imports: tuple[Import, ...]
    defined: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Standin:
    """One library to stand in for: its SONAME, and what torch imports of it, as (name, version) pairs, sorted."""

    soname: str
    imports: tuple[tuple[str, str], ...]

    @property
    def stem(self) -> str:
        """Give `libcudart` of `libcudart.so.13`."""
        return self.soname.partition(".")[0]


def read_torch(folder: Path) -> tuple[LibrarySymbols, ...]:
    """Read every library of torch/lib. Raises BuildError (unreadable-library) where one is damaged."""
    return tuple(read_library(path) for path in sorted(folder.glob("lib*.so*")) if path.is_file())


def read_library(path: Path) -> LibrarySymbols:
    """Read one library's dynamic section and symbols. Raises BuildError (unreadable-library)."""
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            symbols = list(_symbols(elf))
            dynamic = elf.get_section_by_name(".dynamic")
            tags: Iterable[Any] = dynamic.iter_tags("DT_NEEDED") if isinstance(dynamic, DynamicSection) else ()
            needed = [str(tag.needed) for tag in tags]
    except (OSError, ELFError, ValueError, struct.error) as error:
        raise BuildError(
            f"{path} cannot be read: {error}", reference="unreadable-library", hint="install this torch again"
        ) from error
    return LibrarySymbols(
        name=path.name,
        needed=tuple(needed),
        imports=tuple(sorted({one for one, is_defined in symbols if not is_defined})),
        defined=frozenset(one.name for one, is_defined in symbols if is_defined),
    )


def _symbols(elf: ELFFile) -> Iterator[tuple[Import, bool]]:
    """Give each dynamic symbol, and whether it is defined here.

    The tables are unpacked whole: pyelftools' symbol by symbol takes minutes for torch's 100,000.
    """
    names, table, numbers = (_section(elf, name) for name in (".dynstr", ".dynsym", ".gnu.version"))
    versions = _needed_versions(elf)
    # A library without versions has no table of them.
    indices = struct.iter_unpack("<H", numbers or bytes(2 * (len(table) // _SYMBOL.size)))
    for (name_at, info, _, section, _, _), (index,) in zip(_SYMBOL.iter_unpack(table), indices, strict=True):
        name = names[name_at : names.index(b"\0", name_at)].decode()
        if not name or (section == 0 and info >> 4 == _WEAK):
            continue
        library, version = versions.get(index, ("", ""))
        yield Import(name, version, library), section != 0


def _section(elf: ELFFile, name: str) -> bytes:
    section = elf.get_section_by_name(name)
    return b"" if section is None else bytes(section.data())


def _needed_versions(elf: ELFFile) -> dict[int, tuple[str, str]]:
    """Map the version numbers of imported symbols to (library, version)."""
    section = elf.get_section_by_name(".gnu.version_r")
    if not isinstance(section, GNUVerNeedSection):
        return {}
    return {one["vna_other"]: (str(need.name), str(one.name)) for need, ones in section.iter_versions() for one in ones}


def standins(libraries: Iterable[LibrarySymbols]) -> tuple[Standin, ...]:
    """List the libraries to stand in for and what each must define. Pure.

    A symbol that no library of torch's defines belongs to the library that its version names, else to the one that its
    prefix does.

    Raises BuildError (unknown-imports), naming them, where a symbol or a needed library belongs to nothing known.
    """
    read = tuple(libraries)
    own = {one.name for one in read}
    defined = frozenset().union(*(one.defined for one in read))
    sonames = {name for one in read for name in one.needed} - own
    unknown = {name for name in sonames if not _is_known(name)}
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in sonames if _family(name)}
    for one in sorted({one for library in read for one in library.imports}):
        if one.name in defined or one.library in own or _HOST.fullmatch(one.library) or _is_real(one.library):
            continue
        soname = one.library or _by_prefix(one.name, found)
        if soname in found:
            found[soname].add((one.name, one.version))
        elif one.library or not _HOST_NAMES.match(one.name):
            unknown.add(f"{one.name}@{one.version}" if one.version else one.name)
    if unknown:
        raise BuildError(
            f"this torch imports {len(unknown)} names that the simulated GPU does not know",
            context="\n".join(sorted(unknown)),
            hint="say in tests/simulated_gpu/symbols.py which library they are of",
            reference="unknown-imports",
        )
    return tuple(Standin(soname=name, imports=tuple(sorted(found[name]))) for name in sorted(found))


def _family(soname: str) -> str | None:
    return next((prefix for prefix, _ in _STANDINS if soname == prefix or soname.startswith(prefix + ".")), None)


def _is_real(soname: str) -> bool:
    return soname.startswith(_REAL)


def _is_known(soname: str) -> bool:
    return _family(soname) is not None or _is_real(soname) or _HOST.fullmatch(soname) is not None


def _by_prefix(name: str, sonames: Iterable[str]) -> str:
    """Give the needed library that a symbol's prefix names; empty: none."""
    family = next((prefix for prefix, pattern in _STANDINS if re.match(pattern, name)), None)
    return next((soname for soname in sonames if family and _family(soname) == family), "")
