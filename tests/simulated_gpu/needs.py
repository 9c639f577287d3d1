"""What tests of the simulated tier need, and how they say so where it is missing; in CI that is a failure."""

from __future__ import annotations

import os
import platform
import shutil

import pytest

_MAY_SKIP = os.environ.get("CI") != "true"
COMPILER = pytest.mark.skipif(
    _MAY_SKIP and shutil.which("gcc") is None, reason="there is no gcc (on Debian: apt-get install gcc libc6-dev)"
)
X86 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="torch 2.9.1 of the default index is a CPU-only build for this machine"
)
