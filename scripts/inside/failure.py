"""A probe's known failure: a field of its answer, never a traceback."""

from __future__ import annotations

from typing import Any


class ProbeFailure(Exception):  # noqa: N818 - an observation of what failed, not an error of ours
    """What the probe found wrong, in words, and what it had measured until then (JSON values)."""

    def __init__(self, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = dict(detail or {})
