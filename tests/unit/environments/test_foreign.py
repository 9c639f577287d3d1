"""What is read of an environment that is not ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.environments.foreign import cuda_in_words, find_foreign, locate, versions_of
from scripts.errors import ExitCode, NoCandidateError, SparkError, UsageError
from scripts.model.environment import RECORD_NAME
from scripts.shell import Completed

VERSIONS = {
    "from typing import Optional\n__version__ = '2.9.1+cu128'\ncuda: Optional[str] = '12.8'\nhip = None\n": "12.8",
    "__version__ = '2.15.0'\ncuda: Optional[str] = \"13.2\"\n": "13.2",
    "cuda = '11.8'\n": "11.8",
    "cuda: Optional[str] = None\n": None,
    "cudart = '12.8'\n": None,
    "": None,
}


@dataclass
class InstalledProbe:
    """Answers the probe `installed` for one prefix."""

    prefix: Path
    folders: Sequence[Path]

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        detail = {"prefix": str(self.prefix), "folders": list(map(str, self.folders))}
        Path(argv[-1]).write_text(json.dumps({"ok": True, "detail": detail}))
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", seconds=0.0)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch(mode=0o755)
    (folder / "pyvenv.cfg").touch()
    return folder


def with_torch(site: Path, cuda: str | None = "12.8") -> Path:
    (site / "torch-2.9.1+cu128.dist-info").mkdir(parents=True)
    (site / "torch").mkdir()
    (site / "torch" / "version.py").write_text(f"cuda = {cuda!r}\n")
    (site / "nvidia_cuda_nvrtc_cu12-12.8.93.dist-info").mkdir()
    return site


def refused(venv: Path, *folders: Path) -> SparkError:
    with pytest.raises(SparkError) as caught:
        find_foreign(str(venv), InstalledProbe(venv, folders))
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("text", VERSIONS)
def test_cuda_of_version_py(text: str) -> None:
    assert cuda_in_words(text) == VERSIONS[text]


def test_what_it_holds(venv: Path) -> None:
    site = with_torch(venv / "lib" / "python3.12" / "site-packages")
    found = find_foreign(str(venv), InstalledProbe(venv, [venv / "nowhere", site]))
    assert (found.prefix, found.site, found.python) == (venv, site, venv / "bin" / "python")
    assert (found.torch, found.cuda) == ("2.9.1+cu128", "12.8")
    assert found.nvrtc == (("nvidia-cuda-nvrtc-cu12", "12.8.93"),)


def test_lib64_is_lib(venv: Path) -> None:
    site = with_torch(venv / "lib" / "python3.12" / "site-packages")
    (venv / "lib64").symlink_to("lib")
    found = find_foreign(str(venv), InstalledProbe(venv, [venv / "lib64" / "python3.12" / "site-packages"]))
    assert found.site == site


def test_a_conda_prefix(venv: Path) -> None:
    (venv / "pyvenv.cfg").unlink()
    (venv / "conda-meta").mkdir()
    site = with_torch(venv / "lib" / "python3.12" / "site-packages")
    assert find_foreign(str(venv), InstalledProbe(venv, [site])).torch == "2.9.1+cu128"


def test_a_torch_that_is_not_its_own(venv: Path, tmp_path: Path) -> None:
    """--system-site-packages."""
    error = refused(venv, with_torch(tmp_path / "system" / "site-packages"))
    assert error.reference == "no-torch"
    assert "not its own" in error.context


def test_no_torch(venv: Path) -> None:
    assert (refused(venv).exit_code, refused(venv).reference) == (ExitCode.NO_CANDIDATE, "no-torch")


def test_a_systems_python(venv: Path) -> None:
    (venv / "pyvenv.cfg").unlink()
    error = refused(venv)
    assert isinstance(error, UsageError)
    assert error.reference == "system-python"


def test_one_of_ours(venv: Path) -> None:
    (venv / RECORD_NAME).write_text('{"tool": "kokoro-spark"}')
    error = refused(venv)
    assert error.reference == "ours"
    assert "nvrtc-override" in error.hint


def test_what_is_meant(venv: Path, tmp_path: Path) -> None:
    assert locate(str(venv)) == locate(str(venv / "bin" / "python")) == venv / "bin" / "python"
    (tmp_path / "text").write_text("x")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "text"):
        with pytest.raises(NoCandidateError) as caught:
            locate(str(path))
        assert caught.value.reference == "no-interpreter"


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_name_is_not_the_folder_one_is_in(venv: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set: "$VENV"."""
    monkeypatch.chdir(venv)
    with pytest.raises(UsageError) as caught:
        locate(text)
    assert caught.value.reference == "no-value"


def test_versions(tmp_path: Path) -> None:
    for name in ("Torch-2.0.dist-info", "torch_audio-1.dist-info", "torch-2.1+cpu.dist-info"):
        (tmp_path / name).mkdir()
    assert set(versions_of(tmp_path, "torch")) == {"2.0", "2.1+cpu"}
