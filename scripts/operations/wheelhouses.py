"""Which wheelhouse is meant, and whether there is anything in it."""

from __future__ import annotations

from pathlib import Path

from scripts.operations.context import Context

VARIABLE = "KOKORO_SPARK_WHEELHOUSE"


def wheelhouse_folder(named: str | None, context: Context) -> Path:
    """Name the wheelhouse: as asked, as the environment says, or the data root's own."""
    chosen = named or context.environ.get(VARIABLE, "")
    return Path(chosen).expanduser().absolute() if chosen else context.home.wheelhouse


def has_torch(context: Context) -> bool:
    """Tell whether a torch was built here, by its page: what a rung of the ladder is refused by must cost nothing."""
    return (wheelhouse_folder(None, context) / "simple" / "torch").is_dir()
