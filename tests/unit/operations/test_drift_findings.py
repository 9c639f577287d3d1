"""What a difference between the pins and the pages means."""

from __future__ import annotations

import dataclasses

import pytest

from scripts.errors import IntegrityError
from scripts.model.drift import BridgeFit, DriftFinding, DriftKind, NotReached
from scripts.model.evidence import Prediction, Reason, VerdictKind
from scripts.model.target import GB10, SUPPORTED_PYTHONS, Architecture, Target
from scripts.model.wheels import IndexFile, Lane
from scripts.operations.drift_findings import (
    Newer,
    lane_finding,
    misfit_finding,
    newer_package,
    newer_torch,
    newer_torch_finding,
    newest_stable,
    pin_finding,
    verdict_finding,
    version_of,
)
from scripts.operations.drift_pins import DEFAULT, Release
from scripts.operations.lock import targets
from scripts.strategies.base import TorchSource
from tests.support.pages import index_file

PINNED, OTHER = "a" * 64, "b" * 64
PYPI = TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=True)
CU130 = TorchSource(name="cu130", index="https://u:secret@lane.example/cu130", lane_cuda="13.0", cuda_required=True)
LANE = Lane(
    name="cu130",
    index=CU130.index,
    nightly_index=None,
    cuda="13.0",
    nvrtc="13.0.88",
    torch=">=2.9.0,<2.16",
    platforms=("x86_64", "aarch64"),
    checked="2026-11-22",
    source="made up",
)
SPARK = Target(architecture=Architecture.AARCH64, python=SUPPORTED_PYTHONS[0], glibc=(2, 28))
LOCKED = dict.fromkeys(targets(), "2.15.0")


def release(version: str = "1.0", *, place: str = DEFAULT, project: str = "demo") -> Release:
    return Release(
        place=place, project=project, version=version, hashes=frozenset({PINNED}), locks=("toolkit.txt", "dev.txt")
    )


def file(name: str, sha256: str | None = PINNED, yanked: str | None = None) -> IndexFile:
    return dataclasses.replace(index_file(name, yanked=yanked), sha256=sha256)


def torch(version: str, *machines: str, python: str = "cp312") -> list[IndexFile]:
    return [file(f"torch-{version}-{python}-{python}-manylinux_2_28_{machine}.whl") for machine in machines]


def every(version: str) -> list[IndexFile]:
    """A release for every target that is locked."""
    return [one for python in SUPPORTED_PYTHONS for one in torch(version, "x86_64", "aarch64", python=python.tag)]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("demo-1.0-py3-none-any.whl", "1.0"),
        ("PyYAML-6.0.3-cp312-cp312-manylinux_2_28_x86_64.whl", "6.0.3"),
        ("docopt-0.6.2.tar.gz", "0.6.2"),
        ("torch-2.15.0+cu130-cp312-cp312-linux_x86_64.whl", "2.15.0+cu130"),
        ("demo-1.0.exe", None),
        ("demo-one-py3-none-any.whl", None),
        ("demo-1.0.tar.bz2", None),
    ],
)
def test_version_of(name: str, version: str | None) -> None:
    found = version_of(name)
    assert (None if found is None else str(found)) == version


def test_newest_stable() -> None:
    files = [file("demo-1.0.tar.gz"), file("demo-3.0rc1.tar.gz"), file("demo-2.0.tar.gz", yanked=""), file("demo.exe")]
    assert str(newest_stable(files)) == "1.0"
    assert newest_stable([]) is None


def test_a_pin_that_is_as_it_was() -> None:
    page = [file("demo-1.0.tar.gz", OTHER), file("demo-1.0-py3-none-any.whl", PINNED.upper()), file("demo-2.0.tar.gz")]
    assert pin_finding(release(), page) is None


@pytest.mark.parametrize(
    ("page", "kind", "offered", "said"),
    [
        (["demo-1.0.tar.gz|a|breaks", "demo-1.1.tar.gz|b"], "yanked", "1.1", "demo 1.0 is yanked: breaks (pinned by"),
        (["demo-1.0.tar.gz|a|bad\n\x1b[31m news"], "yanked", None, "yanked: bad [31m news (pinned"),
        (["demo-1.0.tar.gz|a|"], "yanked", None, "yanked, no reason given (pinned by toolkit.txt, dev.txt)"),
        (["demo-1.1.tar.gz|a"], "vanished-pin", "1.1", "no such version any more"),
        (["demo-1.1.tar.gz|b"], "vanished-pin", "1.1", "the default index has no such version any more: demo 1.0"),
        ([], "vanished-pin", None, "the default index has no project demo any more"),
        (["demo-1.0.tar.gz|b"], "altered-pin", None, "grave: no file of demo 1.0 has a hash that was pinned"),
        (["demo-1.0.0-py3-none-any.whl|b", "demo-1.0.tar.gz|b"], "altered-pin", None, "grave"),
    ],
)
def test_a_pin_that_is_not(page: list[str], kind: str, offered: str | None, said: str) -> None:
    files = []
    for line in page:
        name, sha256, *yanked = line.split("|")
        files.append(file(name, sha256 * 64, *yanked))
    found = pin_finding(release(), files)
    assert isinstance(found, DriftFinding)
    assert (found.kind, found.pinned, found.offered, found.where) == (kind, "1.0", offered, "the default index")
    assert said in found.text
    assert found.to_do


