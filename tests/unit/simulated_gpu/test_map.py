"""The map of the package, in its docstring, has every file once."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests import simulated_gpu
from tests.simulated_gpu import arm64

FOLDER = Path(simulated_gpu.__file__).parent
ARM64 = Path(arm64.__file__).parent


def names(folder: Path) -> list[str]:
    left_out = re.compile(r"__.*|\..*|test_.*")
    return sorted(path.name + "/" * path.is_dir() for path in folder.iterdir() if left_out.fullmatch(path.name) is None)


PARTS = [
    *(pytest.param(simulated_gpu, name, id=name) for name in names(FOLDER)),
    *(pytest.param(arm64, name, id=f"arm64/{name}") for name in names(ARM64)),
]


@pytest.mark.parametrize(("package", "name"), PARTS)
def test_each_file_is_in_the_map_once(package: ModuleType, name: str) -> None:
    assert len(re.findall(rf"(?<![\w/]){re.escape(name)}", package.__doc__ or "")) == 1


def test_the_map_names_no_file_that_is_not_there() -> None:
    said = re.findall(r"(?<![\w/*])[\w]+\.(?:py|txt)\b", simulated_gpu.__doc__ or "")
    assert said
    assert set(said) <= set(names(FOLDER))
