"""Rows written into a copy of the tables, from tiny wheels and a probe that answers from a script."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, IntegrityError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.facts import IndexSettings
from scripts.model.target import GB10, Architecture
from scripts.operations.context import Context
from scripts.operations.measuring import CAPABILITIES, measure, releases
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.measured import MeasuredWheel, load_measured
from scripts.wheels.nvrtc import load_nvrtc, look_up
from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.answering import AnsweringRunner, failed, passed
from tests.support.contexts import context
from tests.support.machines import PC
from tests.unit.operations.wheel_web import MEMBER, PC_TAG, SPARK_TAG, File, WheelWeb, nvrtc_file, torch_file
from tests.unit.operations.worlds import DEFAULT

FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=DEFAULT))
FATBINS = Path(__file__).parents[2] / "data" / "fatbins"
PLAIN = "sm_80 sm_90 sm_120 sm_121a compute_120 compute_121a"
NVRTC = "nvidia-cuda-nvrtc==13.2.86"


def answering(known: int = 120, *, code: int = 5) -> AnsweringRunner:
    """An NVRTC that knows every architecture up to a number."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        compiles = {}
        for target in request["targets"]:
            number = int(target.replace(".", ""))
            ok = number <= known
            compiles[f"sm_{number}"] = {"ok": ok, "code": 0 if ok else code, "name": "" if ok else "NVRTC_ERROR"}
        return passed(compiles=compiles)

    return AnsweringRunner(answer)


def real_torch(version: str, tag: str, *requires: str, libraries: dict[str, bytes] | None = None) -> File:
    """Make a torch with real device code, unless `libraries` says otherwise."""
    plain = (FATBINS / "plain.so").read_bytes()
    files = {
        "torch/lib/libtorch_cuda.so": plain + bytes(8),
        "torch/lib/libempty.so": plain.replace(b".nv_fatbin\0", b".no_fatbin\0"),
        MEMBER: plain.replace(b".nv_fatbin\0", b".no_fatbin\0") + b"\0sm_80 sm_120\0",
    }
    metadata = metadata_text("torch", version, *(("Requires-Dist", line) for line in requires))
    data = wheel_bytes(
        name="torch", version=version, files=files if libraries is None else libraries, metadata=metadata, tag=tag
    )
    return dataclasses.replace(torch_file(version, *requires, tag=tag), data=data)


@pytest.fixture
def constraints(tmp_path: Path) -> Path:
    """The tables, to be written into."""
    copied = tmp_path / "constraints"
    copied.mkdir()
    for path in CONSTRAINTS.glob("*.toml"):
        shutil.copy(path, copied)
    return copied


def made(constraints: Path, web: WheelWeb, run: AnsweringRunner | None = None) -> Context:
    return context(constraints.parent, FACTS, web=web, run=run or answering(), constraints=constraints)


def cached(given: Context) -> list[Path]:
    return [path for path in given.home.cache.rglob("*") if path.is_file()]


def test_an_nvrtc_is_asked_for_every_capability(constraints: Path) -> None:
    run = answering()
    given = made(constraints, WheelWeb().add(nvrtc_file("99.0.1")), run)
    found = measure("nvidia-cuda-nvrtc==99.0.1", None, given)
    assert run.requests[0]["targets"] == [str(one) for one in CAPABILITIES]
    row = load_nvrtc(constraints / "nvrtc.toml").nvrtc[-1]
    assert (row.version, row.package) == ("99.0.1", "nvidia-cuda-nvrtc")
    assert row.refuses == ("sm_121",)
    assert row.compiles == tuple(one.sm for one in CAPABILITIES if one != GB10)
    assert row.how == "invoke wheel.measure nvidia-cuda-nvrtc==99.0.1  # x86_64"
    assert (found.rows, found.changed) == (
        (f"nvidia-cuda-nvrtc 99.0.1: {len(row.compiles)} of 21 architectures",),
        ("nvrtc.toml",),
    )
    assert cached(given) == []
    table = load_nvrtc(constraints / "nvrtc.toml")
    assert look_up(table, "99.0.1", GB10).compiles is False
    assert len(table.nvrtc) == len(load_nvrtc(CONSTRAINTS / "nvrtc.toml").nvrtc) + 1


