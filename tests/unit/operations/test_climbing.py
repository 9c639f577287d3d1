"""Facts in, climb out: over machines, states of the indexes, what fails to install, and what the judge says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.errors import (
    BrokenError,
    BuildError,
    BusyError,
    DiskError,
    EngineError,
    ExitCode,
    IntegrityError,
    NetworkError,
    NoCandidateError,
    SparkError,
)
from scripts.home import CHECKOUT
from scripts.model.climb import RungState
from scripts.model.environment import EnvironmentState
from scripts.model.facts import Facts
from scripts.model.plan import Request
from scripts.model.target import GB10, ComputeCapability
from scripts.operations import trying
from scripts.operations.climbing import foresee_climb
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.setup import SetupResult, setup
from scripts.operations.trying import judge_here
from tests.support.machines import (
    DEAD_DOCKER,
    GIB,
    MISMATCH,
    MUSL,
    OLD_GLIBC,
    PC,
    PLAIN_DOCKER,
    gpus,
    machine,
    spark,
    workstation,
)
from tests.support.plans import plan, put, record
from tests.support.verdicts import Verdicts
from tests.unit.operations.climbs import ALL_GONE, Builds, LanesWeb, here, open_lanes
from tests.unit.operations.prebuilt_wheels import torch as torch_wheel
from tests.unit.operations.worlds import DEFAULT
from tests.unit.verification.cases import device
from tests.unit.verification.test_verify import ScriptedPython

OUT_OF_REACH = NetworkError("the default index cannot be reached", reference="network-unreachable", hint="check")
NO_SOLUTION = NoCandidateError("what is pinned is not on the index", reference="no-solution", hint="another index")
TORN = IntegrityError("a downloaded file is not the pinned one", reference="hash-mismatch", hint="try again")
NO_BUILD = BuildError("uv failed", reference="uv-failed", hint="look")
NO_PULL = EngineError("the image cannot be pulled", reference="pull-refused", hint="log in")
REST = "not reached"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A machine and the world around it. `expected`: every rung that is not `not reached`, or an error's reference."""

    facts: Facts
    web: LanesWeb = field(default_factory=open_lanes)
    said: Mapping[str, Any] = field(default_factory=dict)
    fails: Mapping[str, SparkError] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] | str
    why: Mapping[str, str] = field(default_factory=dict)
    """A part of a rung's reasons."""
    before: tuple[str, ...] = ()
    """What was built on the way."""


CPU_REFUSED = {"cpu": "refused", "source": "refused", "prebuilt": "refused"}
NO_ENGINE = {**CPU_REFUSED, "ngc": "refused"}
"""As of a machine with a GPU and no container engine."""
FIRST_THREE = {"pypi": "refused", "cu130": "refused", "cu132": "refused"}
OLDER_LANES = {"cu129": "refused", "cu128": "refused", "cu126": "refused"}
EVERY_GPU_RUNG = {**FIRST_THREE, **OLDER_LANES, "nvrtc-override": "refused", "onnx": "refused", **NO_ENGINE}
B200 = workstation(10, 0, name="NVIDIA B200", engines=())

