"""Every value of scripts/model: frozen, and the same after a trip through JSON; nothing odd is taken back."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import scripts.model
from scripts.errors import ExitCode, IntegrityError, UsageError
from scripts.model.evidence import QUALITY, Observation, VerdictKind
from scripts.model.facts import DiskFacts, Interpreter
from scripts.model.plan import Plan, Step
from scripts.model.target import GB10, Architecture, ComputeCapability, PythonVersion, Target
from scripts.serial import from_data, to_data, to_json


def _values() -> list[type[Any]]:
    """Every dataclass that a module of scripts/model defines."""
    modules = [
        importlib.import_module(f"scripts.model.{found.name}") for found in pkgutil.iter_modules(scripts.model.__path__)
    ]
    return [
        cls
        for module in modules
        for _, cls in inspect.getmembers(module, dataclasses.is_dataclass)
        if isinstance(cls, type) and cls.__module__ == module.__name__
    ]


VALUES = _values()


PLAIN = {str: "text €", int: 7, float: 0.5, bool: True, Any: "any", Path: Path("/folder/file")}


def sample(kind: Any, *, full: bool) -> Any:
    """Make a value of a type: with everything said (`full`), or with what may be absent absent."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        present = next(argument for argument in arguments if argument is not type(None))
        return sample(present, full=full) if full or kind == Step else None
    if origin is tuple:
        return _sample_tuple(arguments, full=full)
    if origin is dict:
        return {"key": "text" if arguments[1] is Any else sample(arguments[1], full=True)} if full else {}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: sample(hints[field.name], full=full) for field in dataclasses.fields(kind)})
    return PLAIN[kind] if kind in PLAIN else list(kind)[-1]


def _sample_tuple(arguments: tuple[Any, ...], *, full: bool) -> tuple[Any, ...]:
    if arguments[-1] is not ...:
        return tuple(sample(argument, full=full) for argument in arguments)
    if not full:
        return ()
    if arguments[0] == Step:
        return tuple(sample(step, full=full) for step in get_args(Step))
    return (sample(arguments[0], full=full),) * 2


def test_there_are_values() -> None:
    assert {"Facts", "Plan", "Verdict", "EnvironmentRecord", "Evaluation"} <= {cls.__name__ for cls in VALUES}


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_frozen(cls: type[Any]) -> None:
    value = sample(cls, full=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(cls)[0].name, None)