def test_measured_again_it_replaces_its_row(constraints: Path) -> None:
    given = made(constraints, WheelWeb().add(nvrtc_file("13.0.88")), answering(known=110))
    before = load_nvrtc(constraints / "nvrtc.toml")
    assert measure("nvidia_cuda_nvrtc == 13.0.88", None, given).changed == ("nvrtc.toml",)
    after = load_nvrtc(constraints / "nvrtc.toml")
    assert [row.version for row in after.nvrtc] == [row.version for row in before.nvrtc]
    assert look_up(after, "13.0.88", GB10).compiles is False
    assert measure("nvidia-cuda-nvrtc==13.0.88", None, given).changed == ()


def unchanged(constraints: Path) -> bool:
    return all(path.read_bytes() == (CONSTRAINTS / path.name).read_bytes() for path in constraints.iterdir())


@pytest.mark.parametrize("run", [answering(code=7), AnsweringRunner(lambda _: failed("it cannot be loaded"))])
def test_a_failure_that_is_no_refusal_is_no_row(constraints: Path, run: AnsweringRunner) -> None:
    given = made(constraints, WheelWeb().add(nvrtc_file("99.0.1")), run)
    with pytest.raises(BrokenError) as caught:
        measure("nvidia-cuda-nvrtc==99.0.1", None, given)
    assert caught.value.reference == "nvrtc-broken"
    assert caught.value.hint
    assert unchanged(constraints)


def test_a_torch_is_read_whole_for_both_platforms_and_removed(constraints: Path) -> None:
    web = WheelWeb().add(real_torch("99.1.0", SPARK_TAG, NVRTC), real_torch("99.1.0", PC_TAG, NVRTC))
    given = made(constraints, web)
    found = measure("torch==99.1.0", None, given)
    table = load_measured(constraints / "devicecode.toml")
    rows = [wheel for wheel in table.wheels if wheel.file.startswith("torch-99")]
    assert table.wheels[:2] == tuple(rows)
    for row, platform in zip(rows, ("aarch64", "x86_64"), strict=True):
        assert isinstance(row, MeasuredWheel)
        assert platform in row.file
        assert row.how == f"invoke wheel.measure torch==99.1.0 --platform {platform}"
        assert (row.cuda, row.built_for) == ("13.2", "sm_80 sm_120")
        assert row.libraries == (DeviceCode(library="libtorch_cuda.so", fatbins={PLAIN: 1}),)
        assert row.sha256 in {file.sha256 for file in web.files.values()}
    assert (len(found.rows), found.changed) == (2, ("devicecode.toml",))
    assert found.rows[0].endswith(": 1 fatbins")
    assert cached(given) == []


def test_a_torch_is_read_for_one_platform(constraints: Path) -> None:
    web = WheelWeb().add(real_torch("99.1.0", SPARK_TAG, NVRTC), real_torch("99.1.0", PC_TAG, NVRTC))
    measure("torch==99.1.0", Architecture.AARCH64, made(constraints, web))
    assert len(web.downloads) == 1
    assert "aarch64" in web.downloads[0]


def test_a_cpu_only_build_has_a_row_of_its_own(constraints: Path) -> None:
    web = WheelWeb().add(real_torch("99.1.0", SPARK_TAG, "filelock", libraries={MEMBER: b"\x7fELF"}))
    with pytest.raises(IntegrityError) as caught:
        measure("torch==99.1.0", Architecture.AARCH64, made(constraints, web))
    assert caught.value.reference == "bad-library"
    assert unchanged(constraints)
    web = WheelWeb().add(real_torch("99.1.0", SPARK_TAG, "filelock", libraries={"torch/__init__.py": b""}))
    measure("torch==99.1.0", Architecture.AARCH64, made(constraints, web))
    row = load_measured(constraints / "devicecode.toml").wheels[0]
    assert (row.cuda, row.built_for, row.libraries) == (None, "", ())


