"""Programs of ours that facts and everything after them call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

import uv

from scripts.errors import BuildError


class UvNotFoundError(BuildError):
    """There is no uv: neither on PATH nor in the toolkit's own environment."""


def find_uv(environ: Mapping[str, str] | None = None) -> str:
    """Find the uv program: the pinned one that the toolkit's environment holds as a package, else one on PATH.

    The pinned one first: another may resolve another lock, or not know an option.

    Raises UvNotFoundError.
    """
    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        on_path = shutil.which("uv", path=(os.environ if environ is None else environ).get("PATH", ""))
        if on_path is not None:
            return on_path
        raise UvNotFoundError(
            "uv was not found",
            context=str(error).strip(),
            reference="program-not-found",
            hint="run through scripts/bootstrap.sh, which brings uv with it, or install uv and put it on PATH",
        ) from error
