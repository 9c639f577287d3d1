"""Every block of the README and of the ops handoff, run as written on a bare Debian with python3 and venv only.

In the documents' order, in one checkout, as a reader would: a later block stands on what an earlier one made.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support.bare import BareMachine
from tests.support.documents import NEEDS, Block, blocks
from tests.support.roots import CannotBuildError

pytestmark = pytest.mark.bare

DOCUMENTS = ("README.md", "docs/ops.md")
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
LIMIT = 1800.0


@pytest.fixture(scope="session")
def bare_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    root = tmp_path_factory.mktemp("bare") / "root"
    try:
        yield BareMachine.build(root)
    except CannotBuildError as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_runs_as_written(block: Block, bare_machine: BareMachine) -> None:
    if block.needs:
        pytest.skip("needs " + " and ".join(NEEDS[need] for need in block.needs))
    result = bare_machine.run(block.text, timeout=LIMIT)
    assert result.returncode == block.exits, f"$ {block.text}\n{result.stdout}\n{result.stderr}"
    assert "Traceback" not in result.stderr