@pytest.mark.parametrize("full", [True, False], ids=["full", "bare"])
@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_round_trip(cls: type[Any], *, full: bool) -> None:
    value = sample(cls, full=full)
    assert from_data(cls, json.loads(to_json(value)), what="it") == value
    assert from_data(cls, json.loads(to_json(value, indent=2)), what="it") == value


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_an_unknown_key_is_an_error_that_names_it(cls: type[Any]) -> None:
    data = to_data(sample(cls, full=True)) | {"surprise": 1}
    with pytest.raises(IntegrityError) as caught:
        from_data(cls, data, what="the file x")
    assert "the file x" in caught.value.message
    assert "surprise" in caught.value.context
    assert caught.value.reference == "bad-record"


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_a_missing_key_is_an_error_that_names_it(cls: type[Any]) -> None:
    needed = [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    whole = to_data(sample(cls, full=True))
    for name in needed:
        with pytest.raises(IntegrityError) as caught:
            from_data(cls, {key: value for key, value in whole.items() if key != name}, what="the file x")
        assert name in caught.value.context


@pytest.mark.parametrize("data", [None, [], "text", 7, {"text": []}])
def test_a_shape_that_is_no_plan(data: Any) -> None:
    with pytest.raises(IntegrityError):
        from_data(Plan, data, what="it")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strategy", None),
        ("strategy", 7),
        ("torch", ["2.15.0"]),
        ("architecture", "riscv64"),
        ("python", "3.12"),
        ("notes", [1]),
        ("steps", [None]),
        ("steps", [{"step": "CreateVenv", "interpreter": "/p", "python": False}]),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_place(name: str, value: Any) -> None:
    with pytest.raises(IntegrityError) as caught:
        from_data(Plan, to_data(sample(Plan, full=True)) | {name: value}, what="it")
    assert name in caught.value.context


def test_numbers_and_truth_values_are_not_taken_for_each_other() -> None:
    disk = to_data(DiskFacts(path="/", total=2, free=1, writable=True))
    for name, value in (("total", True), ("total", 1.5), ("total", "2"), ("writable", "false"), ("writable", 1)):
        with pytest.raises(IntegrityError):
            from_data(DiskFacts, disk | {name: value}, what="it")
    observation = to_data(sample(Observation, full=True)) | {"seconds": 2}
    assert isinstance(from_data(Observation, observation, what="it").seconds, float)


def test_a_plan_tells_its_steps_apart() -> None:
    plan = sample(Plan, full=True)
    names = [step["step"] for step in to_data(plan)["steps"]]
    assert names == [cls.__name__ for cls in get_args(Step)]
    data = to_data(plan)
    data["steps"][0]["step"] = "FormatDisk"
    with pytest.raises(IntegrityError) as caught:
        from_data(Plan, data, what="it")
    assert "FormatDisk" in caught.value.context


def test_json_is_one_compact_line() -> None:
    text = to_json(sample(Plan, full=True))
    assert "\n" not in text
    assert '", "' not in text
    assert "€" in text


@pytest.mark.parametrize(("text", "expected"), [("12.1", GB10), (" 8.9 ", ComputeCapability(8, 9))])
def test_compute_capability(text: str, expected: ComputeCapability) -> None:
    assert ComputeCapability.parse(text) == expected


@pytest.mark.parametrize("text", ["", "foo", "blackwell", "12.1.1", "sm_", "-12.1", "12", "sm_12", "1", "999"])
def test_no_compute_capability(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ComputeCapability.parse(text)
    assert "--sm 12.1 for GB10" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"), [("sm_121", "12.1"), ("121", "12.1"), ("12.1a", "12.1"), ("sm_121f", "12.1"), ("90", "9.0")]
)
def test_an_architecture_is_no_compute_capability(text: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        ComputeCapability.parse(text)
    assert caught.value.hint.endswith(f"--sm {meant}")


def test_capabilities_are_ordered_and_named() -> None:
    assert ComputeCapability(9, 0) < ComputeCapability(12, 0) < GB10
    assert (str(GB10), GB10.sm) == ("12.1", "sm_121")


@pytest.mark.parametrize(
    ("text", "expected"), [("3.12", (3, 12)), ("3.12.1", (3, 12)), ("cp310", (3, 10)), ("311", (3, 11))]
)
def test_python_version(text: str, expected: tuple[int, int]) -> None:
    version = PythonVersion.parse(text)
    assert (version.major, version.minor) == expected
    assert PythonVersion.parse(version.tag) == version == PythonVersion.parse(str(version))


@pytest.mark.parametrize("text", ["", "3", "three", "3.12.x", "3.12.1.2"])
def test_no_python_version(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        PythonVersion.parse(text)
    assert "3.12" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), (" arm64", "aarch64"), ("aarch64", "aarch64")],
)
def test_architecture(text: str, expected: str) -> None:
    assert Architecture.parse(text) == expected


def test_no_architecture() -> None:
    with pytest.raises(UsageError) as caught:
        Architecture.parse("riscv64")
    assert "x86_64, aarch64" in caught.value.hint


def test_targets_and_interpreters_name_themselves() -> None:
    target = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
    assert str(target) == "cp312 linux aarch64 glibc 2.39"
    python = Interpreter(path="/p", version="3.12.3", implementation="cpython", architecture="aarch64")
    assert python.minor == PythonVersion(3, 12)


def test_verdicts_exit_as_designed() -> None:
    assert {kind: kind.exit_code for kind in VerdictKind} == {
        VerdictKind.NOT_NEEDED: ExitCode.OK,
        VerdictKind.NOT_APPLICABLE: ExitCode.OK,
        VerdictKind.NEEDED: ExitCode.PATCH_NEEDED,
        VerdictKind.UNDECIDED: ExitCode.UNDECIDED,
        VerdictKind.BROKEN: ExitCode.BROKEN,
    }
    assert QUALITY == (VerdictKind.NOT_NEEDED, VerdictKind.NEEDED, VerdictKind.UNDECIDED, VerdictKind.BROKEN)
