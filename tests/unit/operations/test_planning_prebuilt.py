"""Planning around a wheel that is here: its passport first, then what it requires."""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.errors import ExitCode, SparkError
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, InstallWheel
from scripts.model.target import Architecture, ComputeCapability
from scripts.operations.planners import PLANNERS
from scripts.operations.planning_prebuilt import plan_prebuilt
from tests.support.machines import OLD_DRIVER, gpus, machine
from tests.support.plans import put, record
from tests.unit.operations.prebuilt_wheels import CUDA_13, SIMPLE, Bench, digest_of, torch
from tests.unit.operations.wheel_web import PC_TAG, SPARK_TAG
from tests.unit.operations.worlds import DEFAULT

HOPPER = ComputeCapability(9, 0)
H100 = machine(gpu=gpus(HOPPER, driver="580.95.05", cuda="13.0"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refused(bench: Bench, wheel: str | Path, **options: object) -> SparkError:
    """Insist on a whole error, and that nothing was resolved or downloaded for it."""
    with pytest.raises(SparkError) as caught:
        bench.plan(wheel, **options)
    error = caught.value
    assert error.hint
    assert error.reference
    assert bench.uv.seen == []
    assert bench.web.downloads == []
    return error


def test_it_has_a_planner() -> None:
    assert PLANNERS["prebuilt"] is plan_prebuilt


def test_a_wheel_by_its_path(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    plan = bench.plan(wheel)
    venv, installed, required, rest, *made, check = plan.steps
    assert isinstance(venv, CreateVenv)
    assert installed == InstallWheel(
        name="torch", version="2.15.0", filename=wheel.name, sha256=digest_of(wheel), path=str(wheel)
    )
    assert isinstance(required, InstallLock)
    assert [pin.name for pin in required.lock.pins] == ["nvidia-cuda-nvrtc", "triton"]
    assert required.lock.index is None
    assert isinstance(rest, InstallLock)
    assert rest.lock.name == "constraints/kokoro-x86_64-cp312.txt"
    assert [one.name for one in made if isinstance(one, InstallMade)] == ["en_core_web_sm", "kokoro_spark"]
    assert check == CheckConsistency(torch="2.15.0", cuda="13.0")
    assert (plan.torch, plan.cuda, plan.nvrtc, plan.source) == ("2.15.0", "13.0", "13.0.88", "a wheel")
    assert "computed here" in plan.notes[0]
    assert not bench.context.home.environments.exists()


def test_only_what_is_not_pinned_beside_it_is_resolved(bench: Bench, tmp_path: Path) -> None:
    bench.plan(torch(tmp_path / "wheels"))
    ((requirements, overrides),) = bench.uv.inputs
    assert requirements.splitlines() == ["nvidia-cuda-nvrtc==13.0.88", "triton==3.9.0"]
    assert "torch ; " in overrides
    assert "sympy ; " in overrides
    assert bench.uv.indexes == [DEFAULT]
    assert bench.web.reached == [DEFAULT]


def test_it_is_resolved_once(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    again = Bench(tmp_path)
    assert bench.plan(wheel) == again.plan(wheel)
    assert (len(bench.uv.seen), len(again.uv.seen)) == (1, 0)


def test_a_wheel_that_requires_nothing_of_cuda_installs_nothing_of_it(bench: Bench, tmp_path: Path) -> None:
    plan = bench.plan(torch(tmp_path / "wheels", "2.9.0a0+gitabc", requires=SIMPLE, cuda="12.9"))
    assert bench.uv.seen == []
    assert len([step for step in plan.steps if isinstance(step, InstallLock)]) == 1
    assert (plan.torch, plan.cuda, plan.nvrtc) == ("2.9.0a0+gitabc", "12.9", None)


def test_what_nobody_pins_is_resolved_with_it(bench: Bench, tmp_path: Path) -> None:
    bench.plan(torch(tmp_path / "wheels", requires=[*CUDA_13, "optree>=0.13", "ninja; sys_platform == 'win32'"]))
    assert bench.uv.inputs[0][0].splitlines() == ["nvidia-cuda-nvrtc==13.0.88", "optree>=0.13", "triton==3.9.0"]


def test_with_a_mirror_only_the_lanes_own_comes_from_there(bench: Bench, tmp_path: Path) -> None:
    mirror = "https://mirror.example/whl/cu130"
    bench.plan(torch(tmp_path / "wheels", requires=[*CUDA_13, "optree>=0.13"]), index=mirror)
    assert bench.uv.indexes == [mirror, DEFAULT]
    assert [text.splitlines() for text, _ in bench.uv.inputs] == [
        ["nvidia-cuda-nvrtc==13.0.88", "triton==3.9.0"],
        ["optree>=0.13"],
    ]


def test_where_it_lies_and_how_it_is_called_by_is_no_part_of_the_digest(bench: Bench, tmp_path: Path) -> None:
    one, other = torch(tmp_path / "one"), torch(tmp_path / "two")
    assert bench.plan(one).digest == bench.plan(other).digest == bench.plan(f"file://{other}").digest
    assert bench.plan(other, sha256=digest_of(other)).digest == bench.plan(one).digest


def damaged(wheel: Path) -> None:
    """Change a byte of a library, and nothing of RECORD."""
    data = wheel.read_bytes()
    place = data.index(b"\x7fELF") + 5000
    wheel.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def truncated(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:20_000])


def without_record(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as old:
        kept = {one.filename: old.read(one) for one in old.infolist() if not one.filename.endswith("/RECORD")}
        lines = next(old.read(one).decode() for one in old.infolist() if one.filename.endswith("/RECORD"))
    with zipfile.ZipFile(wheel, "w") as new:
        for name, data in kept.items():
            new.writestr(name, data)
        new.writestr("torch-2.15.0.dist-info/RECORD", lines.replace("torch/__init__.py", "torch/other.py"))


def a_page(wheel: Path) -> None:
    wheel.write_text("<html>Sign in</html>")


@pytest.mark.parametrize(
    ("damage", "reference"),
    [(damaged, "bad-wheel"), (truncated, "bad-wheel"), (without_record, "damaged-wheel"), (a_page, "bad-wheel")],
)
def test_a_damaged_wheel(bench: Bench, tmp_path: Path, damage: Callable[[Path], None], reference: str) -> None:
    wheel = torch(tmp_path / "wheels")
    damage(wheel)
    error = refused(bench, wheel)
    assert (error.exit_code, error.reference in {reference, "damaged-wheel"}) == (ExitCode.INTEGRITY, True)
    assert wheel.name in error.message


@pytest.mark.parametrize(
    ("changes", "reference", "told"),
    [
        ({"tag": SPARK_TAG}, "wheel-does-not-fit", "wrong platform"),
        ({"tag": "cp311-cp311-manylinux_2_28_x86_64"}, "wheel-does-not-fit", "wrong Python"),
        ({"tag": "cp312-cp312t-manylinux_2_28_x86_64"}, "wheel-does-not-fit", "wrong Python"),
        ({"tag": "cp312-cp312-manylinux_2_39_x86_64"}, "wheel-does-not-fit", "needs glibc 2.39"),
        ({"requires": SIMPLE, "cuda": None, "library": None}, "cpu-only-build", "no"),
        ({"version": "2.15.0+cpu", "requires": SIMPLE, "cuda": None}, "cpu-only-build", "no"),
        ({"library": "hopper.so"}, "no-device-code", "12.1"),
        ({"library": None}, "no-device-code", "no libraries"),
        ({"requires": [*CUDA_13, "setuptools<82"]}, "pins-disagree", "requires setuptools<82"),
        ({"requires": [*CUDA_13, "numpy<2", "sympy==1.12"]}, "pins-disagree", "pins sympy==1.14.0"),
        ({"requires": [*CUDA_13, "helper @ https://x.example/h.whl"]}, "direct-reference", "pinned by hash"),
    ],
)
def test_a_wheel_that_will_not_do(
    bench: Bench, tmp_path: Path, changes: dict[str, object], reference: str, told: str
) -> None:
    error = refused(bench, torch(tmp_path / "wheels", **changes))  # type: ignore[arg-type]
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, reference)
    assert told in error.message + error.context


def test_every_pin_that_disagrees_is_named(bench: Bench, tmp_path: Path) -> None:
    error = refused(bench, torch(tmp_path / "wheels", requires=[*CUDA_13, "numpy<2", "sympy==1.12"]))
    assert len(error.context.splitlines()) == 2
    assert "numpy<2" in error.context


def test_a_torch_that_is_none(bench: Bench, tmp_path: Path) -> None:
    error = refused(bench, torch(tmp_path / "wheels", name="torchaudio"))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "not-torch")
    assert "torchaudio" in error.message


def test_a_name_that_lies(bench: Bench, tmp_path: Path) -> None:
    other = torch(tmp_path / "wheels", name="torchaudio")
    error = refused(bench, other.rename(other.with_name(other.name.replace("torchaudio", "torch"))))
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "wrong-metadata")
    older = torch(tmp_path / "older", "2.14.1")
    error = refused(bench, older.rename(older.with_name(older.name.replace("2.14.1", "2.15.0"))))
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "damaged-wheel")
    assert "METADATA is of torch 2.14.1" in error.context