@pytest.mark.parametrize(
    ("file", "reference"),
    [
        (dataclasses.replace(real_torch("99.1.0", SPARK_TAG, NVRTC), hashed=False), "no-hash"),
        (dataclasses.replace(real_torch("99.1.0", SPARK_TAG, NVRTC), data=b"no zip"), "bad-wheel"),
        (
            real_torch("99.1.0", SPARK_TAG, NVRTC, libraries={"torch/lib/libtorch_cuda.so": b"no library"}),
            "bad-library",
        ),
    ],
)
def test_half_a_wheel_is_no_row(constraints: Path, file: File, reference: str) -> None:
    given = made(constraints, WheelWeb().add(file))
    with pytest.raises(IntegrityError) as caught:
        measure("torch==99.1.0", Architecture.AARCH64, given)
    assert caught.value.reference == reference
    assert caught.value.hint
    assert unchanged(constraints)
    assert cached(given) == []


def test_no_such_torch(constraints: Path) -> None:
    with pytest.raises(NoCandidateError, match=r"the default index has no torch 99\.1\.0 for cp312 linux") as caught:
        measure("torch==99.1.0", None, made(constraints, WheelWeb().add(torch_file("2.15.0", NVRTC))))
    assert caught.value.reference == "no-torch"
    assert caught.value.hint


@pytest.mark.parametrize(
    "what",
    [
        "",
        "torch",
        "torch>=2.15",
        "torch==2.15.*",
        "torch==2.15.0,==2.14.0",
        "torch==2.15.0,!=2.14.0",
        "torch===2.15.0",
        "nvidia-cuda-nvrtc==13.2.*",  # a row of that version would make the table unreadable
        "nvidia-cublas==13.2.86",
        "torch @ https://host.example/torch.whl",
        "torch==",
        "==2.15.0",
        "everything",
    ],
)
def test_what_cannot_be_measured(constraints: Path, what: str) -> None:
    web = WheelWeb()
    with pytest.raises(UsageError) as caught:
        measure(what, None, made(constraints, web))
    assert caught.value.reference == "not-measurable"
    assert "torch==2.15.0" in caught.value.hint
    assert web.seen == []
    assert unchanged(constraints)


def test_one_release_is_named_without_asking(constraints: Path) -> None:
    web = WheelWeb()
    assert releases(" Torch == 2.15.0 ", made(constraints, web)) == [("torch", "2.15.0")]
    assert web.seen == []


def everything() -> WheelWeb:
    """Releases that have rows, one of each kind that has none, and some that are not looked at."""
    return WheelWeb().add(
        nvrtc_file("12.8.93", package="nvidia-cuda-nvrtc-cu12"),
        nvrtc_file("12.9.99", package="nvidia-cuda-nvrtc-cu12"),
        nvrtc_file("11.8.89", package="nvidia-cuda-nvrtc-cu11"),
        nvrtc_file("13.2.86"),
        nvrtc_file("99.0.1"),
        nvrtc_file("99.1.0rc1"),
        torch_file("2.15.0", NVRTC),
        torch_file("2.15.0", NVRTC, tag=PC_TAG),
        torch_file("99.1.0", NVRTC),
        torch_file("1.13.1"),
        File(name="triton-3.0.0-cp312-cp312-manylinux_2_28_x86_64.whl", data=b""),
    )


def test_all_is_what_has_no_row(constraints: Path) -> None:
    found = releases("ALL", made(constraints, everything()))
    assert sorted(found) == [
        ("nvidia-cuda-nvrtc", "99.0.1"),
        ("nvidia-cuda-nvrtc-cu12", "12.9.99"),
        ("torch", "99.1.0"),
    ]


def test_what_was_measured_before_a_failure_is_written(constraints: Path) -> None:
    given = made(constraints, everything())
    with pytest.raises(SparkError):
        measure("all", Architecture.AARCH64, given)  # the torch of everything() holds no library that can be read
    versions = {row.version for row in load_nvrtc(constraints / "nvrtc.toml").nvrtc}
    assert {"99.0.1", "12.9.99"} <= versions
