"""Our reader of device code against NVIDIA's own, cuobjdump: from PATH, else from its wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.wheels.devicecode import read_device_code
from tests.support.cuobjdump import as_listed, find_cuobjdump, list_code

pytestmark = pytest.mark.integration

FATBINS = Path(__file__).parents[1] / "data" / "fatbins"


@pytest.fixture(scope="module")
def cuobjdump(tmp_path_factory: pytest.TempPathFactory) -> str:
    return find_cuobjdump(tmp_path_factory.mktemp("cuobjdump"))


@pytest.mark.parametrize("name", ["plain.so", "compressed.so", "relocatable.so", "bare.fatbin", "hopper.so"])
def test_cuobjdump_lists_the_same(cuobjdump: str, name: str) -> None:
    found = read_device_code(FATBINS / name)
    assert as_listed(found.cubins, found.ptx) == list_code(cuobjdump, FATBINS / name)
