"""An NVRTC of another CUDA under the name that torch asks the dynamic linker for.

No torch wheel of the default index for aarch64 has NVRTC 12.8: its CUDA builds begin with CUDA 13. What a wheel of the
cu128 lane does on a GB10 is therefore shown with that NVRTC in the place of the wheel's own. The linker wants two
things of it: the SONAME `libnvrtc.so.13`, and its functions in a version of that name.
"""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection
from elftools.elf.sections import StringTableSection

from scripts.errors import IntegrityError
from scripts.model.target import Target
from scripts.operations.context import Context
from tests.simulated_gpu.arm64.kept import kept
from tests.simulated_gpu.arm64.packages import install

OLDER = "12.8.93"
"""The newest NVRTC that does not know sm_121 (facts: when the patch is needed)."""
OLDER_PIN = (
    f"nvidia-cuda-nvrtc-cu12=={OLDER} --hash=sha256:fc1fec1e1637854b4c0a65fb9a8346b51dd9ee69e61ebaccc82058441f15bce8\n"
)
_VERSION_DEFINITION = struct.Struct("<HHHHIII")  # Elf64_Verdef: version, flags, index, count, hash, aux, next


def older_nvrtc(soname: str, target: Target, context: Context) -> Path:
    """Give a folder with the older NVRTC as `soname` and its builtins, made once.

    Raises what installing raises, and IntegrityError where its library can't be renamed.
    """

    def make(folder: Path) -> None:
        wheel = folder / "wheel"
        install(OLDER_PIN, wheel, target, context)
        library = next(wheel.rglob("libnvrtc.so.*"))
        (folder / soname).write_bytes(renamed(library.read_bytes(), soname))
        for builtins in wheel.rglob("libnvrtc-builtins.so.*"):
            builtins.rename(folder / builtins.name)
        shutil.rmtree(wheel)

    return kept(f"nvrtc-{OLDER}", OLDER_PIN + soname, context.home, make)


def renamed(library: bytes, soname: str) -> bytes:
    """Give a shared library another SONAME of the same length, and its symbol versions of the old name the new one.

    Raises IntegrityError where its old name has another length, or it has none.
    """
    elf = ELFFile(io.BytesIO(library))
    dynamic, strings = elf.get_section_by_name(".dynamic"), elf.get_section_by_name(".dynstr")
    if not isinstance(dynamic, DynamicSection) or not isinstance(strings, StringTableSection):
        raise _cannot("it is no shared library")
    old = next((strings.get_string(tag.entry.d_val) for tag in dynamic.iter_tags("DT_SONAME")), "")
    if not old or len(old) != len(soname):
        raise _cannot(f"its name {old!r} has another length than {soname!r}")
    changed = bytearray(library)
    place = strings["sh_offset"] + strings.data().index(old.encode() + b"\0")
    changed[place : place + len(old)] = soname.encode()
    versions = elf.get_section_by_name(".gnu.version_d")
    if isinstance(versions, GNUVerDefSection):
        _rename_versions(changed, versions["sh_offset"], old, soname)
    return bytes(changed)


def _rename_versions(library: bytearray, place: int, old: str, new: str) -> None:
    """Change the hash of each version definition of that name: its text is the SONAME's, in the string table once."""
    while True:
        *_, number, _, to_next = _VERSION_DEFINITION.unpack_from(library, place)
        if number == elf_hash(old):
            struct.pack_into("<I", library, place + 8, elf_hash(new))
        if not to_next:
            return
        place += to_next


def elf_hash(name: str) -> int:
    """Hash a name as the System V ABI does."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value ^= (value & 0xF0000000) >> 24
        value &= 0x0FFFFFFF
    return value


def _cannot(why: str) -> IntegrityError:
    return IntegrityError(
        f"an NVRTC cannot be renamed: {why}",
        reference="nvrtc-not-renamed",
        hint="another release may do; this one was never seen to fail",
    )
