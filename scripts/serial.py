"""Values to JSON and back, by cattrs: one converter, strict about unknown keys and wrong types."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from cattrs import BaseValidationError, Converter, transform_error

from scripts.errors import IntegrityError
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, Step

T = TypeVar("T")

_STEPS = (CreateVenv, InstallLock, InstallMade, CheckConsistency)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)

    def unstructure_step(step: Any) -> dict[str, Any]:
        return {"step": type(step).__name__, **converter.unstructure(step, unstructure_as=type(step))}

    def structure_step(data: dict[str, Any], _: Any) -> Any:
        rest = dict(data)
        name = rest.pop("step", None)
        for cls in _STEPS:
            if cls.__name__ == name:
                return converter.structure(rest, cls)
        raise ValueError(f"unknown step {name!r}")

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
        return _CONVERTER.structure(data, cls)
    except (BaseValidationError, ValueError, TypeError, KeyError) as error:
        detail = "\n".join(transform_error(error)) if isinstance(error, BaseValidationError) else repr(error)
        raise IntegrityError(
            f"{what} is not what this version of kokoro-spark writes", context=detail, reference="bad-record"
        ) from error
