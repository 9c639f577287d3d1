"""A docker-archive of any architecture: `docker import` labels what it is given as this machine's."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write_archive(path: Path, name: str, files: Mapping[str, bytes], *, architecture: str) -> Path:
    """Write an image of one layer for `docker load`; its files are executable. `architecture` as Go names it."""
    layer = _tar(files)
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created": "2026-01-01T00:00:00Z"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer/layer.tar"]}]
    path.write_bytes(
        _tar({config_name: config, "layer/layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})
    )
    return path


def foreign_program(machine: int) -> bytes:
    """Give a program for another machine, of its header alone. `machine` is ELF's: 183 is aarch64, 62 x86_64."""
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    numbers = (2).to_bytes(2, "little") + machine.to_bytes(2, "little") + (1).to_bytes(4, "little")
    addresses = (0x400078).to_bytes(8, "little") + (64).to_bytes(8, "little") + bytes(8)
    sizes = b"".join(one.to_bytes(2, "little") for one in (64, 56, 1, 64, 0, 0))
    segment = (1).to_bytes(4, "little") + (5).to_bytes(4, "little") + bytes(8) + 2 * (0x400000).to_bytes(8, "little")
    segment += 2 * (120).to_bytes(8, "little") + (4096).to_bytes(8, "little")
    return ident + numbers + addresses + bytes(4) + sizes + segment


def _tar(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()
