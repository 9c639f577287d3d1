from __future__ import annotations

import pytest

from scripts.errors import UsageError
from tests.simulated_gpu.document import DOCUMENT, with_tables
from tests.simulated_gpu.pages import markers, with_between

START, END = markers("matrix")
PAGE = f"# Page\n\n{START}\nold\n{END}\n\nrest\n"


def test_a_table_in_its_place() -> None:
    text = with_between(PAGE, "matrix", ["| a |", "|---|"])
    assert text == f"# Page\n\n{START}\n\n| a |\n|---|\n\n{END}\n\nrest\n"
    assert with_between(text, "matrix", ["| a |", "|---|"]) == text


@pytest.mark.parametrize(
    "page", ["", START, END, f"{END}\n{START}\n", f"{START}\n{END}\n{START}\n", f"{END}{START}{END}"]
)
def test_no_place_for_it(page: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_between(page, "matrix", [])
    assert caught.value.reference == "no-markers"


def test_the_document_holds_what_is_kept() -> None:
    text = DOCUMENT.read_text()
    assert with_tables(text) == text, "python -m tests.simulated_gpu.document"
