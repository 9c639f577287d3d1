"""The documentation as data: its shell blocks with what they need, its links.

A block is fenced with ```sh. HTML comments right above it say what a reader can't see:

    <!-- needs: gpu, hub -->   it can't run on every machine, and why
    <!-- exits: 20 -->         the exit code that running it as written gives (0 otherwise)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.home import CHECKOUT

# What a block may need that a bare machine with python3 and a package index lacks.
NEEDS = {
    "gpu": "an NVIDIA GPU",
    "hub": "the model hub",
    "lane": "PyTorch's own wheel index",
    "git": "git and this repository's address",
    "apt": "Debian's package archive",
    "engine": "docker or podman",
    "venv": "an environment that is not ours",
    "wheel": "a torch wheel",
    "gcc": "a C compiler",
    "compiler": "a C++ compiler",
    "uv": "uv on PATH",
    "pipx": "pipx on PATH",
    "ssh": "another machine",
    "sound": "a sound card",
    "today": "an index that is as it was on a given day",
}
COMMENT = re.compile(r"<!--\s*(?P<key>needs|exits):\s*(?P<value>[^>]*?)\s*-->")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
BOOTSTRAP = "sh scripts/bootstrap.sh "


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of commands. `line` is that of its fence, from 1."""

    document: str
    line: int
    text: str
    needs: tuple[str, ...] = ()
    exits: int = 0

    def __str__(self) -> str:
        """`README.md:34`, the place and the test's name."""
        return f"{self.document}:{self.line}"

    @property
    def commands(self) -> tuple[str, ...]:
        """Its lines of `sh scripts/bootstrap.sh ...`, without that beginning, continuations joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return tuple(line.partition(BOOTSTRAP)[2].strip() for line in lines if BOOTSTRAP in line)


@dataclass
class _Reader:
    """Where the reading of one document is."""

    document: str
    needs: tuple[str, ...] = ()
    exits: int = 0
    start: int = 0
    lines: list[str] = field(default_factory=list)

    def outside(self, number: int, line: str) -> None:
        marks = list(COMMENT.finditer(line))
        for mark in marks:
            if mark["key"] == "needs":
                self.needs = tuple(word.strip() for word in mark["value"].split(","))
            else:
                self.exits = int(mark["value"])
        if line.strip() == "```sh":
            self.start, self.lines = number, []
        elif line.strip() and not marks:
            self.needs, self.exits = (), 0

    def end(self) -> Block:
        block = Block(
            document=self.document, line=self.start, text="\n".join(self.lines), needs=self.needs, exits=self.exits
        )
        self.start, self.needs, self.exits = 0, (), 0
        return block


def blocks(document: str) -> Iterator[Block]:
    """Every shell block of a document of the checkout, in order."""
    reader = _Reader(document)
    for number, line in enumerate((CHECKOUT / document).read_text().splitlines(), start=1):
        if not reader.start:
            reader.outside(number, line)
        elif line.strip() == "```":
            yield reader.end()
        else:
            reader.lines.append(line.strip())


def documents() -> list[str]:
    """Every Markdown document of the product, from the checkout's root."""
    return ["README.md", *sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "docs").glob("*.md"))]


def links(document: str) -> Iterator[Path]:
    """Where a document's relative links lead."""
    text = (CHECKOUT / document).read_text()
    for match in LINK.finditer(text):
        target = match["target"].partition("#")[0]
        if target and "://" not in target:
            yield (CHECKOUT / document).parent / target


def table(document: str, heading: str) -> list[tuple[str, ...]]:
    """The rows of the first table below a heading, without its header."""
    _, _, below = (CHECKOUT / document).read_text().partition(f"\n{heading}\n")
    rows: list[tuple[str, ...]] = []
    for line in below.splitlines():
        if line.startswith("|"):
            rows.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
        elif rows or line.startswith("#"):
            break
    return rows[2:]
