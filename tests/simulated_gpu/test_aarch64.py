"""The real aarch64 torch and NVRTC on a simulated GB10, on an emulated aarch64 machine: both outcomes.

Without what it takes (root, mounts, debootstrap, qemu, a cross compiler) these are skipped with the reason; in CI,
which installs it, that is a failure.
"""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection

from scripts.home import CHECKOUT, Home
from scripts.model.builds import BuildRequest
from scripts.model.evidence import Observation, Outcome, Report, VerdictKind
from scripts.model.target import Architecture, Target
from scripts.operations.context import Context
from scripts.operations.wheel_build import build_wheel
from scripts.serial import to_json
from scripts.shell import run
from scripts.verification.causes import Cause, cause_of
from scripts.verification.evidence import CANARIES, MODES, Evidence, kokoro_name
from scripts.verification.report import render
from tests.simulated_gpu.arm64.machine import COMPILER, PYTHON, ArmMachine
from tests.simulated_gpu.arm64.nvrtc import OLDER, older_nvrtc
from tests.simulated_gpu.arm64.packages import ArmTorch, arm_torch
from tests.simulated_gpu.arm64.simulated import simulated_gb10
from tests.simulated_gpu.arm64.verifying import MODEL_NOTE, verify_there
from tests.simulated_gpu.soname import elf_hash, renamed
from tests.simulated_gpu.test_extension import PROGRAM
from tests.simulated_gpu.trace import Trace
from tests.support.roots import CannotBuildError

pytestmark = pytest.mark.aarch64

AARCH64 = Architecture.AARCH64
EARLIER = "2.14.1"
Judged = tuple[Report, Trace]


@pytest.fixture(scope="session")
def home() -> Home:
    return Home.find()


@pytest.fixture(scope="session")
def context(home: Home) -> Context:
    return Context(home=home)


@pytest.fixture(scope="session")
def machine(home: Home) -> ArmMachine:
    if os.uname().machine == Architecture.AARCH64:
        pytest.skip("this machine is an aarch64 one: marker simulated does all of this here, and more")
    try:
        return ArmMachine.build(home)
    except CannotBuildError as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def target(machine: ArmMachine) -> Target:
    return machine.target()


@pytest.fixture(scope="session")
def newest(target: Target, context: Context) -> ArmTorch:
    return arm_torch(None, target, context)


def judged(machine: ArmMachine, torch: ArmTorch, home: Home, canaries: tuple[str, ...], nvrtc: Path | None) -> Judged:
    with simulated_gb10(machine, torch, home, nvrtc=nvrtc) as gpu:
        report = verify_there(gpu, home, canaries=canaries)
        return report, gpu.running.trace()


@pytest.fixture(scope="session")
def with_its_own(machine: ArmMachine, newest: ArmTorch, home: Home) -> Judged:
    return judged(machine, newest, home, CANARIES, None)


@pytest.fixture(scope="session")
def with_an_older(machine: ArmMachine, newest: ArmTorch, target: Target, context: Context, home: Home) -> Judged:
    older = older_nvrtc(newest.nvrtc_library.name, target, context)
    return judged(machine, newest, home, ("abs",), older)


@pytest.fixture(scope="session")
def earlier(machine: ArmMachine, target: Target, context: Context, home: Home) -> Judged:
    return judged(machine, arm_torch(EARLIER, target, context), home, ("abs",), None)


@pytest.fixture
def untouched() -> Iterator[None]:
    """What is mounted and registered on this machine is the same before and after."""

    def state() -> tuple[str, list[str]]:
        registered = Path("/proc/sys/fs/binfmt_misc")
        names = sorted(entry.name for entry in registered.iterdir()) if registered.is_dir() else []
        return Path("/proc/self/mountinfo").read_text(), names

    before = state()
    yield
    assert state() == before


def test_it_is_the_machine_that_wheels_are_chosen_for(target: Target, machine: ArmMachine) -> None:
    assert str(target) == "cp311 linux aarch64 glibc 2.36"


