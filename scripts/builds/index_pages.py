"""The pages of a package index in files: PEP 503 as HTML, PEP 691 as JSON, with the metadata beside (PEP 658). Pure.

Links are relative, so that the folder can be copied, mounted elsewhere, and served by anything.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from scripts.model.builds import Published


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One wheel of a project's page."""

    published: Published
    metadata_sha256: str
    requires_python: str = ""


def root_html(projects: Iterable[str]) -> str:
    """The list of projects."""
    links = "".join(f'<a href="{quote(name)}/">{html.escape(name)}</a><br>\n' for name in sorted(projects))
    return _page("wheelhouse", links)


def project_html(project: str, wheels: Sequence[Listed]) -> str:
    """A project's page: each link with its hash."""
    return _page(project, "".join(_link(one) for one in wheels))


def _link(one: Listed) -> str:
    wheel = one.published
    attributes = {"data-core-metadata": f"sha256={one.metadata_sha256}"}
    if one.requires_python:
        attributes["data-requires-python"] = one.requires_python
    words = "".join(f' {name}="{html.escape(value, quote=True)}"' for name, value in attributes.items())
    return f'<a href="{quote(_href(wheel))}#sha256={wheel.sha256}"{words}>{html.escape(wheel.filename)}</a><br>\n'


def _href(wheel: Published) -> str:
    return f"../../{wheel.wheel}"


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0">'
        f"<title>{html.escape(title)}</title></head><body>\n{body}</body></html>\n"
    )


def root_json(projects: Iterable[str]) -> str:
    """The same list, as JSON."""
    return _json({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in sorted(projects)]})


def project_json(project: str, wheels: Sequence[Listed]) -> str:
    """A project's page, as JSON."""
    files = [
        {
            "filename": one.published.filename,
            "url": quote(_href(one.published)),
            "hashes": {"sha256": one.published.sha256},
            "size": one.published.size,
            "core-metadata": {"sha256": one.metadata_sha256},
            **({"requires-python": one.requires_python} if one.requires_python else {}),
        }
        for one in wheels
    ]
    versions = list(dict.fromkeys(one.published.version for one in wheels))
    return _json({"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files})


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def hashes_text(wheels: Iterable[Published]) -> str:
    """SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{one.sha256}  {one.wheel}\n" for one in sorted(wheels, key=lambda one: one.wheel))
