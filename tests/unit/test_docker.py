"""The files of docker/: the script that the build runs, and what recipe, compose file and product must agree on."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scripts.environments.container import PYTHON
from scripts.environments.image import ANSWER, BUILD_LABEL
from scripts.environments.image_context import DOCKER, RECIPE, SCRIPT, refusal
from scripts.home import CONSTRAINTS
from scripts.operations.build_container import IMAGE_PATH
from scripts.operations.build_image import RECIPE as BUILDER
from scripts.operations.build_place import CUDA_HOME
from scripts.strategies.images import load_builders, load_images
from scripts.strategies.locks import SOURCE_BUILDS

HERE = f"kokoro-{platform.machine()}-cp{sys.version_info.major}{sys.version_info.minor}.txt"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script() -> ModuleType:
    return loaded(Path(SCRIPT).stem)


@pytest.fixture
def torch_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A torch of the base image's, as far as the script looks at it."""
    torch = SimpleNamespace(
        __file__=str(tmp_path / "usr" / "torch" / "__init__.py"), version=SimpleNamespace(cuda="13.1")
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(metadata, "version", lambda _: "2.10.0a0+b4e4ee81d3")
    return torch


def prepared(tmp_path: Path, name: str = HERE) -> tuple[Path, Path]:
    context, prefix = tmp_path / "context", tmp_path / "opt"
    context.mkdir()
    (context / name).write_text("addict==2.4.0\n", encoding="utf-8")
    return context, prefix


def refused(capsys: pytest.CaptureFixture[str], ending: SystemExit) -> str:
    assert ending.code == 1
    found = refusal(capsys.readouterr().err)
    assert found is not None
    return found[0]


def test_what_is_remembered(script: Any, tmp_path: Path, torch_is_here: SimpleNamespace) -> None:
    context, prefix = prepared(tmp_path)
    script.remember(context, prefix)
    assert (prefix / "constraint.txt").read_text(encoding="utf-8") == "torch==2.10.0a0+b4e4ee81d3\n"
    assert (prefix / "requirements.txt").read_text(encoding="utf-8") == "addict==2.4.0\n"
    assert (prefix / SCRIPT).is_file()


def test_no_pins_for_the_images_python(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context, prefix = prepared(tmp_path, "kokoro-x86_64-cp399.txt")
    with pytest.raises(SystemExit) as ending:
        script.remember(context, prefix)
    assert refused(capsys, ending.value) == "python-mismatch"
    assert not prefix.exists()


def test_an_image_without_torch(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    with pytest.raises(SystemExit) as ending:
        script.remember(*prepared(tmp_path))
    assert refused(capsys, ending.value) == "no-torch"


def test_the_answer(script: Any, tmp_path: Path, torch_is_here: SimpleNamespace) -> None:
    context, prefix = prepared(tmp_path)
    script.remember(context, prefix)
    script.check(prefix)
    answer = json.loads((prefix / ANSWER.name).read_text(encoding="utf-8"))
    assert answer == {
        "python": platform.python_version(),
        "torch": "2.10.0a0+b4e4ee81d3",
        "cuda": "13.1",
        "file": torch_is_here.__file__,
    }


def test_a_torch_that_is_not_the_images(
    script: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    torch_is_here: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, prefix = prepared(tmp_path)
    script.remember(context, prefix)
    monkeypatch.setattr(metadata, "version", lambda _: "2.15.0")
    with pytest.raises(SystemExit) as ending:
        script.check(prefix)
    assert refused(capsys, ending.value) == "torch-replaced"
    monkeypatch.setattr(metadata, "version", lambda _: "2.10.0a0+b4e4ee81d3")
    torch_is_here.__file__ = str(prefix / "lib" / "torch" / "__init__.py")
    with pytest.raises(SystemExit) as ending:
        script.check(prefix)
    assert refused(capsys, ending.value) == "torch-replaced"


def test_a_torch_for_the_cpu_alone(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], torch_is_here: SimpleNamespace
) -> None:
    context, prefix = prepared(tmp_path)
    script.remember(context, prefix)
    torch_is_here.version.cuda = None
    with pytest.raises(SystemExit) as ending:
        script.check(prefix)
    assert refused(capsys, ending.value) == "cpu-build"


def test_recipe_and_product_agree() -> None:
    recipe = (DOCKER / RECIPE).read_text(encoding="utf-8")
    assert f"ARG BASE={load_images(CONSTRAINTS / 'images.toml').base(None).reference}\n" in recipe
    assert str(PYTHON) in recipe
    assert str(ANSWER.parent) in recipe
    assert f"LABEL {BUILD_LABEL}=${{BUILD}}" in recipe
    assert f"--no-binary {','.join(SOURCE_BUILDS)} " in recipe
    assert "RUN --mount" not in recipe.replace("no RUN --mount", ""), "docker's older builder knows none"
    assert re.search(r"^USER (?!root)\w+$", recipe.split("FROM ")[-1], re.MULTILINE), "it does not run as root"


@pytest.mark.parametrize("arguments", [("Hello.",), ("Hello.", "af_heart", "cuda")])
def test_the_service_never_speaks_on_the_cpu_by_itself(
    arguments: tuple[str, ...], capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    speak: Any = loaded("speak")
    with pytest.raises(SystemExit, match="there is no GPU in this container"):
        speak.main(*arguments)
    assert capsysbinary.readouterr().out == b""


def test_compose_file_and_recipe_agree() -> None:
    recipe = (DOCKER / RECIPE).read_text(encoding="utf-8")
    compose = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    user = re.search(r"ARG USER_ID=(\d+)", recipe)
    assert user is not None
    assert f":-{user[1]}:{user[1]}}}" in compose
    for folder in ("/data/weights", "/data/caches"):
        assert f"target: {folder}\n" in compose
        assert f"={folder}" in recipe
    assert str(PYTHON) in compose
    assert "capabilities: [gpu]" in compose


def test_the_image_to_build_in_and_product_agree() -> None:
    recipe = (DOCKER / BUILDER).read_text(encoding="utf-8")
    assert f"ARG BASE={load_builders(CONSTRAINTS / 'images.toml').base(None).reference}\n" in recipe
    assert f"LABEL {BUILD_LABEL}=${{BUILD}}" in recipe
    assert "\nARG PACKAGES=\n" in recipe
    assert f"CUDA_HOME={CUDA_HOME} " in recipe
    assert IMAGE_PATH.startswith(f"{CUDA_HOME}/bin:")
    assert "RUN --mount" not in recipe.replace("no RUN --mount", ""), "docker's older builder knows none"
    assert "\nUSER nobody\n" in recipe.split("USER root")[-1], "it does not run as root"
    assert not re.search(r"\bpip\b|COPY|ADD ", recipe), "nothing of pip's, nothing of ours"
