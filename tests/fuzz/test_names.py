"""Names of files that nobody would give: every one of them is judged, and soon."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from scripts.model.target import Architecture, PythonVersion, Target
from scripts.model.wheels import Evaluation
from scripts.wheels.evaluate import evaluate, explain
from tests.support.fuzzing import outcome
from tests.support.pages import index_file

pytestmark = pytest.mark.fuzz

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
LONG = "9" * 5000

PIECES = st.one_of(
    st.sampled_from(["torch", "2.15.0", "cp312", "cp312.py3", "abi3", "manylinux_2_28_aarch64", "any", "none", LONG]),
    st.sampled_from(["2.9.1+cu130", "2.9.1+cpu", "1!2", "0", "1.0rc1", f"manylinux_2_{LONG}_aarch64", "py3." * 40]),
    st.sampled_from([f"1+cu{LONG}", f"1.{LONG}", "", ".", "1a", "_", "ü"]),
    st.text(max_size=8),
)
NAMES = st.one_of(
    st.text(max_size=60),
    st.builds("{}.whl".format, st.lists(PIECES, min_size=1, max_size=7).map("-".join)),
    st.builds("torch-{}-{}-{}-{}.whl".format, PIECES, PIECES, PIECES, PIECES),
)
PYTHONS = st.one_of(st.none(), st.sampled_from([">=3.10", f">={LONG}", "~=3", "==3.*", ">=", f"!=3.{LONG}"]), st.text())
TAGS = ".".join(f"cp{number}" for number in range(400))


@given(
    names=st.lists(NAMES, max_size=3),
    python=st.one_of(
        st.none(), st.sampled_from([">=3.10", f">={LONG}", "~=3", "==3.*", ">=", f"!=3.{LONG}"]), st.text()
    ),
    version=st.sampled_from([None, SpecifierSet("==2.15.0"), SpecifierSet(">=1"), SpecifierSet("===2.15.0")]),
    lane=st.sampled_from([None, "13.0", "cpu"]),
)
@example(names=[f"torch-{LONG}-cp312-cp312-any.whl"], python=None, version=None, lane=None)
@example(names=[f"torch-1-cp312-cp312-manylinux_2_{LONG}_aarch64.whl"], python=None, version=None, lane=None)
@example(names=[f"torch-1-{TAGS}-{TAGS}-{TAGS}.whl"], python=None, version=None, lane=None)
@example(names=["torch-1-py3-none-any.whl"], python=f">={LONG}", version=None, lane=None)
def test_names(names: list[str], python: str | None, version: SpecifierSet | None, lane: str | None) -> None:
    files = [index_file(name, requires_python=python) for name in names]

    def act() -> tuple[Evaluation, str]:
        evaluation = evaluate(files, SPARK, version=version, lane_cuda=lane)
        return evaluation, explain(evaluation)

    found = outcome(act)
    assert isinstance(found, tuple)
    assert len(found[0].candidates) + len(found[0].rejections) == len(names)