@pytest.mark.usefixtures("untouched")
def test_a_program_there_sees_its_own_environment_and_folder(machine: ArmMachine, tmp_path: Path) -> None:
    code = "import json, os, pathlib; print(json.dumps(dict(os.environ))); pathlib.Path('made').touch()"
    done = machine.run([str(PYTHON), "-I", "-c", code], env={"A": "1", "LD_TEST": "2"}, cwd=tmp_path)
    assert done.ok, done.stderr
    seen = json.loads(done.stdout)
    assert {name: value for name, value in seen.items() if name != "LC_CTYPE"} == {"A": "1", "LD_TEST": "2"}
    assert (tmp_path / "made").exists()


@pytest.mark.usefixtures("untouched")
def test_the_checkout_cannot_be_written_there(machine: ArmMachine) -> None:
    place = CHECKOUT / "scripts" / "written_there"
    done = machine.run([str(PYTHON), "-I", "-c", f"open({str(place)!r}, 'w')"])
    assert "Read-only file system" in done.stderr
    assert not place.exists()


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_it_dies_there_as_it_would_here(number: signal.Signals, machine: ArmMachine) -> None:
    done = machine.run([str(PYTHON), "-I", "-c", f"import os; os.kill(os.getpid(), {int(number)})"])
    assert done.returncode == -number


@pytest.mark.usefixtures("untouched")
def test_what_overstays_is_ended(machine: ArmMachine) -> None:
    done = machine.run([str(PYTHON), "-I", "-c", "import time; time.sleep(600)"], timeout=5)
    assert done.returncode is None


def test_a_library_gets_another_name_and_stays_what_it_was(machine: ArmMachine, tmp_path: Path) -> None:
    source, versions, library = tmp_path / "a.c", tmp_path / "a.map", tmp_path / "libold.so.12"
    source.write_text("int answer(void) { return 42; }\n")
    versions.write_text("libold.so.12 { global: answer; local: *; };\n")
    options = ["-shared", "-fPIC", "-Wl,-soname,libold.so.12", f"-Wl,--version-script={versions}"]
    made = run([COMPILER, *options, str(source), "-o", str(library)])
    assert made.ok, made.stderr
    before = library.read_bytes()
    after = renamed(before, "libold.so.13")
    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) <= 3  # one letter, two hashes' last byte
    section = ELFFile(io.BytesIO(after)).get_section_by_name(".gnu.version_d")
    assert isinstance(section, GNUVerDefSection)
    versions_after = [
        (version["vd_hash"], [entry.name for entry in entries]) for version, entries in section.iter_versions()
    ]
    assert versions_after == [(elf_hash("libold.so.13"), ["libold.so.13"])] * 2
    place = tmp_path / "libold.so.13"
    place.write_bytes(after)
    call = f"import ctypes; print(ctypes.CDLL({str(place)!r}).answer())"
    assert machine.run([str(PYTHON), "-I", "-c", call], cwd=tmp_path).stdout == "42\n"


def passed(report: Report, name: str) -> Observation:
    observation = Evidence.of(report.observations).get(name)
    assert observation is not None
    assert observation.outcome is Outcome.PASSED, (observation.error, observation.detail)
    return observation


def is_the_gb10(report: Report) -> None:
    """What is true of each report from there, whatever NVRTC says."""
    evidence = Evidence.of(report.observations)
    assert passed(report, "device").detail["device"]["name"] == "NVIDIA GB10"
    assert str(evidence.capability) == "12.1"
    assert evidence.simulated
    assert report.verdict.simulated
    assert report.simulation is not None
    assert passed(report, "device-code").detail["runs"]["12.1"].startswith("cubin sm_12")
    assert "SIMULATED" in render(report)
    assert MODEL_NOTE in report.notes
    left_out = [evidence.get(kokoro_name(mode, "cuda")) for mode in MODES]
    assert all(one is not None and one.outcome is Outcome.SKIPPED and one.error for one in left_out)
    assert report.verdict.kind is VerdictKind.UNDECIDED  # never more without Kokoro's own runs
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(to_json(report)))


