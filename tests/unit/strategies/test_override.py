"""Which torch is worth a newer NVRTC, and what a plan is made of that has one."""

from __future__ import annotations

import pytest

from scripts.errors import ExitCode, NoCandidateError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.plan import CheckConsistency, InstallLock, Lock, Pin, Request
from scripts.model.target import GB10, Architecture, ComputeCapability, PythonVersion, Target
from scripts.strategies.assembly import assemble
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.locks import make_lock, without
from scripts.strategies.override import (
    LANE,
    PACKAGE,
    NvrtcOverride,
    Tables,
    require_liftable,
    require_use,
)
from scripts.wheels.lanes import load_lanes
from scripts.wheels.measured import load_measured
from scripts.wheels.nvrtc import load_nvrtc
from tests.support.machines import MUSL, PC, PC_TARGET, SPARK, SPARK_TARGET, interpreter

H = "--hash=sha256:" + "a" * 64
TABLES = Tables(measured=load_measured(CONSTRAINTS / "devicecode.toml"), nvrtc=load_nvrtc(CONSTRAINTS / "nvrtc.toml"))
LANES = load_lanes(CONSTRAINTS / "lanes.toml")
STRATEGY = NvrtcOverride(LANES.named(LANE))
LIFTED = make_lock("constraints/nvrtc-override.txt", f"{PACKAGE}==12.9.86 {H}\n", index=None)
REST = make_lock("constraints/kokoro.txt", f"kokoro==0.9.4 {H}\n", index=None)
TORCH = f"torch==2.9.1+cu128 {H}\n{PACKAGE}==12.8.93 {H}\nnvidia-cublas-cu12==12.8.4.1 {H} --hash=sha256:{'b' * 64}\n"
RTX_5090, H100 = ComputeCapability(12, 0), ComputeCapability(9, 0)


def torch_lock(text: str = TORCH) -> Lock:
    return make_lock("constraints/cu128.txt", text, index="https://lane.example/whl/cu128")


def refusal(text: str, *, capability: ComputeCapability = GB10, target: Target = PC_TARGET) -> NoCandidateError:
    with pytest.raises(NoCandidateError) as caught:
        require_liftable(torch_lock(text), target, capability, TABLES)
    assert caught.value.exit_code is ExitCode.NO_CANDIDATE
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("version", ["2.9.1", "2.9.1+cu128", "2.10.0+cu128", "2.8.0", "2.99.0+cu128"])
def test_what_is_lifted(version: str) -> None:
    """What nobody measured (2.99) is no reason against it."""
    pin = require_liftable(torch_lock(TORCH.replace("2.9.1+cu128", version)), PC_TARGET, GB10, TABLES)
    assert (pin.name, pin.version) == (PACKAGE, "12.8.93")


