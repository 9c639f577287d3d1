"""The rules of scripts/__init__.py, held: who may import whom, one door each, small files, no registry's name."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pypi_simple
import pytest

from scripts.home import CHECKOUT

VALUES = {"model", "errors", "redaction", "home", "serial"}
DOORS = {"disk", "partfile", "place", "probing", "progress", "reaching", "shell", "web"}
EARLY = {"facts", "wheels", "strategies"}
LATE = {"builds", "environments", "verification", "weights"}

MAY_IMPORT: dict[str, set[str]] = {
    # What everything stands on, and the doors to the world.
    "errors": set(),
    "redaction": set(),
    "home": set(),
    "model": {"errors"},
    "serial": {"errors", "model"},
    "progress": set(),
    "disk": {"errors"},
    "partfile": {"disk", "errors"},
    "reaching": {"errors"},
    "shell": {"errors", "redaction"},
    "web": {"errors", "partfile", "progress", "reaching", "redaction"},
    "probing": {"shell", *VALUES},
    "place": {"shell"},
    # The stages, in the order in which data flows. Of shell the early ones take types only.
    "facts": {"shell", *VALUES},
    "wheels": {"disk", *VALUES},
    "strategies": {"wheels", *VALUES},
    **{stage: {"wheels", "strategies", *VALUES, *DOORS} for stage in LATE},
    "builds": {"facts", "wheels", "strategies", *VALUES, *DOORS},
    "operations": {*EARLY, *LATE, *VALUES, *DOORS},
    "tasks": {"operations", *EARLY, *LATE, *VALUES, *DOORS},
    # What runs elsewhere.
    "inside": {"runtime"},
    "runtime": set(),
}
"""By the first name below `scripts`. A stage may always import itself."""

TYPES_OF_SHELL = {"Runner", "Completed", "ProgramNotFoundError", "Streamer", "Streamed"}
"""Runners arrive as arguments; their type, their answer and their error come from here."""

SOLE_IMPORTER = {
    "subprocess": "scripts.shell",
    "requests": "scripts.web",
    "urllib3": "scripts.web",
    "invoke": "tasks",
    "rich": "scripts.progress",
    "cattrs": "scripts.serial",
}

# triton comes with torch; onnx is in the throwaway environment that turns the registry's weights into a checkpoint,
# faster_whisper in the recogniser's, matplotlib in that of the charts.
PROVISIONED = {"torch", "kokoro", "numpy", "triton", "onnx", "faster_whisper", "matplotlib"}
NEWER_THAN_310 = {"tomllib"}

LIMIT = 300
"""Lines of a file. The aim is 250."""
LONGER = {"tasks.py": 1200}
"""What alone may import invoke cannot be parted."""


@cache
def modules() -> list[Path]:
    """Every Python file of the product."""
    return sorted([CHECKOUT / "tasks.py", *(CHECKOUT / "scripts").rglob("*.py")])


@cache
def simulator() -> list[Path]:
    """The files of the simulated GPU, its tests aside: no product, but kept like one."""
    files = (CHECKOUT / "tests" / "simulated_gpu").rglob("*.py")
    return sorted(path for path in files if not path.name.startswith(("test_", "conftest")))


@cache
def elsewhere() -> list[Path]:
    """The files that run in a provisioned interpreter."""
    found = [*modules(), *simulator()]
    return [path for path in found if {"inside", "runtime"} & set(path.relative_to(CHECKOUT).parts)]


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def dotted(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def stage_of(module: str) -> str | None:
    """`facts` for scripts.facts.host; None for what is not ours."""
    first, _, rest = module.partition(".")
    if first == "tasks":
        return "tasks"
    return rest.partition(".")[0] if first == "scripts" and rest else None


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file as the oldest Python it must run on would."""
    oldest = (3, 10) if path in elsewhere() else (3, 11)
    return ast.parse(path.read_text(encoding="utf-8"), feature_version=oldest)


@cache
def imports(path: Path) -> tuple[tuple[str, str], ...]:
    """Every (module, name) that a file imports, anywhere in it. Relative ones are made absolute."""
    package = dotted(path).split(".") if path.name == "__init__.py" else dotted(path).split(".")[:-1]
    found: list[tuple[str, str]] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [
                (f"{module}.{alias.name}", "") if module == "scripts" else (module, alias.name) for alias in node.names
            ]
    return tuple(found)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_who_imports_whom(path: Path) -> None:
    own = stage_of(dotted(path))
    wanted = {stage for module, _ in imports(path) if (stage := stage_of(module)) is not None} - {own}
    if own is None:
        assert not wanted, "scripts/__init__.py is a map, not a module"
        return
    assert own in MAY_IMPORT, f"scripts/{own} has no place on the map: give it one here and in scripts/__init__.py"
    assert wanted <= MAY_IMPORT[own], f"{own} may not import {sorted(wanted - MAY_IMPORT[own])}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_product_does_not_know_the_simulator(path: Path) -> None:
    """A device is known to be simulated by what its driver says, and by nothing else. Only demo.* starts it."""
    known = {module for module, _ in imports(path) if module.partition(".")[0] == "tests"}
    allowed = name_of(path) == "tasks.py"
    assert all(allowed and module.startswith("tests.simulated_gpu") for module in known), sorted(known)


