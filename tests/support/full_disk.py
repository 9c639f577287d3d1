"""What other programs say where there is no space left."""

from __future__ import annotations

import re


def says_disk_is_full(words: str) -> bool:
    return re.search(r"no space left on device|disk quota exceeded", words, re.IGNORECASE) is not None