def test_a_hash_that_is_another(bench: Bench, tmp_path: Path) -> None:
    error = refused(bench, torch(tmp_path / "wheels"), sha256="5" * 64)
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "wrong-hash")


@pytest.mark.parametrize("what", ["nothing-there.whl", "torch==2.15.0", "torch", "./no/such/torch.whl", "x" * 5000])
def test_what_is_not_there(bench: Bench, what: str) -> None:
    error = refused(bench, what)
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "no-such-file")
    assert "requirement" not in error.hint, "--wheel takes none"


def test_a_file_that_is_no_wheel_by_its_name(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    error = refused(bench, wheel.rename(wheel.with_name("mytorch.whl")))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "not-a-wheel")


def test_a_file_that_cannot_be_read(bench: Bench, tmp_path: Path) -> None:
    wheel = tmp_path / f"torch-2.15.0-{PC_TAG}.whl"
    wheel.symlink_to("/proc/self/mem")  # what a damaged disk does: it opens, and reading fails
    error = refused(bench, wheel)
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "not-readable")
    assert refused(bench, tmp_path, sha256="5" * 64).reference == "not-readable"


def test_another_release_than_the_wanted_one(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    assert refused(bench, wheel, torch="2.14.1").reference == "wheel-does-not-fit"
    assert bench.plan(wheel, torch=">=2.15").torch == "2.15.0"


def test_the_gpu_is_the_one_that_is_here_or_is_asked_for(tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels", library="hopper.so")
    assert Bench(tmp_path / "here", facts=H100).plan(wheel).torch == "2.15.0"
    assert Bench(tmp_path / "asked").plan(wheel, sm=HOPPER).torch == "2.15.0"
    error = refused(Bench(tmp_path / "other", facts=H100), wheel, sm=ComputeCapability(12, 0))
    assert error.reference == "no-device-code"


def test_another_machine_is_taken_for_a_spark(tmp_path: Path) -> None:
    aarch64 = torch(tmp_path / "wheels", tag=SPARK_TAG, library="hopper.so")
    error = refused(Bench(tmp_path, facts=H100), aarch64, architecture=Architecture.AARCH64)
    # Its library is an x86_64 one: that is told before what it has no code for.
    assert error.reference == "wheel-does-not-fit"
    assert "libraries are for x86_64" in error.context


@pytest.mark.parametrize("strategy", ["prebuilt", "auto"])
def test_a_driver_that_is_too_old_is_no_reason_for_who_asked_by_name(tmp_path: Path, strategy: str) -> None:
    bench = Bench(tmp_path, facts=OLD_DRIVER)
    wheel = torch(tmp_path / "wheels")
    if strategy == "auto":
        with pytest.raises(SparkError) as caught:
            bench.plan(wheel, strategy=strategy)
        assert (caught.value.exit_code, caught.value.reference) == (ExitCode.NO_CANDIDATE, "driver-too-old")
        assert "older than the build's 13.0" in caught.value.message
    else:
        assert any("older than the build's 13.0" in note for note in bench.plan(wheel).notes)


def test_an_environment_that_stands_is_not_looked_into_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = torch(tmp_path / "wheels")
    plan = bench.plan(wheel)
    inspected: list[str] = []

    def inspect(what: str, *_: object, **__: object) -> None:
        inspected.append(what)
        raise AssertionError

    monkeypatch.setattr("scripts.operations.planning_prebuilt.inspect_wheel", inspect)
    standing = record(plan.environment, plan=plan, predicted_for="12.1")
    put(bench.context.store, standing)
    assert dataclasses.replace(bench.plan(wheel), notes=plan.notes) == plan
    with pytest.raises(AssertionError):
        bench.plan(wheel, sm=HOPPER)  # it was judged for another GPU
    with pytest.raises(AssertionError):
        bench.plan(wheel, sha256="5" * 64)  # it is another file
    assert inspected == [str(wheel)] * 2


def test_what_is_no_reason_against_it_is_a_note(bench: Bench, tmp_path: Path) -> None:
    old = ["nvidia-cuda-nvrtc-cu12==12.8.93"]
    bench.uv.text = bench.uv.text.replace("nvidia-cuda-nvrtc==13.0.88", old[0])
    plan = bench.plan(torch(tmp_path / "wheels", requires=old, cuda="12.8"))
    assert (plan.cuda, plan.nvrtc) == ("12.8", "12.8.93")
    assert any("NVRTC 12.8.93 does not compile for 12.1" in note for note in plan.notes)
