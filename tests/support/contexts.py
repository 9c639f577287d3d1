"""A Context whose facts, runner and web are a test's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from scripts.home import CONSTRAINTS, Home
from scripts.model.facts import Facts
from scripts.operations.context import Context
from scripts.shell import Runner
from scripts.web import Web
from tests.support.pages import ScriptedWeb
from tests.support.scripted import ScriptedRunner


def context(
    folder: Path,
    facts: Facts,
    *,
    run: Runner | None = None,
    web: Any = None,
    constraints: Path = CONSTRAINTS,
    environ: Mapping[str, str] | None = None,
) -> Context:
    """The data root is `folder`/data, which does not exist yet; uv is the program `uv`."""
    made = Context(
        home=Home(root=folder / "data"), run=run or ScriptedRunner(), constraints=constraints, environ=environ or {}
    )
    # What a cached_property would work out: facts of this machine, a web that opens sockets, a uv that is installed.
    made.__dict__.update(facts=facts, web=cast("Web", web or ScriptedWeb()), uv="uv")
    return made
