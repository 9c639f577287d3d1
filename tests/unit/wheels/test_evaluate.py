from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from scripts.model.target import Architecture, PythonVersion, Target
from scripts.model.wheels import IndexFile, RejectionReason
from scripts.wheels.evaluate import evaluate, explain, platforms
from tests.support.pages import index_file

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))

AARCH64 = "cp312-cp312-manylinux_2_28_aarch64.whl"


@pytest.mark.parametrize(
    ("file", "reason", "words"),
    [
        (index_file("torch-2.11.0.tar.gz"), RejectionReason.NOT_A_WHEEL, "not a wheel"),
        (index_file("torch-2.11.0-broken.whl"), RejectionReason.NOT_A_WHEEL, "not a wheel"),
        (index_file(f"torch-2.8.0-{AARCH64}"), RejectionReason.VERSION, "version 2.8.0 is not >=2.9"),
        (index_file(f"torch-2.12.0rc1-{AARCH64}"), RejectionReason.PRERELEASE, "2.12.0rc1 is a pre-release"),
        (
            index_file("torch-2.11.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
            RejectionReason.PLATFORM,
            "cp312 x86_64: wrong platform",
        ),
        (
            index_file("torch-2.11.0-cp312-cp312-manylinux_2_40_aarch64.whl"),
            RejectionReason.PLATFORM,
            "cp312 aarch64: needs glibc 2.40",
        ),
        (
            index_file("torch-2.11.0-cp312-cp312-musllinux_1_2_aarch64.whl"),
            RejectionReason.PLATFORM,
            "cp312 aarch64: wrong platform",
        ),
        (
            index_file("torch-2.11.0-cp312-cp312-win_amd64.whl"),
            RejectionReason.PLATFORM,
            "cp312 win_amd64: wrong platform",
        ),
        (
            index_file("torch-2.11.0-cp313-cp313-manylinux_2_28_aarch64.whl"),
            RejectionReason.PYTHON,
            "cp313 aarch64: wrong Python",
        ),
        (
            index_file("torch-2.11.0-cp312-cp312t-manylinux_2_28_aarch64.whl"),
            RejectionReason.PYTHON,
            "cp312 aarch64: wrong Python",
        ),
        (
            index_file("torch-2.11.0-py3-none-any.whl", requires_python="<3.12"),
            RejectionReason.PYTHON,
            "py3 any: needs Python <3.12",
        ),
        (index_file(f"torch-2.11.0-{AARCH64}", yanked="bad"), RejectionReason.YANKED, "yanked: bad"),
        (
            index_file(f"torch-2.11.0+cu129-{AARCH64}"),
            RejectionReason.CUDA_LANE,
            "cp312 aarch64: +cu129 is not CUDA 13.0",
        ),
        (
            index_file(f"torch-2.11.0+cpu-{AARCH64}"),
            RejectionReason.CPU_ONLY,
            "cp312 aarch64: +cpu is a CPU-only build",
        ),
    ],
)
def test_every_rejection_has_a_reason(file: IndexFile, reason: RejectionReason, words: str) -> None:
    found = evaluate([file], SPARK, version=SpecifierSet(">=2.9"), lane_cuda="13.0")
    assert found.candidates == ()
    assert [(one.reason, one.detail) for one in found.rejections] == [(reason, words)]


def test_candidates_come_best_first() -> None:
    names = [
        f"torch-2.9.1-{AARCH64}",
        "torch-2.11.0-cp312-cp312-linux_aarch64.whl",
        f"torch-2.11.0-{AARCH64}",
        f"torch-2.11.0-1-{AARCH64}",
        "torch-2.10.0-cp39-abi3-manylinux2014_aarch64.whl",
        "torch-2.9.0-py3-none-any.whl",
    ]
    found = evaluate([index_file(name) for name in names], SPARK, version=None)
    assert [candidate.file.filename for candidate in found.candidates] == [
        names[3],
        names[2],
        names[1],
        names[4],
        names[0],
        names[5],
    ]
    assert found.project == "torch"


def test_versions_compare_as_pep_440_says() -> None:
    names = [f"torch-2.9.1-{AARCH64}", f"torch-2.10.0-{AARCH64}", f"torch-2.10.0.post1-{AARCH64}"]
    found = evaluate([index_file(name) for name in names], SPARK, version=None)
    assert [one.version for one in found.candidates] == ["2.10.0.post1", "2.10.0", "2.9.1"]


@pytest.mark.parametrize(
    ("name", "specifier", "lane", "prereleases"),
    [
        ("torch-2.9.1+cu130", "==2.9.1", "13.0", False),
        ("torch-2.9.1", "==2.9.1", "13.0", False),
        ("torch-2.9.1+cu126", "==2.9.1", None, False),
        ("torch-2.9.1+cpu", "==2.9.1", "cpu", False),
        ("torch-2.16.0.dev20261101+cu132", ">=2.12", "13.2", True),
        ("torch-2.12.0rc1", "==2.12.0rc1", None, False),
        ("torch-2.9.1+cu130.special", "==2.9.1", "13.0", False),
    ],
)
def test_what_the_lane_accepts(name: str, specifier: str, lane: str | None, *, prereleases: bool) -> None:
    found = evaluate(
        [index_file(f"{name}-{AARCH64}")],
        SPARK,
        version=SpecifierSet(specifier),
        lane_cuda=lane,
        prereleases=prereleases,
    )
    assert [str(one.detail) for one in found.rejections] == []


def test_a_cuda_build_is_none_of_the_cpu_lane() -> None:
    found = evaluate([index_file(f"torch-2.9.1+cu130-{AARCH64}")], SPARK, version=None, lane_cuda="cpu")
    assert found.rejections[0].reason is RejectionReason.CUDA_LANE


def test_a_yanked_file_is_taken_where_it_is_pinned() -> None:
    file = index_file(f"torch-2.9.1-{AARCH64}", yanked="")
    assert evaluate([file], SPARK, version=SpecifierSet("==2.9.1")).candidates
    assert not evaluate([file], SPARK, version=SpecifierSet("==2.9.*")).candidates


@pytest.mark.parametrize("requires", [">=3.10", ">=3.12.4", "<3.13", "nonsense", None])
def test_requires_python_that_some_patch_level_fits(requires: str | None) -> None:
    file = index_file(f"torch-2.9.1-{AARCH64}", requires_python=requires)
    assert evaluate([file], SPARK, version=None).candidates


def test_platforms_by_glibc() -> None:
    old = Target(Architecture.X86_64, PythonVersion(3, 10), (2, 17))
    assert platforms(old)[:2] == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    assert platforms(old)[-2:] == ("manylinux1_x86_64", "linux_x86_64")
    assert platforms(SPARK)[-2:] == ("manylinux2014_aarch64", "linux_aarch64")


def test_explain_names_the_near_misses_first_and_counts_the_rest() -> None:
    names = [
        "torch-2.9.0.tar.gz",
        "torch-2.9.0-cp312-cp312-win_amd64.whl",
        "torch-2.10.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "torch-2.9.0-cp313-cp313-manylinux_2_28_aarch64.whl",
        "torch-2.9.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    ]
    found = evaluate([index_file(name) for name in names], SPARK, version=None)
    assert explain(found, 2).splitlines() == [
        f"{names[3]}: cp313 aarch64: wrong Python",
        f"{names[2]}: cp312 x86_64: wrong platform",
        "and 3 more: 2 platform, 1 not-a-wheel",
    ]
    assert explain(evaluate([], SPARK, version=None), 2) == "the index lists no files"


def test_explain_names_other_versions_not_their_files() -> None:
    names = [f"torch-2.{minor}.0-cp3{python}-none-any.whl" for minor in (9, 10, 8) for python in (11, 12)]
    found = evaluate([index_file(name) for name in names], SPARK, version=SpecifierSet("==9.9"))
    assert explain(found, 2) == "other versions there: 2.10.0, 2.9.0 and 1 more"
