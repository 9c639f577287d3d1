"""What the default index said on the day of docs/timeline.md, kept so that CI can write that page again.

    python -m tests.support.recorded      # read the index anew, write the page, and keep what was read

Kept is what the timeline looks at: the Linux wheels of torch since 2.5 (name, hash, size, Python, yanked), those of
cuda-toolkit that they pin, and the fields of METADATA of one wheel per release and platform, without descriptions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from scripts.model.target import GB10
from scripts.model.timeline import Timeline
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.timeline import SINCE, make_timeline, write_timeline
from scripts.progress import say
from scripts.wheels.reader import WheelReader
from tests.support.index_server import JSON
from tests.support.pages import Page

FOLDER = Path(__file__).parents[1] / "data" / "timeline"
ORIGIN = "https://recorded.example"
INDEX = f"{ORIGIN}/simple"
TOOLKIT = "cuda-toolkit"


def recorded_pages() -> dict[str, Page | bytes]:
    """Every recorded answer by its URL."""
    pages: dict[str, Page | bytes] = {}
    for path in sorted((FOLDER / "pages").iterdir()):
        url = f"{INDEX}/{path.stem}/"
        pages[url] = Page(url=url, headers={"content-type": JSON}, body=path.read_bytes())
    for path in sorted((FOLDER / "metadata").iterdir()):
        pages[f"{ORIGIN}/files/{path.name}"] = path.read_bytes()
    return pages


def record(timeline: Timeline, context: Context) -> None:
    """Keep what a timeline that was just made rests on."""
    index = context.remembered_index(None, context.web.get, refresh=True)
    reader = WheelReader(index, context.web, context.shelf)
    torch = [file for file in _wheels(index.project("torch")) if _is_shown(file)]
    read = {row.wheel for row in timeline.rows if row.index == "pypi"}
    texts = {file.filename: reader.metadata(file) for file in torch if file.filename in read}
    pins = list(_toolkit_pins(texts.values()))
    toolkit = [file for file in _wheels(index.project(TOOLKIT)) if any(pin.contains(_version(file)) for pin in pins)]
    texts |= {file.filename: reader.metadata(file) for file in toolkit}
    for name, text in texts.items():
        _write(FOLDER / "metadata" / f"{name}.metadata", text)
    for project, files in (("torch", torch), (TOOLKIT, toolkit)):
        _write(FOLDER / "pages" / f"{project}.json", _page(project, files))


def _wheels(files: Iterable[IndexFile]) -> list[IndexFile]:
    return [file for file in files if file.filename.endswith(".whl")]


def _version(file: IndexFile) -> str:
    return str(parse_wheel_filename(file.filename)[1])


def _is_shown(file: IndexFile) -> bool:
    linux = any("linux" in tag.platform for tag in parse_wheel_filename(file.filename)[3])
    return linux and SINCE.contains(_version(file))


def _toolkit_pins(texts: Iterable[str]) -> Iterable[Any]:
    for line in {line for text in texts for line in text.splitlines() if line.startswith("Requires-Dist: ")}:
        wanted = Requirement(line.removeprefix("Requires-Dist: "))
        if wanted.name == TOOLKIT:
            yield wanted.specifier


def _page(project: str, files: Iterable[IndexFile]) -> str:
    """Write a page of PEP 691, one file a line."""
    lines = []
    for file in files:
        entry: dict[str, Any] = {"filename": file.filename, "url": f"/files/{file.filename}"}
        entry |= {"hashes": {"sha256": file.sha256}, "size": file.size, "requires-python": file.requires_python}
        lines.append(json.dumps(entry | ({} if file.yanked is None else {"yanked": file.yanked or True})))
    meta = '{"meta": {"api-version": "1.1"}, "name": ' + json.dumps(project) + ', "versions": [], "files": [\n'
    return meta + ",\n".join(lines) + "\n]}\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"written: {path.name}")


if __name__ == "__main__":
    here = Context()
    made = make_timeline(here, GB10, refresh=True)
    write_timeline(made)
    record(made, here)
