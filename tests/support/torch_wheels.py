"""A wheel laid out as torch's are, as large as matters: a directory of its own size, libraries that do not deflate."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path

from scripts.wheels.writer import metadata_text, wheel_filename

TAG = "cp312-cp312-manylinux_2_28_aarch64"
MEMBER = "torch/lib/libtorch_python.so"
STATES = "sm_80 sm_90 sm_100 sm_110 sm_120"
ENTRIES = 4000
MB = 1_000_000


def large_wheel(
    folder: Path,
    version: str,
    *requires: str,
    states: str | None = STATES,
    method: int = zipfile.ZIP_DEFLATED,
    zip64: bool = False,
    before: int = 14 * MB,
) -> Path:
    """Write some 30 MB, in which the list of architectures lies 5 MB into libtorch_python.so (None: there is none)."""
    noise = random.Random(version)
    metadata = metadata_text("torch", version, *(("Requires-Dist", line) for line in requires))
    said = b"" if states is None else b"\0" + states.encode() + b"\0"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / wheel_filename("torch", version, TAG)
    with zipfile.ZipFile(path, "w", method) as archive:
        for number in range(ENTRIES):
            archive.writestr(f"torch/include/ATen/ops/some_operator_of_torch_{number:04}_native.h", b"")
        contents = {
            "torch/lib/libtorch_cpu.so": noise.randbytes(before),
            MEMBER: noise.randbytes(5 * MB) + said + noise.randbytes(10 * MB),
            f"torch-{version}.dist-info/METADATA": metadata.encode(),
        }
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=zip64) as stream:
                stream.write(content)
    return path


def entry_of(data: bytes, member: str) -> int:
    """Find a member's entry in the directory (APPNOTE.TXT 4.3.12)."""
    return data.rindex(member.encode()) - 46


def changed(data: bytes, position: int, layout: str, *values: int) -> bytes:
    """Overwrite numbers."""
    copy = bytearray(data)
    struct.pack_into(layout, copy, position, *values)
    return bytes(copy)
