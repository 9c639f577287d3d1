"""The tables of constraints/: TOML, read and checked for its shape, and written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.errors import IntegrityError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises IntegrityError where it is missing or damaged."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise bad_table(path, str(error)) from error


def bad_table(path: Path, why: str) -> IntegrityError:
    """Make the error for a table that is not what it should be."""
    return IntegrityError(
        f"{path} cannot be read",
        context=why,
        hint="restore it from the repository: git checkout -- constraints",
        reference="bad-table",
    )


def toml_lines(fields: Mapping[str, object]) -> list[str]:
    """Write values, one a line; None is left out. JSON spells strings, numbers and lists as TOML does."""
    return [f"{key} = {json.dumps(value)}" for key, value in fields.items() if value is not None]
