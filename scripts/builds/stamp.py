"""The stamp of a build: one name for everything that decides what its wheel contains. Pure."""

from __future__ import annotations

import hashlib

from scripts.model.builds import BuildInputs
from scripts.serial import to_json

SCHEMA = 1
"""Raised when what is done to a wheel changes, so that wheels that were built before are not taken for new ones."""


def stamp_of(inputs: BuildInputs) -> str:
    """Give the sha256 of the inputs, in hexadecimal."""
    return hashlib.sha256(to_json(inputs).encode()).hexdigest()
