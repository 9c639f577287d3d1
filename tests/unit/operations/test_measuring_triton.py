from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from scripts.errors import BrokenError, IntegrityError, NoCandidateError
from scripts.operations import measuring_triton
from scripts.operations.context import Context
from scripts.operations.measuring_triton import measure_triton, read_choices
from scripts.shell import Completed
from tests.support.pages import index_file

SUFFIX = 'suffix = "a" if capability >= 90 else ""\n'
NEWEST = f"""\
    if arch < 90:
        return knobs.nvidia.ptxas
    # The name is misleading.
    return knobs.nvidia.ptxas_blackwell
{SUFFIX}"""


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("            suffix = 'a ' if capability == 90 else ' '\n", {"specific_from": 90, "specific_until": 90}),
        ("            suffix = 'a' if capability == 90 else ''\n", {"specific_from": 90, "specific_until": 90}),
        (SUFFIX, {"specific_from": 90}),
        (
            f'name = "ptxas-blackwell" if arch >= 100 else "ptxas"\n{SUFFIX}',
            {"blackwell_from": 100, "specific_from": 90},
        ),
        (
            f"    return knobs.nvidia.ptxas_blackwell if arch >= 100 else knobs.nvidia.ptxas\n{SUFFIX}",
            {"blackwell_from": 100, "specific_from": 90},
        ),
        (
            NEWEST,
            {"blackwell_from": 90, "specific_from": 90},
        ),
    ],
)
def test_how_each_release_chooses(source: str, fields: dict[str, int]) -> None:
    assert read_choices(source, "3.9.0") == fields


@pytest.mark.parametrize("source", ["", f"return ptxas_blackwell if rubin else ptxas\n{SUFFIX}"])
def test_another_way_of_choosing_is_not_guessed_at(source: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_choices(source, "4.0")
    assert caught.value.reference == "unknown-choice"


def wheel(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"triton/backends/nvidia/{name.replace('__', '/').replace('_py', '.py')}", text)
    return buffer.getvalue()


class Machine:
    """A context with one wheel on its index and assemblers that know what they are told to."""

    def __init__(self, home: Path, data: bytes, *, knows: set[str], failure: str = "") -> None:
        self.cache = home
        self.data = data
        self.knows = knows
        self.failure = failure
        self.home = self.web = self.facts = self.host = self
        self.architecture = "x86_64"

    def index(self, _url: None) -> Machine:
        return self

    def project(self, _name: str) -> tuple[Any, ...]:
        return (index_file("triton-3.5.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"),)

    def download(self, _url: str, path: Path, **_: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path

    def run(self, argv: Sequence[str], **_: object) -> Completed:
        assert Path(argv[0]).stat().st_mode & 0o100
        code, out, err = 0, "", ""
        if argv[1] == "--version":
            out = "Cuda compilation tools, release 12.8, V12.8.93\nBuild cuda_12.8.r12.8/compiler.35583870_0\n"
        elif self.failure:
            code, err = 1, self.failure
        elif argv[2] in self.knows:
            Path(argv[-1]).write_bytes(b"cubin")
        else:
            code, err = 255, f"ptxas fatal   : Value '{argv[2]}' is not defined for option 'gpu-name'"
        return Completed(argv=tuple(argv), returncode=code, stdout=out, stderr=err, seconds=0.0)


def measure(machine: Machine, version: str = "3.5.1") -> Any:
    return measure_triton(version, cast("Context", machine))


GOOD = wheel(compiler_py=SUFFIX, bin__ptxas="program")


def test_a_release_is_measured_and_its_wheel_removed(tmp_path: Path) -> None:
    row = measure(Machine(tmp_path, GOOD, knows={"sm_90a", "sm_75", "sm_120a"}))
    (assembler,) = row.assemblers
    assert (assembler.name, assembler.version) == ("ptxas", "12.8.93")
    assert assembler.knows == ("sm_75", "sm_90a", "sm_120a")
    assert set(assembler.knows) | set(assembler.refuses) == set(measuring_triton.ARCHITECTURES)
    assert (row.version, row.specific_from, row.blackwell_from) == ("3.5.1", 90, None)
    assert row.how == "invoke wheel.measure triton==3.5.1  # x86_64, no GPU"
    assert list((tmp_path / "wheels").iterdir()) == []


def test_an_assembler_that_fails_otherwise_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="no refusal") as caught:
        measure(Machine(tmp_path, GOOD, knows=set(), failure="Killed"))
    assert caught.value.reference == "assembler-broken"


@pytest.mark.parametrize("data", [b"", wheel(compiler_py=SUFFIX), wheel(bin__ptxas="program"), GOOD[:-9]])
def test_a_wheel_without_its_parts(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        measure(Machine(tmp_path, data, knows=set()))
    assert caught.value.reference == "bad-wheel"


def test_a_release_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoCandidateError, match=r"no triton 9\.9"):
        measure(Machine(tmp_path, GOOD, knows=set()), "9.9")
