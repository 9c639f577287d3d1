"""Shared fixtures. Unit tests cannot touch the world: process starts and sockets raise."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent / "unit"


@pytest.fixture(autouse=True)
def _no_outside_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if UNIT in Path(request.path).parents:

        def refuse(*_args: object, **_kwargs: object) -> None:
            raise AssertionError("a unit test tried to start a process or open a socket")

        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket.socket, "bind", refuse)
