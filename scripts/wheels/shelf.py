"""What was read before, kept below the data root so that it need not be read again. Losing it loses nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from scripts.disk import write_whole
from scripts.errors import DiskError, IntegrityError
from scripts.serial import from_data, to_json

T = TypeVar("T")

_SCHEMA = 1


class Shelf:
    """Values by kind and key, one JSON file each. `folder` None: nothing is kept.

    `doubted`: nothing is taken from it, and what is put replaces what was there.
    """

    def __init__(self, folder: Path | None, *, doubted: bool = False) -> None:
        self._folder = folder
        self._doubted = doubted

    def doubt(self) -> Shelf:
        """Give the same shelf, doubted."""
        return Shelf(self._folder, doubted=True)

    def take(self, kind: str, key: str, cls: type[T]) -> T | None:
        """Give a value back; None where there is none, or none of that key and shape."""
        if self._folder is None or self._doubted:
            return None
        path = self._path(self._folder, kind, key)
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8"))
            if data["schema"] != _SCHEMA or data["key"] != key:
                return None
            return from_data(cls, data["value"], what=str(path))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, IntegrityError):
            return None

    def put(self, kind: str, key: str, value: object) -> None:
        """Keep a value, where the disk lets us."""
        if self._folder is None:
            return
        try:
            text = to_json({"schema": _SCHEMA, "key": key, "value": value})
            write_whole(self._path(self._folder, kind, key), text)
        except (DiskError, UnicodeError):  # no space, no right, or text that is no UTF-8
            return  # it will be read again

    @staticmethod
    def _path(folder: Path, kind: str, key: str) -> Path:
        return folder / kind / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
