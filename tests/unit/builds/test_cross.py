"""What a build for another machine is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.builds.cross import cross_variables, python_headers
from scripts.errors import UsageError

TRIPLE = "aarch64-linux-gnu"


def test_names_and_compilers_are_the_targets(tmp_path: Path) -> None:
    (tmp_path / "lib" / "python3.12").mkdir(parents=True)
    told = cross_variables(TRIPLE, folder=tmp_path)
    assert told["SETUPTOOLS_EXT_SUFFIX"] == ".cpython-312-aarch64-linux-gnu.so"
    assert told["_PYTHON_HOST_PLATFORM"] == "linux-aarch64"
    assert (told["CC"], told["LDSHARED"]) == ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++ -shared")
    assert f"-L{tmp_path}/target/torch/lib" in told["LDFLAGS"].split()


@pytest.mark.parametrize(
    ("made", "said"), [(["python3.x"], "python3.x is no Python"), ([], "no Python to build for is in")]
)
def test_no_python_that_can_be_named(made: list[str], said: str, tmp_path: Path) -> None:
    for one in made:
        (tmp_path / "lib" / one).mkdir(parents=True)
    with pytest.raises(UsageError, match=said) as caught:
        cross_variables(TRIPLE, folder=tmp_path)
    assert caught.value.reference == "no-cross-build"


def test_the_headers_of_a_debian_python(tmp_path: Path) -> None:
    here = tmp_path / "usr" / "x86_64-linux-gnu" / "python3.12"
    here.mkdir(parents=True)
    (here / "pyconfig.h").write_text("#define SIZEOF_LONG 8\n")
    python_headers(TRIPLE, "python3.12", tmp_path / "target", system=tmp_path / "usr")
    laid = tmp_path / "target" / "include" / TRIPLE / "python3.12" / "pyconfig.h"
    assert laid.read_text() == "#define SIZEOF_LONG 8\n"


def test_another_pythons_headers_are_not_taken(tmp_path: Path) -> None:
    python_headers(TRIPLE, "python3.12", tmp_path / "target", system=tmp_path)
    assert not (tmp_path / "target").exists()
