"""docs/testing.md: its tables, written from what is kept of the runs and from what a report says of a simulation.

python -m tests.simulated_gpu.document
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypeVar

from scripts.disk import write_if_changed
from scripts.home import CHECKOUT
from scripts.progress import say
from scripts.serial import from_data
from scripts.verification.simulation import markdown_table
from tests.simulated_gpu.matrix_cells import Matrix
from tests.simulated_gpu.matrix_table import matrix_lines
from tests.simulated_gpu.pages import with_between
from tests.simulated_gpu.settings_rows import SettingsTable, settings_lines

DOCUMENT = CHECKOUT / "docs" / "testing.md"
MATRIX = CHECKOUT / "tests" / "data" / "simulated_matrix.json"
SETTINGS = CHECKOUT / "tests" / "data" / "simulated_settings.json"

T = TypeVar("T")


def kept(cls: type[T], path: Path) -> T:
    """Read what is kept of a run. Raises IntegrityError where it is not of that shape."""
    return from_data(cls, json.loads(path.read_text(encoding="utf-8")), what=path.name)


def with_tables(text: str) -> str:
    """Put every table into the document's text. Raises UsageError where it has no place for one."""
    tables = {"simulation": markdown_table().splitlines()}
    if MATRIX.is_file():
        tables["matrix"] = matrix_lines(kept(Matrix, MATRIX))
    if SETTINGS.is_file():
        tables["settings"] = settings_lines(kept(SettingsTable, SETTINGS))
    for name, lines in tables.items():
        text = with_between(text, name, lines)
    return text


def write_document() -> bool:
    """Write the tables into docs/testing.md; True: it changed."""
    return write_if_changed(DOCUMENT, with_tables(DOCUMENT.read_text(encoding="utf-8")))


if __name__ == "__main__":
    say(f"docs/{DOCUMENT.name}: {'written' if write_document() else 'as it was'}")
    sys.exit(0)
