"""A memory control group of the tests' own, of cgroup v1 or v2, in which the kernel really kills."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

V1 = Path("/sys/fs/cgroup/memory")
V2 = Path("/sys/fs/cgroup")


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """Give the file that takes a process into a group with a limit of so many bytes; skip where none can be made."""
    name = f"kokoro-spark-test-{os.getpid()}"
    for root, file in ((V1, "memory.limit_in_bytes"), (V2, "memory.max")):
        folder = root / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if not (folder / file).exists():
                continue
            (folder / file).write_text(str(limit))
            yield folder / "cgroup.procs"
        finally:
            folder.rmdir()
        return
    pytest.skip("no memory control group can be made here (it takes root, and cgroup v1 or v2 to write)")
