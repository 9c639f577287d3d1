"""What the half inside must keep to, told from its source: the host never imports it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from scripts.home import CHECKOUT

FOLDERS = (CHECKOUT / "scripts" / "inside", CHECKOUT / "scripts" / "runtime")
FILES = [path for folder in FOLDERS for path in sorted(folder.rglob("*.py"))]
ELSEWHERE = {"faster_whisper", "matplotlib"}
"""What is in environments of their own: the recogniser's, that of the charts."""
LIBRARIES = {
    "torch",
    "kokoro",
    "kokoro_spark",
    "numpy",
    "triton",
    "misaki",
    "spacy",
    "en_core_web_sm",
    "onnx",
} | ELSEWHERE


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_is_python_3_10_and_imports_only_what_is_there(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
    for name in imports(tree):
        top = name.partition(".")[0]
        if top == "scripts":
            assert name.startswith(("scripts.inside", "scripts.runtime")), name
        else:
            assert top in sys.stdlib_module_names | LIBRARIES, name
            assert top != "tomllib", "tomllib is 3.11's"


def test_every_probe_is_a_module_with_run() -> None:
    tree = ast.parse((FOLDERS[0] / "__main__.py").read_text(encoding="utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "PROBES"
    )
    for probe, module in ast.literal_eval(table).items():
        source = CHECKOUT / Path(*module.split(".")).with_suffix(".py")
        functions = {
            node.name
            for node in ast.parse(source.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert "run" in functions, probe