def test_the_newest_torch_compiles_each_canary_for_the_device(with_its_own: Judged, newest: ArmTorch) -> None:
    report, trace = with_its_own
    is_the_gb10(report)
    release = ".".join(newest.nvrtc.split(".")[:2])
    nvrtc = passed(report, "nvrtc").detail
    assert nvrtc["version"] == release
    assert nvrtc["library"] == str(newest.nvrtc_library)
    assert nvrtc["compiles"]["sm_121"]["ok"]
    for operation in CANARIES:
        kernels = passed(report, f"canary.{operation}").detail["kernels"]
        assert len(kernels) == 1
        assert operation in kernels[0]
        assert f"_arch12.1_nvrtc{release}_sass_" in kernels[0]
    compiled = trace.jit_kernels()
    assert {architecture for _, architecture in compiled} == {"sm_121"}
    assert len(compiled) == len(CANARIES)
    assert report.verdict.prediction.kind is VerdictKind.NOT_NEEDED


def test_the_earlier_torch_compiles_too(earlier: Judged) -> None:
    report, trace = earlier
    is_the_gb10(report)
    assert str(report.torch).partition("+")[0] == EARLIER
    assert passed(report, "nvrtc").detail["version"] == "13.0"
    assert passed(report, "canary.abs").detail["max_error"] < 1e-6
    assert [architecture for _, architecture in trace.jit_kernels()] == ["sm_121"]
    assert report.verdict.prediction.kind is VerdictKind.NOT_NEEDED


def test_the_failure_of_the_seed_on_its_own_platform(with_an_older: Judged, newest: ArmTorch) -> None:
    """The same torch with the NVRTC of a cu128 wheel: complex abs dies of the error that began all this."""
    report, trace = with_an_older
    is_the_gb10(report)
    nvrtc = passed(report, "nvrtc").detail
    assert nvrtc["library"] == str(newest.nvrtc_library)
    assert nvrtc["version"] == ".".join(OLDER.split(".")[:2])
    assert (nvrtc["compiles"]["sm_121"]["ok"], nvrtc["compiles"]["sm_121"]["code"]) == (False, 5)
    canary = Evidence.of(report.observations).get("canary.abs")
    assert canary is not None
    assert cause_of(canary) is Cause.UNKNOWN_ARCHITECTURE
    assert "nvrtc: error: invalid value for --gpu-architecture (-arch)" in canary.error
    assert trace.jit_kernels() == ()
    assert report.verdict.prediction.kind is VerdictKind.NEEDED


def test_an_extension_that_was_built_on_x86_64_runs_there(
    machine: ArmMachine, newest: ArmTorch, context: Context, home: Home
) -> None:
    """Cross-built by wheel.build for sm_121a; its kernels are launched there, on a SIMULATED GB10."""
    request = BuildRequest(recipe="test-extension", sm="12.1a", python=newest.target.python, architecture=AARCH64)
    built = build_wheel(request, context)
    assert built.published.archs == ("sm_121a",)
    assert built.path.endswith("_aarch64.whl")
    with simulated_gb10(machine, newest, home) as gpu:
        site = gpu.folder / "site"
        with zipfile.ZipFile(built.path) as archive:
            archive.extractall(site)
        environ = {**gpu.running.environ, "PYTHONPATH": str(site)}
        done = gpu.machine.run([str(gpu.running.python), "-c", PROGRAM], env=environ, timeout=600)
        assert done.ok, done.stderr
        answers = json.loads(done.stdout.splitlines()[-1])
        launched = [one for one in gpu.running.trace().launches if one.name.startswith("_ZN")]
    for device, found, on_cpu in answers.values():
        assert (device, found) == ("cuda", on_cpu)
    names = [name for name in ("scale_kernel", "shift_kernel") if any(name in one.name for one in launched)]
    assert names == ["scale_kernel", "shift_kernel"]
    assert all(one.answer == 0 for one in launched)
