"""docs/applications.md: each mode has its example, and what is installed for the server is pinned."""

from __future__ import annotations

import re

import pytest

from scripts.home import CHECKOUT
from scripts.model.modes import MODES
from tests.support.applications import DOCUMENT, SERVER, Program, program, programs, requirements, server_command
from tests.support.documents import blocks

PROGRAMS = programs()
WITHOUT_PROGRAM = {"bridge-transform-only", "nvrtc-override"}
"""One is not to be used; for the other the environment differs and the program is stock's."""


@pytest.mark.parametrize("one", PROGRAMS, ids=lambda one: f"{one.heading}:{one.line}")
def test_every_program_is_python_and_short(one: Program) -> None:
    compile(one.text, f"{DOCUMENT.name}:{one.line}", "exec")
    if one.heading in {mode.name for mode in MODES}:
        statements = [
            line for line in one.text.splitlines() if line.strip() and not line.startswith(("import", "from"))
        ]
        assert len(statements) <= 10
    assert all(len(line) <= 120 for line in one.text.splitlines())


def test_every_mode_has_its_section_and_its_program() -> None:
    headings = {re.sub(r"\W", "", one.heading.lower()) for one in PROGRAMS}
    wanted = {re.sub(r"\W", "", mode.name.lower()) for mode in MODES if mode.name not in WITHOUT_PROGRAM}
    assert wanted <= headings
    assert "### NVRTC override\n" in DOCUMENT.read_text()


@pytest.mark.parametrize(
    ("mode", "switch"),
    [
        ("bridge", "bridge.enable()"),
        ("disable_complex", 'KModel(repo_id="hexgrad/Kokoro-82M", disable_complex=True).eval()'),
        ("tuned", "tuned("),
        ("batched", ").forward_batch("),
    ],
)
def test_a_mode_s_switch_is_in_its_program(mode: str, switch: str) -> None:
    assert switch in program(mode)
    assert any(switch in one.switch for one in MODES if one.name == mode)


def test_the_hook_s_program_is_the_stock_one() -> None:
    assert program("bridge, by the hook") == program("stock")


def test_what_is_installed_is_pinned() -> None:
    names = [requirement.partition("==") for requirement in requirements()]
    assert names[0][0] == SERVER
    assert all(version for _, _, version in names)


def test_the_server_is_started_as_the_document_says() -> None:
    (text,) = (block.text for block in blocks("docs/applications.md") if "exec wyoming" in block.text)
    words = set(re.findall(r"--[a-z-]+", text)) - {"--"}
    command = server_command(CHECKOUT, "cpu", "unix:///x")
    assert words == {word for word in command if word.startswith("--")}


def test_the_readme_leads_there() -> None:
    assert "(docs/applications.md)" in (CHECKOUT / "README.md").read_text()
