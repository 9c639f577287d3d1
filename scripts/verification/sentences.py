"""Read constraints/sentences.toml: what the modes of Kokoro are to say, and who says it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts.home import CONSTRAINTS
from scripts.model.sound import SentenceTable
from scripts.serial import from_data

SENTENCES = CONSTRAINTS / "sentences.toml"


def load_sentences(path: Path = SENTENCES) -> SentenceTable:
    """Read the table. Raises IntegrityError where it is not of that form."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return from_data(SentenceTable, {"voices": data.get("voices"), "sentences": data.get("sentence")}, what=path.name)