def test_a_page_without_hashes_says_nothing_of_a_pin() -> None:
    found = pin_finding(release(), [file("demo-1.0.tar.gz", None)])
    assert found == NotReached(name="demo", reason="the default index gives no sha256 for demo 1.0")


def test_a_pin_of_a_lane_has_its_local_version() -> None:
    pin = release("2.15.0+cu130", place="cu130", project="torch")
    found = pin_finding(pin, torch("2.15.0+cu129", "aarch64")[:0] or [file("torch-2.15.0-py3-none-any.whl", OTHER)])
    assert isinstance(found, DriftFinding)
    assert found.kind is DriftKind.VANISHED_PIN
    assert found.where == "the index of lane cu130"


def test_a_lane_that_is_as_the_table_says() -> None:
    assert lane_finding(LANE, CU130, every("2.15.0+cu130"), unlocked=False) is None
    one_python = torch("2.9.0+cu130", "x86_64", "aarch64", python="cp311")
    assert lane_finding(LANE, CU130, one_python, unlocked=False) is None, "the table promises no Pythons"


@pytest.mark.parametrize(
    ("page", "offered", "said"),
    [
        ([], None, "the index of lane cu130 has no torch any more"),
        (every("2.16.0+cu130"), "2.16.0+cu130", "has no torch>=2.9.0,<2.16 for aarch64, x86_64 any more"),
        (torch("2.15.0+cu130", "aarch64"), "2.15.0+cu130", "has no torch>=2.9.0,<2.16 for x86_64 any more"),
        (every("2.15.0+cu129"), "2.15.0+cu129", "for aarch64, x86_64 any more"),
    ],
)
def test_a_lane_that_vanished(page: list[IndexFile], offered: str | None, said: str) -> None:
    for unlocked in (True, False):
        found = lane_finding(LANE, CU130, page, unlocked=unlocked)
        assert found is not None
        assert (found.kind, found.what, found.offered) == (DriftKind.VANISHED_LANE, "cu130", offered)
        assert said in found.text
        assert "secret" not in repr(found)


def test_a_lane_that_returned() -> None:
    found = lane_finding(LANE, CU130, every("2.15.0+cu130"), unlocked=True)
    assert found is not None
    assert (found.kind, found.pinned, found.offered) == (DriftKind.RETURNED_LANE, None, "2.15.0+cu130")
    assert "`invoke lock --only cu130`" in found.to_do


@pytest.mark.parametrize("change", [{"torch": "2.9 or newer"}, {"platforms": ("riscv64",)}])
def test_a_row_that_cannot_be_understood(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError) as caught:
        lane_finding(dataclasses.replace(LANE, **change), CU130, every("2.15.0+cu130"), unlocked=False)  # type: ignore[arg-type]
    assert caught.value.reference == "bad-table"
    assert "[lanes.cu130]" in str(caught.value)


def test_the_pinned_torch_is_the_newest() -> None:
    page = [*every("2.15.0"), *every("2.16.0rc1"), *every("2.14.0")]
    page += [dataclasses.replace(one, yanked="") for one in every("2.16.0")]
    assert newer_torch(PYPI, LOCKED, page) == ()
    assert newer_torch(PYPI, {}, every("2.16.0")) == ()
    assert newer_torch(CU130, {SPARK: "2.15.0+cu130"}, torch("2.16.0+cu132", "aarch64")) == (), "another lane's build"


def test_a_newer_torch_is_one_finding() -> None:
    newer = newer_torch(PYPI, LOCKED, [*every("2.15.0"), *every("2.16.0"), *every("2.15.1")])
    assert len(newer) == len(LOCKED)
    assert newer[0] == Newer(target=SPARK, pinned="2.15.0", offered="2.16.0")
    found = newer_torch_finding(PYPI, newer, locked=len(LOCKED))
    assert (found.kind, found.pinned, found.offered) == (DriftKind.NEWER_TORCH, "2.15.0", "2.16.0")
    assert found.text == "torch 2.16.0 is newer than the pinned 2.15.0, for every locked target"
    assert "--only pypi" in found.to_do


