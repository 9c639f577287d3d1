"""nvrtc-override, planned for made-up machines and indexes: where its torch comes from, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.home import CONSTRAINTS
from scripts.model.facts import Facts, IndexSettings
from scripts.model.plan import CheckConsistency, InstallLock, InstallMade, Plan, Request
from scripts.model.target import Architecture, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.planning_override import override_lock
from scripts.strategies.override import PACKAGE
from tests.support.contexts import context
from tests.support.machines import PC, SPARK
from tests.unit.operations.worlds import CPU_ONLY, CU128, DEFAULT, HASH, CompilingUv, UnreachableWeb, page

LANE = "https://lane.example/whl/cu128"
AARCH64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_aarch64.whl"
X86_64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl"
IN_LANE = "torch-2.11.0+cu128-cp312-cp312-manylinux_2_28_aarch64.whl"
OF_LANE = f"torch==2.11.0+cu128 {HASH}\n{PACKAGE}==12.8.93 {HASH}\n"


class ReachingWeb(UnreachableWeb):
    """Every host that has a page can be connected to."""

    def reach(self, url: str) -> None:
        if not any(page.startswith(url.rsplit("/", 1)[0]) for page in self.pages):
            raise NetworkError(f"{url} cannot be reached", reference="network-unreachable", hint="check")


def at(folder: Path, facts: Facts, *, pages: Any = (), uv: CompilingUv | None = None) -> Context:
    index = IndexSettings(default_index=DEFAULT)
    return context(
        folder, dataclasses.replace(facts, index=index), web=ReachingWeb(dict(pages)), run=uv or CompilingUv()
    )


def planned(given: Context, **said: Any) -> Plan:
    return make_plan(Request(strategy="nvrtc-override", **said), given).plan


def refused(given: Context, **said: Any) -> SparkError:
    with pytest.raises(SparkError) as caught:
        planned(given, **said)
    assert caught.value.hint
    return caught.value


def test_torch_of_the_lane_on_a_spark(tmp_path: Path) -> None:
    uv = CompilingUv(text=OF_LANE)
    given = at(tmp_path, SPARK, pages=page(LANE, (IN_LANE, CU128.replace("2.9.1", "2.11.0+cu128"))), uv=uv)
    plan = planned(given, index=LANE)
    assert (plan.strategy, plan.source, plan.torch) == ("nvrtc-override", "cu128", "2.11.0+cu128")
    assert (plan.cuda, plan.nvrtc) == ("12.8", "12.9.86")
    assert plan.environment.startswith("nvrtc-override-")
    torch, lifted, rest = (step.lock for step in plan.steps if isinstance(step, InstallLock))
    assert [pin.name for pin in torch.pins] == ["torch"]
    assert (lifted.name, lifted.index) == ("constraints/nvrtc-override.txt", None)
    assert rest.name == "constraints/kokoro-aarch64-cp312.txt"
    assert [step.name for step in plan.steps if isinstance(step, InstallMade)] == ["en_core_web_sm", "kokoro_spark"]
    assert plan.steps[-1] == CheckConsistency(torch="2.11.0+cu128", cuda="12.8", lifted=(PACKAGE,))
    assert any("NVRTC 12.9.86 stands in the place of 12.8.93" in note for note in plan.notes)
    assert uv.indexes == [LANE]


def test_the_default_index_where_the_lane_cannot_be_reached(tmp_path: Path) -> None:
    uv = CompilingUv()
    plan = planned(at(tmp_path, PC, pages=page(DEFAULT, (AARCH64, CPU_ONLY), (X86_64, CU128)), uv=uv))
    assert (plan.source, plan.torch, plan.cuda, plan.nvrtc) == ("pypi", "2.9.1", "12.8", "12.9.86")
    assert any("torch comes from the default index instead" in note for note in plan.notes)
    assert uv.inputs[0][0] == "torch==2.9.1\n"


def test_the_torch_that_is_asked_for(tmp_path: Path) -> None:
    older = X86_64.replace("2.9.1", "2.8.0")
    pages = page(DEFAULT, (X86_64, CU128), (older, CU128.replace("2.9.1", "2.8.0")))
    uv = CompilingUv(text=f"torch==2.8.0 {HASH}\n{PACKAGE}==12.8.93 {HASH}\n")
    assert planned(at(tmp_path, PC, pages=pages, uv=uv), torch="2.8.0").torch == "2.8.0"


def test_a_spark_that_cannot_reach_the_lane(tmp_path: Path) -> None:
    """The default index's aarch64 builds of that time are CPU-only: it is not even asked."""
    given = at(tmp_path, SPARK, pages=page(DEFAULT, (AARCH64, CPU_ONLY)))
    error = refused(given)
    assert isinstance(error, NetworkError)
    assert error.message.startswith("strategy nvrtc-override: ")
    assert not any(url.startswith(DEFAULT) for url in given.web.seen)  # type: ignore[attr-defined]


def test_neither_can_be_reached(tmp_path: Path) -> None:
    error = refused(at(tmp_path, PC))
    assert isinstance(error, NetworkError)
    assert "UV_DEFAULT_INDEX" in error.hint


def test_a_mirror_is_not_left_for_another_index(tmp_path: Path) -> None:
    assert isinstance(refused(at(tmp_path, PC, pages=page(DEFAULT, (X86_64, CU128))), index=LANE), NetworkError)


@pytest.mark.parametrize("capability", [ComputeCapability(12, 0), ComputeCapability(9, 0), ComputeCapability(7, 5)])
def test_a_gpu_that_the_lane_knows_is_refused_without_a_question(tmp_path: Path, capability: ComputeCapability) -> None:
    given = at(tmp_path, PC)
    error = refused(given, sm=capability)
    assert isinstance(error, NoCandidateError)
    assert error.reference == "nothing-to-lift"
    assert given.web.seen == []  # type: ignore[attr-defined]


def test_a_build_of_cuda_13_is_refused_before_it_is_downloaded(tmp_path: Path) -> None:
    newer = X86_64.replace("2.9.1", "2.11.0")
    metadata = CU128.replace("2.9.1", "2.11.0").replace(f"{PACKAGE}==12.8.93", "nvidia-cuda-nvrtc==13.0.88")
    uv = CompilingUv(text=f"torch==2.11.0 {HASH}\nnvidia-cuda-nvrtc==13.0.88 {HASH}\n")
    error = refused(at(tmp_path, PC, pages=page(DEFAULT, (newer, metadata)), uv=uv), torch="2.11.0")
    assert error.reference == "not-cuda-12"


def test_for_another_machine(tmp_path: Path) -> None:
    pages = page(LANE, (IN_LANE, CU128.replace("2.9.1", "2.11.0+cu128")))
    given = at(tmp_path, PC, pages=pages, uv=CompilingUv(text=OF_LANE))
    plan = planned(given, architecture=Architecture.AARCH64, index=LANE)
    assert plan.architecture is Architecture.AARCH64


def test_the_committed_pin() -> None:
    lock = override_lock(CONSTRAINTS)
    (pin,) = lock.pins
    assert (pin.name, pin.version) == (PACKAGE, "12.9.86")
    assert len(pin.hashes) >= 2, "a wheel for each platform"


@pytest.mark.parametrize("text", [None, "", f"torch==2.9.1 {HASH}\n", f"{PACKAGE}==12.9.86 {HASH}\ntorch==1 {HASH}\n"])
def test_a_pin_that_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "nvrtc-override.txt").write_text(text)
    with pytest.raises(IntegrityError) as caught:
        override_lock(tmp_path)
    assert caught.value.reference == "bad-lock"
