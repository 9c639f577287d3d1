"""The lanes: which indexes have torch builds, and which names belong to them. Data is in constraints/lanes.toml."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.errors import UsageError
from scripts.model.wheels import Lane
from scripts.serial import from_data
from scripts.wheels.tables import read_toml

_OPTIONAL = dict.fromkeys(("index", "nightly_index", "cuda", "nvrtc"))


@dataclass(frozen=True, kw_only=True)
class LaneTable:
    """Every lane, and the names that come from a lane's index."""

    lanes: tuple[Lane, ...]
    names: tuple[str, ...]
    """Patterns over PEP 503 names, e.g. `nvidia-*`."""

    def named(self, name: str) -> Lane:
        """Find a lane. Raises UsageError, listing them all."""
        for lane in self.lanes:
            if lane.name == name:
                return lane
        raise UsageError(
            f"there is no lane {name!r}",
            hint=f"choose one of: {', '.join(lane.name for lane in self.lanes)}",
            reference="unknown-lane",
        )

    def owns(self, project: str) -> bool:
        """Tell whether a project comes from the lane's index, and so never from the default one."""
        name = canonicalize_name(project)
        return any(fnmatchcase(name, pattern) for pattern in self.names)


def load_lanes(path: Path) -> LaneTable:
    """Read constraints/lanes.toml. Raises IntegrityError where it is missing or not of that shape."""
    data = read_toml(path)
    rows = data.get("lanes", {})
    lanes = [{**_OPTIONAL, **row, "name": name} for name, row in rows.items()]
    return from_data(LaneTable, {**data, "lanes": lanes}, what=str(path))
