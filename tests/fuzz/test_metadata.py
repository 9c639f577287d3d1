"""Metadata of any kind: requirements, markers, extras and versions that nobody would write."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from scripts.errors import IntegrityError
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.model.wheels import CudaBuild
from scripts.wheels.metadata import cuda_build, read_metadata
from scripts.wheels.writer import metadata_text
from tests.support.fuzzing import outcome
from tests.support.pages import ScriptedWeb, index_file

pytestmark = pytest.mark.fuzz

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))

NUMERALS = st.sampled_from(["0", "1", "13", "2.86", "13.2.86", "9" * 5000, "1!2", "٣", "0x1", "-1", "1e9", ""])
VERSIONS = st.one_of(
    NUMERALS,
    st.builds(
        "".join, st.lists(st.sampled_from([*"0123456789.+-!*_a\u0431rc", ".post", ".dev", "rc1", "+cu130", "+cpu"]))
    ),
)
NAMES = st.one_of(
    st.sampled_from(
        ["torch", "triton", "nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12", "nvidia_cuda_runtime", "cuda-toolkit"]
    ),
    st.text(max_size=20),
)
OPERATORS = st.sampled_from(["==", "===", "~=", ">=", "<", "!=", "=", "@ https://x/", "@ file:///", "", "(=="])
VARIABLES = st.sampled_from(
    [
        "sys_platform",
        "python_version",
        "platform_machine",
        "extra",
        "extras",
        "os_name",
        "python_full_version",
        "nosuch",
    ]
)
MARKERS = st.recursive(
    st.builds(
        "{} {} {}{}{}".format,
        VARIABLES,
        st.sampled_from(["==", "!=", "<", ">=", "~=", "===", "in", "not in", "", "=>"]),
        st.sampled_from(["'", '"', ""]),
        st.one_of(VERSIONS, st.sampled_from(["linux", "aarch64", "nvrtc", "a|b", "3.*", "\\"])),
        st.sampled_from(["'", '"', ""]),
    ),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "", "xor"]), inner),
    max_leaves=4,
)
REQUIREMENTS = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}{}{}{}{}".format,
        NAMES,
        st.sampled_from(["", "[nvrtc]", "[all,nvrtc]", "[]", "[", "[ü]", "[a,,b]"]),
        OPERATORS,
        VERSIONS,
        st.one_of(st.just(""), st.builds("; {}".format, MARKERS), st.just(";")),
    ),
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.builds(
        lambda version, lines, more: metadata_text("torch", version, *(("Requires-Dist", one) for one in lines)) + more,
        st.one_of(st.sampled_from(["2.15.0", "2.9.1+cu130", "2.9.1+cpu", "2.9.1+cu"]), VERSIONS),
        st.lists(REQUIREMENTS, max_size=5),
        st.text(max_size=60),
    ),
)


@given(text=TEXTS, followed=TEXTS)
@example(text=metadata_text("torch", "9" * 5000), followed="")
@example(text="", followed="")
@example(text=metadata_text("torch", "2.9.1", ("Requires-Dist", "nvidia-cuda-nvrtc===what")), followed="")
@example(text=metadata_text("torch", "2.9.1", ("Requires-Dist", "x; " + "(" * 5000)), followed="")
@example(
    text=metadata_text("torch", "2.9.1", ("Requires-Dist", "x; " + "(" * 200 + "extra=='a'" + ")" * 200)), followed=""
)
def test_which_cuda(text: str, followed: str) -> None:
    def follow(name: str, specifier: SpecifierSet) -> str:
        return followed

    assert isinstance(outcome(lambda: cuda_build(text, SPARK, follow)), CudaBuild | IntegrityError)


@given(body=st.one_of(TEXTS.map(str.encode), st.binary(max_size=300)))
def test_beside_the_wheel(body: bytes) -> None:
    file = index_file("torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl")
    web = ScriptedWeb({file.metadata_url: body, file.url: b""})
    assert isinstance(outcome(lambda: read_metadata(file, web)), str | IntegrityError)
