"""Values to JSON and back, by cattrs: one converter, strict about unknown keys and wrong types."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_args

from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from scripts.errors import IntegrityError
from scripts.model.plan import Step

T = TypeVar("T")

_STEPS = get_args(Step)
_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), bool: (bool,), float: (float, int)}


def _structure_plain(value: Any, kind: Any) -> Any:
    """Take a string, number or truth value only where there is one. An enumeration of them takes its own values."""
    if kind not in _PLAIN:
        return kind(value)
    if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} should be")
    return kind(value)


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{type(data).__name__} where an object should be")
    return data


def _detail(error: BaseException, kind: type | None) -> str:
    """Say what is wrong with a value: cattrs's words, or ours where there are."""
    if type(error) in {TypeError, ValueError} and str(error):
        return str(error)
    return format_exception(error, kind)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)

    def unstructure_step(step: Any) -> dict[str, Any]:
        return {"step": type(step).__name__, **converter.unstructure(step, unstructure_as=type(step))}

    def structure_step(data: Any, _: Any) -> Any:
        rest = dict(_mapping(data))
        name = rest.pop("step", None)
        for cls in _STEPS:
            if cls.__name__ == name:
                return converter.structure(rest, cls)
        raise ValueError(f"unknown step {name!r}")

    # cattrs would turn null into "None" and "false" into True: a record is to be as we wrote it.
    for kind in _PLAIN:
        converter.register_structure_hook(kind, _structure_plain)
    converter.register_unstructure_hook(Step, unstructure_step)
    converter.register_structure_hook(Step, structure_step)
    return converter


_CONVERTER = _converter()


def to_data(value: Any) -> Any:
    """Turn a value into dicts, lists, strings, numbers."""
    return _CONVERTER.unstructure(value)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON: compact on one line unless `indent` is given."""
    separators = (",", ":") if indent is None else None
    return json.dumps(to_data(value), indent=indent, separators=separators, ensure_ascii=False)


def from_data(cls: type[T], data: Any, *, what: str) -> T:
    """Read a value back; `what` names the file for the error.

    Raises IntegrityError where the data is not of that shape.
    """
    try:
        return _CONVERTER.structure(_mapping(data) if is_dataclass(cls) else data, cls)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        told = isinstance(error, BaseValidationError)
        detail = "\n".join(transform_error(error, format_exception=_detail)) if told else str(error)
        raise IntegrityError(
            f"{what} is not what this version of kokoro-spark writes", context=detail, reference="bad-record"
        ) from error