CASES: dict[str, Case] = {
    "GB10, everything reachable": Case(facts=spark(), expected={**CPU_REFUSED, "pypi": "chosen"}, before=("pypi",)),
    "GB10, simulated": Case(
        facts=spark(), verdicts={"pypi": "simulated not-needed"}, expected={**CPU_REFUSED, "pypi": "chosen"}
    ),
    "GB10, the PyTorch index gone": Case(
        facts=spark(engines=()), web=open_lanes(gone=ALL_GONE), expected={**NO_ENGINE, "pypi": "chosen"}
    ),
    "GB10, the default index gone": Case(
        facts=spark(engines=()),
        fails={"pypi": OUT_OF_REACH},
        expected={**NO_ENGINE, "pypi": "failed", "cu130": "chosen"},
        why={"pypi": "the default index cannot be reached"},
    ),
    "RTX 5090, a default index without torch, the PyTorch index gone, a wheelhouse": Case(
        facts=workstation(12, 0, engines=()),
        web=open_lanes(gone=ALL_GONE),
        said={"wheel": "WHEELHOUSE"},
        fails={"pypi": NO_SOLUTION},
        expected={
            **NO_ENGINE,
            **FIRST_THREE,
            **OLDER_LANES,
            "pypi": "failed",
            "nvrtc-override": "refused",
            "prebuilt": "chosen",
        },
        why={"cu130": "cannot be reached", "pypi": "is not on the index"},
    ),
    "GB10, both indexes gone, an engine": Case(
        facts=spark(),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            "cu130": "refused",
            "cu132": "refused",
            "cu129": "refused",
            "nvrtc-override": "refused",
            "ngc": "chosen",
        },
    ),
    "GB10, nothing to be had at all": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH, "onnx": OUT_OF_REACH},
        expected="no-gpu-strategy",
    ),
    "GB10, the image cannot be pulled": Case(
        facts=spark(),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": TORN, "ngc": NO_PULL},
        verdicts={"onnx": "not-applicable"},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            "cu130": "refused",
            "cu132": "refused",
            "cu129": "refused",
            "nvrtc-override": "refused",
            "ngc": "failed",
            "onnx": "chosen",
        },
        why={"pypi": "not the pinned one", "ngc": "cannot be pulled"},
    ),
    "GB10, the first fails verification": Case(
        facts=spark(),
        verdicts={"pypi": "broken"},
        expected={**CPU_REFUSED, "pypi": "failed", "cu130": "chosen"},
        why={"pypi": "pypi was found broken"},
        before=("pypi", "cu130"),
    ),
    "GB10, the first is undecided": Case(
        facts=spark(), verdicts={"pypi": "undecided"}, expected={**CPU_REFUSED, "pypi": "failed", "cu130": "chosen"}
    ),
    "GB10, the first needs the patch": Case(
        facts=spark(), verdicts={"pypi": "needed"}, expected={**CPU_REFUSED, "pypi": "second best", "cu130": "chosen"}
    ),
    "GB10, all need the patch or fail": Case(
        facts=spark(),
        verdicts={"pypi": "broken", **dict.fromkeys(("cu130", "cu132", "cu129", "nvrtc-override", "ngc"), "needed")},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            "cu130": "chosen",
            **dict.fromkeys(("cu132", "cu129", "nvrtc-override", "ngc"), "second best"),
        },
    ),
    "GB10, cu130 empty": Case(
        facts=spark(),
        web=open_lanes(empty=("cu130",)),
        fails={"pypi": NO_BUILD},
        expected={**CPU_REFUSED, "pypi": "failed", "cu130": "refused", "cu132": "chosen"},
        why={"cu130": "cu130 has no torch for cp312 linux aarch64"},
    ),
    "GB10, an old torch is asked for": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=("cu130", "cu132", "cu129")),
        said={"torch": "2.11.0+cu128"},
        expected={
            **NO_ENGINE,
            "pypi": "refused",
            "cu130": "refused",
            "cu132": "refused",
            "cu129": "refused",
            "nvrtc-override": "chosen",
        },
    ),
    "GB10, a driver for CUDA 12": Case(
        facts=spark(driver="570.86", cuda="12.8"),
        expected={
            **NO_ENGINE,
            "pypi": "refused",
            "cu130": "refused",
            "cu132": "refused",
            "cu129": "chosen",
            "onnx": "refused",
        },
        why={"pypi": "the driver serves CUDA 12.8", "ngc": "the driver serves CUDA 12.8"},
    ),
    "GB10, --never": Case(
        facts=spark(),
        said={"never": ("pypi", "cu130")},
        expected={**CPU_REFUSED, "pypi": "refused", "cu130": "refused", "cu132": "chosen"},
        why={"pypi": "refused by --never"},
    ),
    "GB10, all but the CPU refused by name": Case(
        facts=spark(engines=()),
        said={"never": ("pypi", "cu130", "cu132", "cu129", "nvrtc-override", "onnx")},
        expected="no-gpu-strategy",
    ),
    "GB10, nightly builds": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        said={"nightly": True},
        expected="no-gpu-strategy",
    ),
    "GB10, the daemon down": Case(
        facts=spark(engines=(DEAD_DOCKER,)),
        expected={**NO_ENGINE, "pypi": "chosen"},
        why={"ngc": "docker: its daemon does not run"},
    ),
    "GB10, docker without the NVIDIA runtime": Case(
        facts=spark(engines=(PLAIN_DOCKER,)), expected={**NO_ENGINE, "pypi": "chosen"}, why={"ngc": "no NVIDIA runtime"}
    ),
    "GB10, too little disk for the image": Case(
        facts=spark(free=12 * GIB), expected={**NO_ENGINE, "pypi": "chosen"}, why={"ngc": "25 GB of disk"}
    ),
    "GB10, only onnx holds": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        verdicts={"pypi": "broken", "onnx": "not-applicable"},
        expected={
            **NO_ENGINE,
            "pypi": "failed",
            **dict.fromkeys(("cu130", "cu132", "cu129", "nvrtc-override"), "refused"),
            "onnx": "chosen",
        },
    ),
    "GB10, onnx on the CPU after all": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        verdicts={"pypi": "broken", "onnx": "broken"},
        expected="no-gpu-strategy",
    ),
    "GB10, nothing holds, the CPU allowed": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        said={"allow_cpu": True},
        verdicts={"pypi": "broken", "onnx": "broken"},
        expected={
            "source": "refused",
            "prebuilt": "refused",
            "ngc": "refused",
            "pypi": "failed",
            **dict.fromkeys(("cu130", "cu132", "cu129", "nvrtc-override"), "refused"),
            "onnx": "failed",
            "cpu": "chosen",
        },
    ),
    "RTX 5090": Case(facts=workstation(12, 0, name="RTX 5090"), expected={**CPU_REFUSED, "pypi": "chosen"}),
    "RTX 5090, the PyTorch and the default index gone": Case(
        facts=workstation(12, 0, engines=()),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH, "onnx": OUT_OF_REACH},
        expected="no-gpu-strategy",
    ),
    "RTX 5090, a driver for CUDA 12": Case(
        facts=workstation(12, 0, driver="570.86", cuda="12.8", engines=()),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "chosen", "onnx": "refused"},
    ),
    "H100": Case(facts=workstation(9, 0, name="NVIDIA H100"), expected={**CPU_REFUSED, "pypi": "chosen"}),
    "H100, an old driver, cu129 gone": Case(
        facts=workstation(9, 0, driver="535.104", cuda="12.2", engines=()),
        web=open_lanes(gone=("cu129",)),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "refused", "cu128": "chosen", "onnx": "refused"},
    ),
    "T4": Case(facts=workstation(7, 5, name="Tesla T4", engines=()), expected={**NO_ENGINE, "pypi": "chosen"}),
    "A100, Python 3.12": Case(facts=workstation(8, 0, engines=()), expected={**NO_ENGINE, "pypi": "chosen"}),
    "B200": Case(facts=B200, expected={**NO_ENGINE, "pypi": "chosen"}),
    "V100, which CUDA 13 dropped": Case(
        facts=workstation(7, 0, name="Tesla V100", engines=()),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "chosen"},
        why={"pypi": "no kernel image for 7.0", "cu130": "CUDA 13.0 no longer compiles for 7.0"},
    ),
    "a GPU that none has heard of": Case(
        facts=workstation(13, 0, engines=()),
        expected={**NO_ENGINE, "pypi": "refused", "cu130": "chosen"},
        why={"pypi": "no kernel image for 13.0"},
    ),
    "two GPUs of which the first counts": Case(
        facts=dataclasses.replace(
            spark(),
            gpu=dataclasses.replace(spark().gpu, gpus=(*spark().gpu.gpus, *B200.gpu.gpus)),
        ),
        expected={**CPU_REFUSED, "pypi": "chosen"},
    ),
    "a driver mismatch": Case(facts=MISMATCH, expected="no-gpu-strategy"),
    "a driver mismatch, the CPU allowed": Case(
        facts=MISMATCH,
        said={"allow_cpu": True},
        expected={**EVERY_GPU_RUNG, "cpu": "chosen"},
        why={"onnx": "Driver/library version mismatch"},
    ),
    "no GPU": Case(facts=PC, expected={**EVERY_GPU_RUNG, "cpu": "chosen"}, before=("cpu",)),
    "no GPU, aarch64": Case(facts=machine(architecture="aarch64"), expected={**EVERY_GPU_RUNG, "cpu": "chosen"}),
    "no GPU, the CPU refused by name": Case(facts=PC, said={"never": ("cpu",)}, expected="no-strategy"),
    "no GPU, no index": Case(facts=PC, fails={"cpu": OUT_OF_REACH}, expected="network-unreachable"),
    "musl": Case(facts=MUSL, expected="no-strategy"),
    "an old glibc and a GPU": Case(
        facts=dataclasses.replace(OLD_GLIBC, gpu=gpus(GB10, driver="580.95.05", cuda="13.0")), expected="no-strategy"
    ),
    "a full disk ends it": Case(
        facts=spark(), fails={"pypi": DiskError("no space", reference="disk-full")}, expected="disk-full"
    ),
    "a lock that is held ends it": Case(
        facts=spark(), fails={"pypi": BusyError("held", reference="busy")}, expected="busy"
    ),
}