REFUSED: dict[str, tuple[str, ComputeCapability, str, str]] = {
    "no device code for the target": (
        f"torch==2.7.1 {H}\n{PACKAGE}==12.6.77 {H}\n",
        GB10,
        "no-device-code",
        "no kernel image for 12.1",
    ),
    "NVRTC inside": (f"torch==2.7.1+cu128 {H}\n", GB10, "nvrtc-inside", "brings that of CUDA 12.8 inside"),
    "CUDA 13": (f"torch==2.11.0 {H}\nnvidia-cuda-nvrtc==13.0.88 {H}\n", GB10, "not-cuda-12", "13.0.88"),
    "CUDA 11": (
        f"torch==2.6.0+cu118 {H}\nnvidia-cuda-nvrtc-cu11==11.8.89 {H}\n",
        GB10,
        "not-cuda-12",
        "nvidia-cuda-nvrtc-cu11",
    ),
    "an NVRTC that knows the target": (TORCH, RTX_5090, "nothing-to-lift", "12.8.93"),
    "an older GPU": (TORCH, H100, "nothing-to-lift", "compiles for sm_90"),
    "an NVRTC that is new enough": (
        f"torch==2.9.1+cu129 {H}\n{PACKAGE}==12.9.86 {H}\n",
        GB10,
        "nothing-to-lift",
        "12.9.86",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    text, capability, reference, told = REFUSED[name]
    error = refusal(text, capability=capability)
    assert error.reference == reference
    assert told in error.message


def test_device_code_is_found_by_the_hash_of_a_wheel() -> None:
    wheel = next(one for one in TABLES.measured.wheels if one.file.startswith("torch-2.7.1") and one.cuda)
    text = f"torch==2.99.0 --hash=sha256:{wheel.sha256}\n{PACKAGE}==12.6.77 {H}\n"
    assert wheel.file in refusal(text).message


def test_the_lane_alone_tells_whom_it_is_not_for() -> None:
    pin = LIFTED.pins[0]
    require_use(STRATEGY.lane, pin, GB10, TABLES.nvrtc)
    with pytest.raises(NoCandidateError) as caught:
        require_use(STRATEGY.lane, pin, RTX_5090, TABLES.nvrtc)
    assert caught.value.reference == "nothing-to-lift"
    older = Pin(name=PACKAGE, version="12.6.77", hashes=pin.hashes)
    with pytest.raises(NoCandidateError) as caught:
        require_use(STRATEGY.lane, older, GB10, TABLES.nvrtc)
    assert caught.value.reference == "lifted-too-old"


def test_sources() -> None:
    request = Request(strategy="nvrtc-override")
    assert STRATEGY.lane_source(request) == TorchSource(
        name="cu128", index=LANES.named("cu128").index, lane_cuda="12.8", cuda_required=True
    )
    behind = STRATEGY.default_source(request, PC_TARGET)
    assert behind == TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=True)
    assert STRATEGY.default_source(request, SPARK_TARGET) is None, "its aarch64 builds of CUDA 12's time are CPU-only"
    mirrored = Request(strategy="nvrtc-override", index="https://mirror.example/whl/cu128")
    assert STRATEGY.lane_source(mirrored).index == mirrored.index
    assert STRATEGY.default_source(mirrored, PC_TARGET) is None


@pytest.mark.parametrize("said", [{"nightly": True}, {"source": "default"}])
def test_options_of_other_strategies(said: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        STRATEGY.lane_source(Request(strategy="nvrtc-override", **said))  # type: ignore[arg-type]
    assert caught.value.reference == "option-not-for-strategy"


def test_blockers_and_reservations_are_the_lanes() -> None:
    assert STRATEGY.name == "nvrtc-override"
    assert STRATEGY.blockers(SPARK, SPARK_TARGET) == STRATEGY.reservations(SPARK) == ()
    assert "musl" in STRATEGY.blockers(MUSL, PC_TARGET)[0].reason
    assert "no NVIDIA GPU" in STRATEGY.reservations(PC)[0].reason


def test_the_plan_lifts_one_pin_and_keeps_torchs_cuda() -> None:
    inputs = PlanInputs(
        source=STRATEGY.lane_source(Request()),
        target=SPARK_TARGET,
        interpreter=interpreter("3.12.3", architecture="aarch64"),
        locks=(torch_lock(), REST),
        made=(("kokoro_spark", "0.1.0", "1" * 64),),
    )
    plan = assemble("nvrtc-override", inputs, lifted=LIFTED)
    assert (plan.torch, plan.cuda, plan.nvrtc, plan.source) == ("2.9.1+cu128", "12.8", "12.9.86", "cu128")
    locks = [step.lock for step in plan.steps if isinstance(step, InstallLock)]
    assert [[pin.name for pin in lock.pins] for lock in locks] == [
        ["torch", "nvidia-cublas-cu12"],
        [PACKAGE],
        ["kokoro"],
    ]
    assert [lock.index for lock in locks] == ["https://lane.example/whl/cu128", None, None]
    assert plan.steps[-1] == CheckConsistency(torch="2.9.1+cu128", cuda="12.8", lifted=(PACKAGE,))
    plain = assemble("nvrtc-override", inputs)
    assert plain.digest != plan.digest
    newer = make_lock(LIFTED.name, f"{PACKAGE}==12.9.87 {H}\n", index=None)
    assert assemble("nvrtc-override", inputs, lifted=newer).digest != plan.digest


def test_pins_are_taken_out_of_a_lock_and_the_others_stay() -> None:
    lock = torch_lock()
    left = without(lock, [PACKAGE])
    assert left.pins == (lock.pins[0], lock.pins[2])
    assert len(left.pins[1].hashes) == 2
    assert (left.name, left.index) == (lock.name, lock.index)
    assert without(lock, ["torchaudio"]).pins == lock.pins


@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_lane_serves_both_platforms(architecture: Architecture) -> None:
    target = Target(architecture, PythonVersion(3, 12), (2, 39))
    assert STRATEGY.blockers(SPARK, target) == ()
