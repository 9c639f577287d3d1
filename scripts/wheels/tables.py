"""Read a table of constraints/: TOML, checked for its shape."""

from __future__ import annotations

import tomllib
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