@dataclass
class Climbing:
    """What a case is run with."""

    given: Context
    builds: Builds
    verdicts: Verdicts

    def run(self, case: Case, **more: Any) -> SetupResult:
        said = {**case.said, **more.pop("said", {})}
        return setup(Request(**said), None, GB10, self.given, judge=self.verdicts, **more)


@pytest.fixture
def climbing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(case: Case) -> tuple[Climbing, Case]:
        if case.said.get("wheel") == "WHEELHOUSE":
            folder = tmp_path / "wheelhouse"
            torch_wheel(folder)
            case = dataclasses.replace(case, said={**case.said, "wheel": str(folder)})
        made = Climbing(
            given=here(tmp_path, case.facts, case.web), builds=Builds(case.fails), verdicts=Verdicts(case.verdicts)
        )
        monkeypatch.setattr(trying, "built", made.builds)
        monkeypatch.setattr(trying, "smoked", lambda kept, *_: kept)
        return made, case

    return make


@pytest.mark.parametrize("name", CASES)
def test_facts_in_climb_out(climbing: Any, name: str) -> None:
    made, case = climbing(CASES[name])
    if isinstance(case.expected, str):
        with pytest.raises(SparkError) as caught:
            made.run(case)
        assert caught.value.reference == case.expected
        assert made.given.store.current() is None
        return
    result = made.run(case)
    climb = result.climb
    assert climb is not None
    states = {rung.strategy: str(rung.state) for rung in climb.rungs if rung.state is not RungState.NOT_REACHED}
    on_ladder = {rung.strategy for rung in climb.rungs}
    assert states == {name: state for name, state in case.expected.items() if name in on_ladder}
    for rung in climb.rungs:
        assert bool(rung.reasons) == (rung.state in {RungState.REFUSED, RungState.FAILED, RungState.PUT_OFF}), rung
    for strategy, reason in case.why.items():
        assert reason in "; ".join(blocker.reason for blocker in climb.rung(strategy).reasons)
    if case.before:
        assert tuple(made.builds.seen) == case.before
    current = made.given.store.current()
    assert current is not None
    assert current.name == result.environment
    assert current.record is not None
    assert current.record.climb == climb
    assert climb.chosen is not None
    assert (climb.chosen.environment, climb.chosen.verdict) == (result.environment, result.verdict)


