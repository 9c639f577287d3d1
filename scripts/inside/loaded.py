"""The shared libraries of this process, and what an ELF file asks the dynamic linker for."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_NEEDED, _STRTAB, _STRSZ, _RPATH, _RUNPATH = 1, 5, 10, 15, 29
_LOAD, _DYNAMIC = 1, 2


def mapped(prefix: str) -> list[str]:
    """List the mapped files whose name starts with `prefix`, e.g. `libnvrtc.so`, in the order they lie in memory."""
    paths = (path for _, _, path in _mappings())
    return list(dict.fromkeys(path for path in paths if os.path.basename(path).startswith(prefix)))  # noqa: PTH119


def file_of(function: Any) -> str | None:
    """Name the mapped file that a function of a ctypes library lies in: of several that have it, the one in use."""
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    return next((path for start, end, path in _mappings() if start <= address < end), None)


def _mappings() -> Iterator[tuple[int, int, str]]:
    """Read which files are mapped where: first address, the one after the last, path. What has no file is left out."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/"):
            start, _, end = fields[0].partition("-")
            yield int(start, 16), int(end, 16), fields[5].removesuffix(" (deleted)")


def already_loaded(path: str) -> ctypes.CDLL | None:
    """Open a library only if this process has loaded it already."""
    try:
        return ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError:
        return None


def needed(path: Path) -> tuple[list[str], list[str]]:
    """Give an ELF file's DT_NEEDED names and its search folders (DT_RPATH, DT_RUNPATH; $ORIGIN resolved).

    Only 64-bit little-endian files: x86_64 and aarch64. Raises ValueError for anything else.
    """
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path} is no 64-bit little-endian ELF file")
    entries, text = _dynamic(data)
    names = [text(value) for tag, value in entries if tag == _NEEDED]
    folders = [text(value) for tag, value in entries if tag in {_RPATH, _RUNPATH}]
    origin = str(path.resolve().parent)
    return names, [part.replace("$ORIGIN", origin) for folder in folders for part in folder.split(":") if part]


def _dynamic(data: bytes) -> tuple[list[tuple[int, int]], Callable[[int], str]]:
    """Read the dynamic section's (tag, value) pairs and give a function from string offset to string."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, start + number * size) for number in range(count)]
    loads = [(header[3], header[2], header[5]) for header in headers if header[0] == _LOAD]

    def offset(address: int) -> int:
        for virtual, position, length in loads:
            if virtual <= address < virtual + length:
                return int(position + address - virtual)
        raise ValueError("an address outside every segment")

    entries: list[tuple[int, int]] = []
    for header in headers:
        if header[0] == _DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", data[header[2] : header[2] + header[5] // 16 * 16]))
    values = dict(reversed(entries))
    if _STRTAB not in values:
        raise ValueError("no dynamic string table")
    table = offset(values[_STRTAB])
    strings = data[table : table + values.get(_STRSZ, 0)]

    def text(position: int) -> str:
        return strings[position : strings.index(b"\0", position)].decode()

    return entries, text
