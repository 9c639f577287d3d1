"""What every operation works with: the data root, the runner, the web, uv, and the facts, gathered once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.environments.container import container_place
from scripts.environments.sharing import caller_mounts
from scripts.environments.store import Entry, Store
from scripts.environments.uv import uv_environment
from scripts.facts.gather import gather
from scripts.facts.indexes import read_settings
from scripts.facts.tools import find_uv
from scripts.home import CHECKOUT, CONSTRAINTS, Home
from scripts.model.facts import Facts, IndexSettings
from scripts.place import Here, Place
from scripts.shell import Runner, run
from scripts.strategies.base import Strategy
from scripts.strategies.known import strategies
from scripts.wheels.lanes import LaneTable, load_lanes
from scripts.wheels.ports import Fetch
from scripts.wheels.shelf import Shelf

if TYPE_CHECKING:
    from scripts.web import Web
    from scripts.wheels.index import Index

# Web and Index are imported where they are made: that takes half a second, and most tasks need neither.


@dataclass
class Context:
    """Made once per task; nothing is read or started before it is asked for."""

    home: Home = field(default_factory=Home.find)
    run: Runner = run
    constraints: Path = CONSTRAINTS
    """The pins and tables."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @cached_property
    def web(self) -> Web:
        """HTTP, through the proxy and with the certificates that pip's or uv's configuration names."""
        from scripts.web import Web  # noqa: PLC0415 - see above

        return Web(carried=dict(self.index_settings.environment))

    @cached_property
    def index_settings(self) -> IndexSettings:
        """Where packages come from here, without asking for any other fact."""
        return self.facts.index if "facts" in self.__dict__ else read_settings(self.environ)

    @cached_property
    def shelf(self) -> Shelf:
        """What was read of indexes and wheels before."""
        return Shelf(self.home.cache / "wheels")

    @cached_property
    def facts(self) -> Facts:
        """What this machine is."""
        return gather(self.run, self.home, self.environ)

    @cached_property
    def lanes(self) -> LaneTable:
        """The table of lanes."""
        return load_lanes(self.constraints / "lanes.toml")

    @cached_property
    def strategies(self) -> dict[str, Strategy]:
        """Every strategy by its name."""
        return strategies(self.lanes)

    @cached_property
    def store(self) -> Store:
        """The environments."""
        return Store(self.home)

    def place(self, entry: Entry, *, folders: Sequence[Path] = ()) -> Place:
        """Give the place that an environment runs in; `folders` must be the same there as here, beyond our own.

        A container is given the GPU where this machine has one.
        """
        container = None if entry.record is None else entry.record.container
        if container is None:
            return Here(python=entry.python, run=self.run)
        mounts = caller_mounts(CHECKOUT, self.home.root, folders)
        gpu = bool(self.facts.gpu.gpus)
        return container_place(container, run=self.run, gpu=gpu, mounts=mounts, environ=self.environ)

    @cached_property
    def uv(self) -> str:
        """The uv program."""
        return find_uv()

    @cached_property
    def uv_environ(self) -> dict[str, str]:
        """Its environment."""
        return uv_environment(self.environ, self.index_settings)

    def index(self, url: str | None) -> Index:
        """Open an index; None: the default one, or its mirror in pip's or uv's configuration."""
        from scripts.wheels.index import Index  # noqa: PLC0415 - see above

        chosen = url or self.index_settings.default_index
        if chosen not in self._indexes:
            self._indexes[chosen] = Index(chosen, self.web.get)
        return self._indexes[chosen]

    def remembered_index(self, url: str | None, fetch: Fetch, *, refresh: bool) -> Index:
        """Open an index whose pages are remembered from task to task (see Index); for what only looks."""
        from scripts.wheels.index import Index  # noqa: PLC0415 - see above

        return Index(url or self.index_settings.default_index, fetch, shelf=self.shelf, refresh=refresh)

    @cached_property
    def _indexes(self) -> dict[str | None, Index]:
        return {}

    def reach(self, url: str | None) -> None:
        """Insist that an index (None: the default one) can be connected to, unless uv is to do without.

        Raises NetworkError.
        """
        if self.uv_environ.get("UV_OFFLINE", "0").lower() in {"0", "false", ""}:
            self.web.reach(self.index(url).url)