def test_the_table_is_as_large_as_it_should_be() -> None:
    assert len({str(case.facts) + str(case.web.pages.keys()) + str(case.said) for case in CASES.values()}) >= 25


def test_on_the_cpu_despite_a_gpu_without_being_allowed(climbing: Any) -> None:
    made, case = climbing(CASES["a driver mismatch"])
    with pytest.raises(NoCandidateError) as caught:
        made.run(case)
    error = caught.value
    assert error.exit_code is ExitCode.NO_CANDIDATE
    assert error.context.startswith("the ladder for an NVIDIA GPU whose driver does not answer:\n  pypi, cu130")
    assert "cpu: refused: there is a GPU here, and the CPU was neither asked for nor allowed" in error.context
    assert error.hint == "reboot; or take the CPU on purpose with --allow-cpu or --strategy cpu"
    assert made.builds.seen == []


def test_on_the_cpu_despite_a_gpu_is_said_aloud(climbing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made, case = climbing(CASES["a driver mismatch, the CPU allowed"])
    made.run(case)
    assert "ATTENTION: there is a GPU here and Kokoro will NOT use it" in capsys.readouterr().err


def test_on_a_machine_without_a_gpu_nothing_is_judged_and_no_lane_is_asked(climbing: Any) -> None:
    made, case = climbing(CASES["no GPU"])
    made.run(case)
    assert made.verdicts.seen == []
    assert {url.split("/whl/")[-1].split("/")[0] for url in case.web.seen} <= {"cpu"}


def test_what_facts_or_data_refuse_costs_no_request(climbing: Any) -> None:
    made, case = climbing(CASES["V100, which CUDA 13 dropped"])
    made.run(case)
    asked = {url.split("/whl/")[-1].split("/")[0] for url in case.web.seen if DEFAULT not in url}
    assert "cu130" not in asked
    assert "cu132" not in asked
    assert case.web.seen, "the lane that was chosen was asked"


def test_what_was_judged_is_not_judged_again(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    first = made.run(case)
    again = made.run(case)
    assert again.reused
    assert again.environment == first.environment
    assert (made.verdicts.seen, made.builds.seen) == (["pypi", "cu130"], ["pypi", "cu130"])
    assert again.climb is not None
    (reason,) = again.climb.rung("pypi").reasons
    assert reason.reason == "auto judged it broken: pypi was found broken (on record, under the same driver)"
    made.run(case, refresh=True)
    assert made.verdicts.seen == ["pypi", "cu130"] * 2


@pytest.mark.parametrize("changed", [{"driver": "590.44.01"}, {"devices": ("NVIDIA GB10, 12.1, GPU-other",)}])
def test_under_another_driver_or_gpu_it_is_judged_again(climbing: Any, changed: dict[str, Any]) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    result = made.run(case)
    entry = made.given.store.current()
    assert entry is not None
    assert entry.record is not None
    assert entry.record.climb is not None
    made.given.store.write(dataclasses.replace(entry.record, climb=dataclasses.replace(entry.record.climb, **changed)))
    assert made.run(case).environment == result.environment
    assert made.verdicts.seen == ["pypi", "pypi"]


def test_what_was_undecided_is_judged_again(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first is undecided"])
    made.run(case)
    made.run(case)
    assert made.verdicts.seen == ["pypi", "cu130", "pypi"]


def test_an_environment_that_was_set_up_by_name_is_judged_by_auto(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    planned = make_plan(Request(strategy="pypi"), made.given).plan
    put(made.given.store, record(planned.environment, plan=planned, verdict="needed"))
    result = made.run(case)
    assert (result.reused, result.verdict, made.verdicts.seen) == (True, "not-needed", ["pypi"])


def test_without_a_smoke_nothing_is_judged(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    result = made.run(case, smoke=False)
    assert (result.verdict, result.current, made.verdicts.seen) == (None, True, [])


def test_a_rung_that_fails_is_left_with_its_reasons(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    made.run(case)
    failed = next(one.record for one in made.given.store.entries() if one.name.startswith("pypi-"))
    assert failed is not None
    assert (failed.state, failed.verdict) == (EnvironmentState.READY, "broken")
    assert failed.reason == "auto judged it broken: pypi was found broken"
    assert failed.climb is not None
    assert failed.climb.rung("pypi").state is RungState.FAILED


def test_the_report_holds_the_climb(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    result = made.run(case)
    document = json.loads((made.given.home.reports / result.environment / "report.json").read_text())
    states = {rung["strategy"]: rung["state"] for rung in document["climb"]["rungs"]}
    assert (states["pypi"], states["cu130"], states["cpu"]) == ("failed", "chosen", "refused")
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())
    climb_schema = {"$defs": schema["$defs"], **schema["properties"]["climb"]}
    jsonschema.Draft202012Validator(climb_schema).validate(document["climb"])
    text = (made.given.home.reports / result.environment / "report.txt").read_text()
    page = (made.given.home.reports / result.environment / "report.html").read_text()
    assert "pypi: failed, judged broken: pypi was found broken" in text
    assert "How auto came to it" in page
    assert "pypi was found broken" in page


def current_of(climbing: Climbing, verdict: str | None, *, strategy: str = "cu130") -> str:
    """Something that is ready and current before `auto` comes."""
    name = f"{strategy}-aaaaaaaaaaaa"
    put(climbing.given.store, record(name, plan=plan(strategy=strategy, digest="aaaaaaaaaaaa"), verdict=verdict))
    climbing.given.store.use(name)
    return name


@pytest.mark.parametrize(
    ("case", "current", "strategy", "switches"),
    [
        ("GB10, everything reachable", "not-needed", "cu130", True),
        ("GB10, everything reachable", None, "cu130", True),
        ("GB10, everything reachable", "broken", "cu130", True),
        ("GB10, everything reachable", "not-applicable", "cpu", True),
        ("GB10, everything reachable", None, "cpu", True),
        ("GB10, all need the patch or fail", "not-needed", "pypi", False),
        ("GB10, all need the patch or fail", "simulated not-needed", "pypi", False),
        ("GB10, all need the patch or fail", "needed", "pypi", True),
        ("GB10, only onnx holds", "needed", "pypi", False),
        ("GB10, only onnx holds", "undecided", "pypi", True),
        ("GB10, nothing holds, the CPU allowed", "needed", "pypi", False),
        ("GB10, nothing holds, the CPU allowed", "broken", "pypi", True),
        ("no GPU", "not-needed", "pypi", True),
    ],
)
def test_what_is_current_gives_way_to_nothing_worse(
    climbing: Any, case: str, current: str | None, strategy: str, *, switches: bool
) -> None:
    made, chosen = climbing(CASES[case])
    before = current_of(made, current, strategy=strategy)
    result = made.run(chosen)
    now = made.given.store.current()
    assert now is not None
    assert result.current is switches
    assert now.name == (result.environment if switches else before)
    assert (before in result.withheld) is not switches


def test_what_is_current_stays_so_where_nothing_is_chosen(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, nothing to be had at all"])
    before = current_of(made, "needed")
    with pytest.raises(NoCandidateError):
        made.run(case)
    current = made.given.store.current()
    assert current is not None
    assert current.name == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.fails and not case.verdicts])
def test_a_dry_run_foresees_what_would_be_chosen(climbing: Any, name: str) -> None:
    made, case = climbing(CASES[name])
    if isinstance(case.expected, str):
        with pytest.raises(SparkError) as caught:
            foresee_climb(Request(**case.said), made.given)
        assert caught.value.reference == case.expected
        return
    outlook = foresee_climb(Request(**case.said), made.given)
    states = {rung.strategy: str(rung.state) for rung in outlook.climb.rungs}
    chosen = next(strategy for strategy, state in case.expected.items() if state == "chosen")
    assert states[chosen] == "would be tried"
    assert outlook.plan.strategy == chosen
    assert made.builds.seen == []
    assert not made.given.home.environments.exists()
    made.run(case)
    again = foresee_climb(Request(**case.said), made.given)
    rung = again.climb.rung(chosen)
    assert (rung.environment, rung.state) == (outlook.plan.environment, RungState.NEXT)
    assert (rung.verdict is not None) is (chosen != "cpu")


def test_a_dry_run_knows_what_failed_before(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    made.run(case)
    outlook = foresee_climb(Request(), made.given)
    assert outlook.climb.rung("pypi").state is RungState.FAILED
    assert outlook.plan.strategy == "cu130"


def test_a_judge_that_cannot_judge_fails_the_rung(climbing: Any) -> None:
    made, _ = climbing(CASES["GB10, everything reachable"])
    asked: list[str] = []

    def judge(entry: Any, target: ComputeCapability, given: Context) -> Any:
        asked.append(entry.record.plan.strategy)
        if len(asked) == 1:
            raise BrokenError("its Python does not answer", reference="interpreter-broken", hint="look")
        return made.verdicts(entry, target, given)

    result = setup(Request(), None, GB10, made.given, judge=judge)
    assert asked == ["pypi", "cu130"]
    assert result.climb is not None
    assert result.climb.rung("pypi").reasons[0].reason == "its Python does not answer"


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_the_judge_is_verify_itself(climbing: Any, tmp_path: Path, *, simulated: bool) -> None:
    made, _ = climbing(CASES["GB10, everything reachable"])
    (tmp_path / "site").mkdir()
    python = ScriptedPython(site=tmp_path / "site")
    python.answers["device"] = device("12.1", simulated=simulated).detail
    made.given.run = python
    result = setup(Request(), None, GB10, made.given)
    verdict = "simulated not-needed" if simulated else "not-needed"
    assert (result.verdict, result.prediction, result.current) == (verdict, "undecided", True)
    assert "canary.abs" in python.asked
    assert result.climb is not None
    assert result.climb.rung("pypi").verdict == verdict
    folder = made.given.home.reports / (f"{result.environment}-simulated" if simulated else result.environment)
    assert json.loads((folder / "report.json").read_text())["climb"]["rungs"][0]["state"] == "chosen"
    judged = judge_here(made.given.store.find_ready(None), GB10, made.given)
    assert judged.report.climb == result.climb, "a later verify tells it as well"


def test_a_judge_that_finds_no_gpu_fails_the_rung(climbing: Any, tmp_path: Path) -> None:
    made, case = climbing(CASES["GB10, the PyTorch index gone"])
    (tmp_path / "site").mkdir()
    made.given.run = ScriptedPython(site=tmp_path / "site")
    with pytest.raises(NoCandidateError) as caught:
        setup(Request(never=("onnx",)), None, GB10, made.given)
    assert caught.value.reference == "no-gpu-strategy"
    assert "pypi: failed, judged undecided: no GPU to judge on" in caught.value.context
    assert made.given.store.current() is None
    assert case.web.seen
