from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import scripts
from scripts import errors
from scripts.errors import ExitCode, NetworkError, SparkError, UsageError
from scripts.home import CHECKOUT

DESIGNED = {
    "OK": 0,
    "USAGE": 2,
    "NETWORK": 3,
    "NO_CANDIDATE": 4,
    "INTEGRITY": 5,
    "DISK": 6,
    "ENGINE": 7,
    "BUILD": 8,
    "BUSY": 9,
    "PATCH_NEEDED": 10,
    "DRIFT": 11,
    "UNDECIDED": 20,
    "BROKEN": 30,
    "INTERRUPTED": 130,
    "TERMINATED": 143,
}


def _own_subclasses(base: type[SparkError]) -> set[type[SparkError]]:
    found = {cls for cls in base.__subclasses__() if cls.__module__.startswith("scripts.")}
    return found.union(*(_own_subclasses(cls) for cls in found))


def test_exit_codes_are_unique_and_as_designed() -> None:
    # __members__ holds aliases too: two names for one code would show here.
    assert {name: code.value for name, code in ExitCode.__members__.items()} == DESIGNED
    assert len(set(DESIGNED.values())) == len(DESIGNED)


def test_one_is_invokes_own() -> None:
    assert 1 not in DESIGNED.values()


def test_each_kind_in_the_error_tree_has_its_own_exit_code() -> None:
    kinds = [cls for cls in SparkError.__subclasses__() if cls.__module__ == errors.__name__]
    codes = [cls.exit_code for cls in kinds]
    assert len(codes) == len(set(codes))
    assert ExitCode.OK not in codes


def test_no_error_elsewhere_makes_up_an_exit_code() -> None:
    for module in pkgutil.walk_packages(scripts.__path__, "scripts."):
        if not module.name.startswith(("scripts.inside", "scripts.runtime")):
            importlib.import_module(module.name)
    kinds = {cls for cls in SparkError.__subclasses__() if cls.__module__ == errors.__name__}
    for cls in _own_subclasses(SparkError) - kinds:
        assert any(issubclass(cls, kind) and cls.exit_code == kind.exit_code for kind in kinds), cls


def test_text_holds_message_context_and_hint() -> None:
    error = NetworkError("no answer", reference="network-timeout", context="a\nb", hint="try again")
    assert str(error) == "no answer\n  a\n  b\nhint: try again"
    assert str(NetworkError("no answer", reference="network-timeout")) == "no answer"


def test_data_holds_the_same() -> None:
    error = UsageError("no such voice", reference="unknown-voice", hint="choose one of: af_heart")
    assert error.to_dict() == {
        "error": "unknown-voice",
        "message": "no such voice",
        "context": "",
        "hint": "choose one of: af_heart",
        "exit_code": 2,
    }


@pytest.mark.parametrize("path", sorted((CHECKOUT / "scripts").rglob("*.py")), ids=lambda path: path.stem)
def test_references_are_kebab_case(path: Path) -> None:
    for reference in re.findall(r"reference=\"([^\"{]*)\"", path.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", reference), reference