def test_the_map_names_every_stage() -> None:
    here = {path.stem if path.suffix == ".py" else path.name for path in (CHECKOUT / "scripts").iterdir()}
    described = (CHECKOUT / "scripts" / "__init__.py").read_text(encoding="utf-8")
    for stage in set(MAY_IMPORT) - {"tasks"}:
        assert stage in here, f"{stage} is on the map but not there"
    for stage in {*EARLY, *LATE, "operations", "inside", "runtime", "model"}:
        assert f"    {stage}/" in described


@pytest.mark.parametrize("stage", sorted(EARLY))
def test_early_stages_take_runners_as_arguments(stage: str) -> None:
    for path in (CHECKOUT / "scripts" / stage).rglob("*.py"):
        taken = {name for module, name in imports(path) if stage_of(module) == "shell"}
        assert taken <= TYPES_OF_SHELL, f"{name_of(path)} takes {sorted(taken - TYPES_OF_SHELL)} from scripts.shell"


@pytest.mark.parametrize("path", [*modules(), *simulator()], ids=name_of)
def test_one_door_each(path: Path) -> None:
    for module, _ in imports(path):
        door = SOLE_IMPORTER.get(module.partition(".")[0])
        inside = door is None or f"{dotted(path)}.".startswith(f"{door}.")
        assert inside, f"only {door} imports {module}"


@pytest.mark.parametrize("path", [*modules(), *simulator()], ids=name_of)
def test_no_other_way_to_start_a_process(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            started = node.attr in {"system", "popen", "fork"} or node.attr.startswith(("spawn", "posix_spawn"))
            assert not started, f"os.{node.attr}"
    assert not {"multiprocessing", "pty"} & {module.partition(".")[0] for module, _ in imports(path)}


@pytest.mark.parametrize("path", elsewhere(), ids=name_of)
def test_what_runs_elsewhere_needs_little(path: Path) -> None:
    for module, _ in imports(path):
        first = module.partition(".")[0]
        if first != "scripts" and not f"{module}.".startswith("tests.simulated_gpu.inside."):
            assert first in sys.stdlib_module_names | PROVISIONED, module
            assert first not in NEWER_THAN_310, module


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_syntax_of_the_oldest_python(path: Path) -> None:
    assert tree_of(path).body or path.name == "__init__.py"


@pytest.mark.parametrize("path", [*modules(), *simulator()], ids=name_of)
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGER.get(name_of(path), LIMIT)


@pytest.mark.parametrize("path", [*modules(), *simulator()], ids=name_of)
def test_annotations_are_not_evaluated(path: Path) -> None:
    statements = tree_of(path).body
    only_words = all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in statements)
    assert only_words or ("__future__", "annotations") in imports(path)


def test_what_the_rules_are_made_of() -> None:
    path = CHECKOUT / "scripts" / "runtime" / "bridge.py"
    assert stage_of(dotted(path)) == "runtime"
    assert stage_of("scripts") is None
    assert stage_of("torch.nn") is None
    assert {"shell", "model"} <= {stage_of(module) for module, _ in imports(CHECKOUT / "scripts/facts/interpreters.py")}


def _host(words: str) -> str:
    return words.replace(" ", ".")


def _registries() -> set[str]:
    """The hosts of package registries, from the tools that know them: none is spelled in a file of ours."""
    hosts = {urlsplit(pypi_simple.PYPI_SIMPLE_ENDPOINT).netloc}
    try:
        known = importlib.import_module("pip._internal.models.index")
    except ImportError:  # an environment made by uv has no pip
        hosts.add(_host("files pythonhosted org"))
    else:
        hosts |= {known.PyPI.netloc, known.PyPI.file_storage_domain, known.TestPyPI.netloc}
    return hosts | {_host("registry npmjs org"), _host("deb debian org")}


def _tracked() -> Iterator[Path]:
    """Every file of the checkout that .gitignore does not name."""
    ignored = [line.strip("/") for line in (CHECKOUT / ".gitignore").read_text().split() if not line.startswith("#")]
    for folder, folders, files in os.walk(CHECKOUT):
        folders[:] = [
            name for name in folders if name != ".git" and not any(fnmatch.fnmatch(name, one) for one in ignored)
        ]
        yield from (Path(folder) / name for name in files if not any(fnmatch.fnmatch(name, one) for one in ignored))


def test_no_registry_is_named_in_any_file() -> None:
    hosts = {host.encode() for host in _registries()}
    found = [
        (str(path.relative_to(CHECKOUT)), host.decode())
        for path in _tracked()
        if not path.is_symlink()
        for host in hosts
        if host in path.read_bytes()
    ]
    assert found == []
