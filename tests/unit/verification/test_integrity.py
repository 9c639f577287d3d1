from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from scripts.model.environment import InstalledFileSet
from scripts.model.evidence import Outcome
from scripts.model.hook import HOOK_FILE, HOOK_TEXT
from scripts.verification.integrity import (
    compare_distributions,
    is_watched,
    observe_image,
    observe_integrity,
    parse_record,
)
from tests.support.places import ImagePlace
from tests.support.plans import CONTAINER
from tests.support.scripted import ScriptedRunner


def line(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


def install(site: Path, name: str, version: str, files: dict[str, bytes]) -> InstalledFileSet:
    for path, content in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    info = f"{name}-{version}.dist-info"
    (site / info).mkdir(parents=True)
    text = "\n".join([*(line(path, content) for path, content in files.items()), f"{info}/RECORD,,"]) + "\n"
    (site / info / "RECORD").write_text(text)
    return InstalledFileSet(name=name, version=version, record_sha256=hashlib.sha256(text.encode()).hexdigest())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "lib" / "python3.12" / "site-packages"


def test_what_is_installed_is_what_was_installed(site: Path) -> None:
    torch = install(site, "torch", "2.15.0", {"torch/lib/libtorch.so": b"code", "../../../bin/torchrun": b"script"})
    nvrtc = install(site, "nvidia_cuda_nvrtc", "13.2.86", {"nvidia/cu13/lib/libnvrtc.so.13": b"nvrtc"})
    found = observe_integrity([site], (torch, nvrtc))
    assert found.outcome is Outcome.PASSED
    assert found.detail["files"] == 3
    assert found.detail["distributions"] == ["nvidia-cuda-nvrtc 13.2.86", "torch 2.15.0"]
    assert found.detail["compared_with_record"]


def test_the_bridge_s_hook_is_known_and_checked(site: Path) -> None:
    """It is in no RECORD, and its line is run at every start of the interpreter."""
    install(site, "torch", "2.15.0", {"torch/lib/libtorch.so": b"code"})
    assert observe_integrity([site], ()).detail["hook"] is False
    (site / HOOK_FILE).write_text(HOOK_TEXT)
    found = observe_integrity([site], ())
    assert (found.outcome, found.detail["hook"], found.detail["problems"]) == (Outcome.PASSED, True, [])
    for content in (b"import os\n", HOOK_TEXT.encode() + b"import os\n", b"\xff"):
        (site / HOOK_FILE).write_bytes(content)
        (problem,) = observe_integrity([site], ()).detail["problems"]
        assert HOOK_FILE in problem


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"edit", "sha256 is not"), (b"longer than it was", "18 bytes instead of 4"), (None, "No such file")],
)
def test_an_altered_file_is_named(site: Path, content: bytes | None, said: str) -> None:
    install(site, "kokoro", "0.9.4", {"kokoro/istftnet.py": b"code"})
    path = site / "kokoro" / "istftnet.py"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    found = observe_integrity([site], ())
    assert found.outcome is Outcome.FAILED
    assert len(found.detail["problems"]) == 1
    assert str(path) in found.detail["problems"][0]
    assert said in found.detail["problems"][0]


def test_an_altered_record_does_not_hide_an_altered_file(site: Path) -> None:
    torch = install(site, "torch", "2.15.0", {"torch/a.so": b"code"})
    (site / "torch" / "a.so").write_bytes(b"evil")
    (site / "torch-2.15.0.dist-info" / "RECORD").write_text(line("torch/a.so", b"evil") + "\n")
    assert observe_integrity([site], ()).outcome is Outcome.PASSED
    found = observe_integrity([site], (torch,))
    assert found.detail["problems"] == ["torch 2.15.0: its RECORD is another one"]


def test_a_distribution_that_is_gone_or_replaced(site: Path) -> None:
    install(site, "torch", "2.15.0", {"torch/a.so": b"code"})
    expected = (
        InstalledFileSet(name="torch", version="2.14.1", record_sha256="0" * 64),
        InstalledFileSet(name="kokoro", version="0.9.4", record_sha256="0" * 64),
    )
    assert observe_integrity([site], expected).detail["problems"] == [
        "torch 2.14.1: 2.15.0 is there now",
        "kokoro 0.9.4: is gone",
    ]


def test_others_are_left_alone(site: Path) -> None:
    install(site, "numpy", "2.5.5", {"numpy/a.py": b"code"})
    (site / "numpy" / "a.py").write_bytes(b"edit")
    assert observe_integrity([site], ()).detail["files"] == 0


def test_a_record_that_cannot_be_read(site: Path) -> None:
    install(site, "torch", "2.15.0", {})
    (site / "torch-2.15.0.dist-info" / "RECORD").write_text("nonsense\n")
    assert "RECORD" in observe_integrity([site], ()).detail["problems"][0]


def test_parse_record() -> None:
    text = '"a, b.py",sha256=abc,3\nlink.so,sha512=def,\nx.pyc,,\nd/RECORD,,\n'
    lines = parse_record(text)
    assert [(one.path, one.algorithm, one.digest, one.size) for one in lines] == [
        ("a, b.py", "sha256", "abc", 3),
        ("link.so", "sha512", "def", None),
    ]


@pytest.mark.parametrize("text", ["one\n", "a.py,md5=abc,3\n", "a.py,abc,3\n", "a.py,sha256=abc,many\n"])
def test_parse_record_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_record(text)


def test_names_are_compared_as_pep_503_has_them() -> None:
    expected = [InstalledFileSet(name="nvidia_cuda.nvrtc", version="1", record_sha256="a")]
    assert compare_distributions(expected, [("nvidia-cuda-nvrtc", "1", "a")]) == ()


@pytest.mark.parametrize(
    ("name", "watched"),
    [
        ("torch", True),
        ("nvidia-cuda-nvrtc-cu12", True),
        ("kokoro-spark", True),
        ("numpy", False),
        ("torchaudio", False),
    ],
)
def test_watched(name: str, watched: bool) -> None:  # noqa: FBT001
    assert is_watched(name) is watched


@pytest.mark.parametrize(
    ("now", "said"),
    [("sha256:ab", None), ("sha256:cd", "is sha256:cd now, built was sha256:ab"), (None, "is gone")],
)
def test_an_image_is_compared_as_a_whole(now: str | None, said: str | None) -> None:
    place = ImagePlace(python=Path("/opt/python"), run=ScriptedRunner(), now=now)
    found = observe_image(place, CONTAINER)
    assert found.outcome is (Outcome.FAILED if said else Outcome.PASSED)
    assert found.detail["problems"] == ([f"kokoro-spark/ngc:1: {said}"] if said else [])
    assert found.detail["image_id"] == now