def test_targets_that_differ_are_named() -> None:
    page = [*every("2.15.1"), *torch("2.16.0", "aarch64"), *torch("2.16.0", "aarch64", python="cp311")]
    newer = newer_torch(PYPI, LOCKED, page)
    found = newer_torch_finding(PYPI, newer, locked=len(LOCKED))
    assert found.offered == "2.16.0"
    assert found.text == (
        "torch is newer than pinned: 2.16.0 instead of 2.15.0 for aarch64 cp312, aarch64 cp311; "
        "2.15.1 instead of 2.15.0 for aarch64 cp310, x86_64 cp312, x86_64 cp311, x86_64 cp310"
    )
    some = newer_torch(PYPI, LOCKED, torch("2.16.0", "x86_64"))
    found = newer_torch_finding(PYPI, some, locked=len(LOCKED))
    assert found.text == "torch is newer than pinned: 2.16.0 instead of 2.15.0 for x86_64 cp312"


def prediction(kind: VerdictKind, why: str = "NVRTC 13.2.86 compiles for sm_121") -> Prediction:
    return Prediction(target=GB10, kind=kind, reasons=(Reason(text=why, evidence="nvrtc"),))


def verdict(before: VerdictKind, after: VerdictKind) -> DriftFinding | None:
    one = Newer(target=SPARK, pinned="2.15.0", offered="2.16.0")
    return verdict_finding(PYPI, one, prediction(before), prediction(after))


def test_the_same_prediction_is_no_finding() -> None:
    for kind in VerdictKind:
        assert verdict(kind, kind) is None


def test_a_prediction_that_changes() -> None:
    found = verdict(VerdictKind.NEEDED, VerdictKind.NOT_NEEDED)
    assert found is not None
    assert (found.kind, found.pinned, found.offered) == (DriftKind.VERDICT_CHANGE, "needed", "not-needed")
    assert found.text.startswith("with torch 2.16.0 from pypi the patch is no longer needed on 12.1 (predicted")
    assert found.text.endswith("with the pinned 2.15.0: needed (predicted)")
    for kind in VerdictKind:
        other = verdict(VerdictKind.NOT_NEEDED, kind)
        assert other is None or other.text.count("(predicted") == 2


FITS = BridgeFit(kokoro="0.9.5", pinned=False, fits=True, why="")


def newer_kokoro(fit: BridgeFit | None, *names: str, pinned: tuple[str, ...] = ("0.9.4",)) -> DriftFinding | None:
    return newer_package(DriftKind.NEWER_KOKORO, "kokoro", pinned, [file(name) for name in names], fit)


def test_no_newer_kokoro() -> None:
    assert newer_kokoro(None, "kokoro-0.9.4-py3-none-any.whl", "kokoro-1.0rc1-py3-none-any.whl") is None
    assert newer_kokoro(None) is None
    assert newer_kokoro(None, "kokoro-0.9.5-py3-none-any.whl", pinned=()) is None, "nothing of it is compared"


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (FITS, "; the bridge still fits its source"),
        (dataclasses.replace(FITS, fits=False, why="no exp"), "; the bridge does not fit its source: no exp"),
        (
            dataclasses.replace(FITS, fits=None, why="cut"),
            "; whether the bridge fits its source could not be told: cut",
        ),
        (None, ""),
    ],
)
def test_a_newer_kokoro_and_the_bridge(fit: BridgeFit | None, said: str) -> None:
    found = newer_kokoro(fit, "kokoro-0.9.5-py3-none-any.whl")
    assert found is not None
    assert found.text == f"kokoro 0.9.5 is newer than the pinned 0.9.4{said}"
    assert ("adapt scripts/runtime/bridge.py" in found.to_do) is (fit is not None and fit.fits is False)


def test_a_newer_kokoro_that_is_not_for_us() -> None:
    found = newer_kokoro(None, "kokoro-0.9.5-cp314-cp314-manylinux_2_28_x86_64.whl", pinned=("0.9.3", "0.9.4"))
    assert found is not None
    assert found.pinned == "0.9.3, 0.9.4"
    assert "it has no wheel for the platforms and Pythons that are locked" in found.text


def test_a_bridge_that_does_not_fit_the_pinned_kokoro() -> None:
    fit = BridgeFit(kokoro="0.9.4", pinned=True, fits=False, why="no exp")
    found = misfit_finding(fit)
    assert found is not None
    assert found.text == "the bridge does not fit the pinned kokoro 0.9.4: no exp"
    for other in ({"pinned": False}, {"fits": True}, {"fits": None}):
        assert misfit_finding(dataclasses.replace(fit, **other)) is None
