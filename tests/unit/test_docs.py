"""The documentation says what is so: its commands, options, strategies, exit codes and links exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from invoke.exceptions import ParseError
from invoke.parser import Parser

from scripts.builds.recipe import known_recipes
from scripts.errors import ExitCode
from scripts.home import CHECKOUT, CONSTRAINTS
from scripts.strategies.known import strategies
from scripts.wheels.lanes import load_lanes
from tasks import ns
from tests.support.documents import BOOTSTRAP, NEEDS, Block, blocks, documents, links, table

DOCUMENTS = documents()
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
BOOTSTRAPS_OWN = {"test", "check"}
INLINE = re.compile(rf"`{re.escape(BOOTSTRAP)}([^`]+)`")


def commands() -> Iterator[tuple[str, str]]:
    """Every task call of the documentation, with where it stands."""
    for block in BLOCKS:
        for command in block.commands:
            yield str(block), command
    for document in DOCUMENTS:
        for match in INLINE.finditer((CHECKOUT / document).read_text()):
            yield document, " ".join(match[1].split())


COMMANDS = [pytest.param(command, id=f"{place} {command}") for place, command in commands()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_exists(command: str) -> None:
    words = shlex.split(command, comments=True)
    if words[0] in BOOTSTRAPS_OWN or words[0] == "TASK...":
        return
    try:
        Parser(contexts=ns.to_contexts()).parse_argv(words)
    except ParseError as error:
        pytest.fail(f"{command}: {error}")


def test_a_command_that_does_not_exist_is_seen() -> None:
    for wrong in (["verify", "--colour"], ["env.polish"]):
        with pytest.raises(ParseError):
            Parser(contexts=ns.to_contexts()).parse_argv(wrong)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_need_what_we_know(block: Block) -> None:
    assert set(block.needs) <= set(NEEDS)
    assert block.text.strip()
    assert block.exits in {*ExitCode, 1}


def test_every_fenced_block_names_its_language() -> None:
    """A block without one would be neither run nor checked."""
    for document in DOCUMENTS:
        fences = re.findall(r"^\s*```(.*)$", (CHECKOUT / document).read_text(), re.MULTILINE)
        assert len(fences) % 2 == 0, document
        assert set(fences[::2]) <= {"sh", "text", "python", "ini", "json"}, document
        assert set(fences[1::2]) <= {""}, document


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    missing = [str(target) for target in links(document) if not target.exists()]
    assert missing == []


def test_the_readme_names_every_exit_code() -> None:
    codes = [int(row[0]) for row in table("README.md", "## Exit codes")]
    assert codes == sorted({*ExitCode, 1})


def test_the_readme_names_every_strategy() -> None:
    named = [word for row in table("README.md", "## Which strategy for which machine") for word in code(row[1])]
    assert set(named) == set(strategies(load_lanes(CONSTRAINTS / "lanes.toml")))


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_what_marks_a_block_is_read() -> None:
    """The marks of the README are what the bare machine goes by."""
    needed = {need for block in BLOCKS for need in block.needs}
    assert "gpu" in needed
    assert any(block.exits == ExitCode.UNDECIDED for block in BLOCKS)
    assert any(not block.needs for block in blocks("README.md"))
    assert any(not block.needs for block in blocks("docs/ops.md"))


def test_builds_md_names_every_recipe() -> None:
    rows = {
        code(row[0])[0]: (row[1], row[2]) for row in table("docs/builds.md", "## Recipes, and how far each was tried")
    }
    assert rows == {one.name: (one.summary, one.tried) for one in known_recipes()}
