"""Another NVRTC in the place of the one that torch's wheel pins, which its DT_RPATH would find first.

Preloaded, a library of the SONAME that torch asks for is the one that it gets. An NVRTC of another CUDA major is given
that name.
"""

from __future__ import annotations

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from scripts.errors import UsageError
from tests.simulated_gpu.soname import renamed

ASKED_BY = "libcaffe2_nvrtc.so"
"""The library of torch's that the Jiterator reaches NVRTC through."""


def nvrtc_libraries(folder: Path, torch_folder: Path, scratch: Path) -> tuple[Path, ...]:
    """List what to preload so that the torch of `torch_folder` loads the NVRTC in `folder`: the builtins come first.

    `scratch` takes a renamed copy where one is needed.

    Raises UsageError (no-nvrtc) where no NVRTC is there, or torch asks for none.
    """
    libraries = sorted(path for path in folder.glob("libnvrtc.so.*") if ".alt." not in path.name)
    builtins = sorted(path for path in folder.glob("libnvrtc-builtins.so.*") if ".alt." not in path.name)
    if not libraries or not builtins:
        raise UsageError(
            f"{folder} holds no NVRTC",
            context="libnvrtc.so.* and libnvrtc-builtins.so.* are looked for",
            reference="no-nvrtc",
            hint="name the lib folder of a wheel's, e.g. nvidia/cuda_nvrtc/lib",
        )
    wanted = asked_for(torch_folder / "lib" / ASKED_BY)
    found = libraries[0]
    if soname(found) != wanted:
        scratch.mkdir(parents=True, exist_ok=True)
        copy = scratch / wanted
        copy.write_bytes(renamed(found.read_bytes(), wanted))
        found = copy
    return (*builtins, found)


def asked_for(library: Path) -> str:
    """Give the name of the NVRTC that a library asks the dynamic linker for. Raises UsageError (no-nvrtc)."""
    names = [name for name in _tags(library, "DT_NEEDED", "needed") if name.startswith("libnvrtc.so")]
    if not names:
        raise UsageError(
            f"{library} asks for no NVRTC", reference="no-nvrtc", hint="name an environment whose torch has CUDA"
        )
    return names[0]


def soname(library: Path) -> str:
    """Give a library's own name; empty: it has none."""
    return next(iter(_tags(library, "DT_SONAME", "soname")), "")


def _tags(library: Path, tag: str, attribute: str) -> list[str]:
    try:
        with library.open("rb") as stream:
            dynamic = ELFFile(stream).get_section_by_name(".dynamic")
            if not isinstance(dynamic, DynamicSection):
                return []
            return [str(getattr(one, attribute)) for one in dynamic.iter_tags(tag)]
    except (OSError, ELFError) as error:
        raise UsageError(
            f"{library} cannot be read: {error}", reference="no-nvrtc", hint="name an environment whose torch has CUDA"
        ) from error
