"""From a request to a plan, on made-up machines and indexes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.climb import RungState
from scripts.model.facts import Facts, IndexSettings
from scripts.model.plan import CreateVenv, InstallLock, InstallMade, Request
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion
from scripts.operations.context import Context
from scripts.operations.planning import Planned, make_plan
from tests.support.contexts import context
from tests.support.machines import MAC, MUSL, OLD_GLIBC, PC, SPARK, interpreter, machine
from tests.unit.operations.worlds import CPU_ONLY, CU128, DEFAULT, CompilingUv, UnreachableWeb, page

INDEX = IndexSettings(default_index=DEFAULT, notes=("packages come from pip's index",))
AARCH64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_aarch64.whl"
X86_64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl"


def at(folder: Path, facts: Facts, *, web: Any = None, run: Any = None) -> Context:
    return context(folder, dataclasses.replace(facts, index=INDEX), web=web or UnreachableWeb(), run=run)


def refused(request: Request, given: Context) -> SparkError:
    with pytest.raises(SparkError) as caught:
        make_plan(request, given)
    assert caught.value.hint
    return caught.value


def install_locks(planned: Planned) -> list[InstallLock]:
    return [step for step in planned.plan.steps if isinstance(step, InstallLock)]


def test_a_pinned_strategy_asks_no_index(tmp_path: Path) -> None:
    given = at(tmp_path, PC)
    planned = make_plan(Request(strategy="pypi"), given)
    plan = planned.plan
    assert (plan.strategy, plan.source, plan.architecture) == ("pypi", "pypi", Architecture.X86_64)
    assert plan.cuda is not None
    assert plan.notes == INDEX.notes
    assert planned.for_this_machine
    assert planned.refusals == ()
    assert given.web.seen == []  # type: ignore[attr-defined]
    assert not given.home.root.exists()
    assert plan.steps[0] == CreateVenv(interpreter="/usr/bin/python3.12", python="3.12.3")
    torch, rest = install_locks(planned)
    assert (torch.lock.name, torch.lock.index) == ("constraints/pypi-x86_64-cp312.txt", None)
    assert (rest.lock.name, rest.lock.index) == ("constraints/kokoro-x86_64-cp312.txt", None)
    assert rest.lock.build_text.startswith("setuptools==")
    made = [step.name for step in plan.steps if isinstance(step, InstallMade)]
    assert made == ["en_core_web_sm", "kokoro_spark"]


def test_the_same_request_gives_the_same_plan(tmp_path: Path) -> None:
    plans = [make_plan(Request(strategy="pypi"), at(tmp_path, PC)).plan for _ in range(2)]
    assert plans[0] == plans[1]


def test_auto_without_a_gpu_ends_at_the_cpu_and_says_why(tmp_path: Path) -> None:
    given = at(tmp_path, PC)
    planned = make_plan(Request(), given)
    assert (planned.plan.strategy, planned.plan.source) == ("cpu", "pypi")
    assert planned.climb is not None
    assert planned.climb.rungs[-1].state is RungState.NEXT
    assert {one.strategy for one in planned.refusals} == set(given.strategies) - {"cpu"}
    assert "there is no NVIDIA GPU here" in planned.refusals[0].blockers[0].reason
    assert all(DEFAULT in url or "/whl/cpu" in url for url in given.web.seen)  # type: ignore[attr-defined]
    (note, _) = planned.plan.notes
    assert note.endswith("cannot be reached; torch comes from the default index instead")


def test_auto_on_a_spark_takes_the_default_index(tmp_path: Path) -> None:
    given = at(tmp_path, SPARK)
    planned = make_plan(Request(), given)
    assert planned.plan.strategy == "pypi"
    assert planned.climb is not None
    assert planned.climb.rungs[0].state is RungState.NEXT
    assert given.web.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("facts", [MUSL, OLD_GLIBC])
def test_auto_where_nothing_fits(tmp_path: Path, facts: Facts) -> None:
    error = refused(Request(), at(tmp_path, facts))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-strategy")
    assert error.context.startswith("the ladder for a machine without an NVIDIA GPU:\n  pypi, cu130, cu132, ")


def test_auto_tells_what_is_wrong_with_the_only_one_that_fits(tmp_path: Path) -> None:
    error = refused(Request(torch="99"), at(tmp_path, PC))
    assert (error.exit_code, error.reference) == (ExitCode.NETWORK, "network-unreachable")
    assert error.message.startswith("strategy cpu: ")
    assert "pypi, cu130, cu132, cu129, cu128, cu126" in error.context
    assert "refused: there is no NVIDIA GPU here" in error.context


@pytest.mark.parametrize("strategy", ["pypi", "cpu", "cu130"])
def test_a_named_strategy_that_is_blocked(tmp_path: Path, strategy: str) -> None:
    error = refused(Request(strategy=strategy), at(tmp_path, MUSL))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "strategy-blocked")
    assert "musl" in error.context


@pytest.mark.parametrize("facts", [MAC, machine(architecture="riscv64"), machine(architecture="armv7l")])
@pytest.mark.parametrize("strategy", ["auto", "cpu"])
def test_a_machine_that_no_wheel_is_for(tmp_path: Path, facts: Facts, strategy: str) -> None:
    error = refused(Request(strategy=strategy), at(tmp_path, facts))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "unsupported-machine")
    assert facts.host.architecture in error.message


@pytest.mark.parametrize("python", SUPPORTED_PYTHONS, ids=str)
def test_a_plan_for_another_machine(tmp_path: Path, python: PythonVersion) -> None:
    request = Request(strategy="pypi", architecture=Architecture.AARCH64, python=python)
    planned = make_plan(request, at(tmp_path, PC))
    assert not planned.for_this_machine
    assert planned.plan.steps[0] == CreateVenv(interpreter="", python=str(python))
    assert install_locks(planned)[0].lock.name == f"constraints/pypi-aarch64-{python.tag}.txt"


def test_a_platform_that_is_this_one_is_this_machine(tmp_path: Path) -> None:
    planned = make_plan(Request(strategy="pypi", architecture=Architecture.X86_64), at(tmp_path, PC))
    assert planned.for_this_machine


def test_auto_does_not_decide_for_another_machine(tmp_path: Path) -> None:
    error = refused(Request(architecture=Architecture.AARCH64), at(tmp_path, PC))
    assert isinstance(error, UsageError)
    assert error.reference == "auto-elsewhere"


def test_a_cpu_only_build_is_refused_by_name_before_any_download(tmp_path: Path) -> None:
    web = UnreachableWeb(page(DEFAULT, (AARCH64, CPU_ONLY), (X86_64, CU128)))
    given = at(tmp_path, PC, web=web)
    error = refused(Request(strategy="pypi", torch="2.9.1", architecture=Architecture.AARCH64), given)
    assert isinstance(error, NoCandidateError)
    assert error.reference == "cpu-only-build"
    assert AARCH64 in error.message
    assert "2.11.0" in error.hint
    assert [url.rsplit("/", 1)[-1] for url in web.seen] == ["", f"{AARCH64}.metadata"]


def test_the_same_release_is_a_cuda_build_for_x86_64(tmp_path: Path) -> None:
    web = UnreachableWeb(page(DEFAULT, (AARCH64, CPU_ONLY), (X86_64, CU128)))
    planned = make_plan(Request(strategy="pypi", torch="2.9.1"), at(tmp_path, PC, web=web, run=CompilingUv()))
    assert (planned.plan.torch, planned.plan.cuda, planned.plan.nvrtc) == ("2.9.1", "12.8", "12.8.93")


def test_a_lane_that_cannot_be_reached_says_what_to_try(tmp_path: Path) -> None:
    error = refused(Request(strategy="cu130"), at(tmp_path, PC))
    assert isinstance(error, NetworkError)
    assert error.message.startswith("strategy cu130: ")
    assert "--strategy pypi" in error.hint
    assert "--index" in error.hint


def test_a_default_index_that_cannot_be_reached_says_what_to_try(tmp_path: Path) -> None:
    error = refused(Request(strategy="pypi", torch="2.9.1"), at(tmp_path, PC))
    assert (error.exit_code, error.reference) == (ExitCode.NETWORK, "network-unreachable")
    assert "UV_DEFAULT_INDEX" in error.hint
    assert "--strategy pypi" not in error.hint


def test_cpu_from_the_lane_alone_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    error = refused(Request(strategy="cpu", source="lane"), at(tmp_path, PC))
    assert (error.exit_code, error.reference) == (ExitCode.NETWORK, "network-unreachable")


def test_cpu_from_the_default_index_says_nothing_of_the_lane(tmp_path: Path) -> None:
    planned = make_plan(Request(strategy="cpu", source="default"), at(tmp_path, PC))
    assert planned.plan.source == "pypi"
    assert planned.plan.notes == INDEX.notes


def test_an_unknown_strategy(tmp_path: Path) -> None:
    assert refused(Request(strategy="cu999"), at(tmp_path, PC)).reference == "unknown-strategy"


@pytest.mark.parametrize("architecture", [None, Architecture.AARCH64])
def test_python_3_13_is_refused(tmp_path: Path, architecture: Architecture | None) -> None:
    request = Request(strategy="cpu", python=PythonVersion(3, 13), architecture=architecture)
    error = refused(request, at(tmp_path, machine(interpreters=(interpreter("3.13.0"),))))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "unsupported-python")


@pytest.mark.parametrize(
    ("said", "strategy", "reference"),
    [
        ({"wheel": "torch.whl"}, "cu130", "option-not-for-strategy"),
        ({"sha256": "0" * 64}, "pypi", "option-not-for-strategy"),
        ({"image": "25.12-py3"}, "prebuilt", "option-not-for-strategy"),
        ({"never": ("cpu",)}, "cpu", "option-not-for-strategy"),
        ({"allow_cpu": True}, "onnx", "option-not-for-strategy"),
        ({"sha256": "0" * 64}, "auto", "option-without-wheel"),
        ({"wheel": "no/such/torch.whl"}, "auto", "no-such-file"),
    ],
)
def test_options_of_another_strategy(tmp_path: Path, said: dict[str, Any], strategy: str, reference: str) -> None:
    error = refused(Request(strategy=strategy, **said), at(tmp_path, PC))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, reference)


@pytest.mark.parametrize("said", [{"torch": "2.15.0"}, {"source": "lane"}])
def test_what_is_built_is_said_by_its_recipe(tmp_path: Path, said: dict[str, Any]) -> None:
    error = refused(Request(strategy="source", **said), at(tmp_path, SPARK))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "option-not-for-strategy")
    assert "--recipe" in error.hint


def test_auto_builds_nothing(tmp_path: Path) -> None:
    error = refused(Request(strategy="auto", build=True), at(tmp_path, SPARK))
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "option-not-for-strategy")
    assert "--strategy source" in error.hint


def test_pins_that_are_not_there(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints"
    constraints.mkdir()
    (constraints / "lanes.toml").write_text((CONSTRAINTS / "lanes.toml").read_text())
    given = context(tmp_path, PC, web=UnreachableWeb(), constraints=constraints)
    error = refused(Request(strategy="pypi"), given)
    assert error.reference == "no-pins"
    assert "constraints/kokoro-x86_64-cp312.txt" in error.context
