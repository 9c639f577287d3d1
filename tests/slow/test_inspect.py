"""The real aarch64 wheels, fetched by the tool itself, against cuobjdump: counts and memory."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.home import CHECKOUT
from scripts.shell import run
from tests.slow.conftest import MINUTES
from tests.support.cuobjdump import as_listed, find_cuobjdump, list_code

pytestmark = pytest.mark.slow

MEMORY = 300_000_000
"""Bytes that a passport may take."""
INSPECT = """
import json, resource, sys
from pathlib import Path
from scripts.home import Home
from scripts.model.target import GB10, Architecture, PythonVersion, Target
from scripts.operations.context import Context
from scripts.operations.inspecting import inspect_wheel
from scripts.serial import to_data
what, home, download = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "download"
target = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
found = inspect_wheel(what, Context(home=Home(root=home)), sm=GB10, target=target, download=download)
print(json.dumps({
    "exit": int(found.exit_code),
    "passport": to_data(found.passport),
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
"""


def inspect(what: str | Path, home: Path, *, download: bool = False) -> dict[str, Any]:
    """In a process of its own, so that its memory can be told."""
    done = run(
        [sys.executable, "-c", INSPECT, str(what), str(home), "download" if download else "read"],
        cwd=CHECKOUT,
        timeout=20 * MINUTES,
    )
    assert done.ok, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["exit"] == 0, found["passport"]["problems"]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inspect")


@pytest.mark.parametrize("version", ["2.14.1", "2.15.0"])
def test_torch_for_a_spark(home: Path, tmp_path: Path, version: str) -> None:
    cuobjdump = find_cuobjdump(tmp_path / "cuobjdump")
    inspect(f"torch=={version}", home, download=True)
    wheel = next((home / "cache" / "wheels").rglob(f"torch-{version}-*.whl"))
    found = inspect(wheel, home)
    passport = found["passport"]
    libraries = {one["library"]: one for one in passport["libraries"]}
    main = libraries["torch/lib/libtorch_cuda.so"]

    assert passport["fit"] == main["fit"] == "runs by the same-major rule"
    assert passport["decided_by"] == "torch/lib/libtorch_cuda.so"
    assert main["cubins"]["sm_121a"] == 1
    assert main["ptx"] == {}
    assert main["cubins"]["sm_120"] == sum(main["fatbins"].values())
    assert not any(one["missing"] for one in libraries.values())
    assert passport["fits"]

    for name, one in libraries.items():
        with zipfile.ZipFile(wheel) as archive:
            path = Path(archive.extract(name, tmp_path))
        listed = list_code(cuobjdump, path)
        path.unlink()
        assert as_listed(one["cubins"], one["ptx"]) == listed, name
    assert found["memory"] <= MEMORY


def test_what_is_read_from_afar_agrees(home: Path) -> None:
    """No more than 20 MB; what it says is what the whole wheel says."""
    remote = inspect("torch==2.15.0", home)["passport"]
    whole = inspect("torch==2.15.0", home, download=True)["passport"]
    assert remote["bytes_read"] <= 20_000_000
    assert remote["requests"] <= 30
    assert {**remote["record"], "hashes_read": True} == whole["record"]
    for field in ("name", "tags", "cuda", "nvrtc", "triton", "sha256", "size", "fit"):
        assert remote[field] == whole[field], field
