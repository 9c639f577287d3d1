"""Every shell block of the documentation is shell."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.documents import Block, blocks, documents

pytestmark = pytest.mark.integration

BLOCKS = [block for document in documents() for block in blocks(document)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_parses(block: Block) -> None:
    result = subprocess.run(["sh", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
