from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


@pytest.fixture
def capture() -> Callable[[str], str]:
    """The text of a file in tests/data/captures."""
    return lambda name: (CAPTURES / name).read_text(encoding="utf-8")
