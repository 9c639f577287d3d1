"""The table of base images, and what a person may name instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import IntegrityError, UsageError
from scripts.home import CONSTRAINTS
from scripts.strategies.images import ImageTable, TagRow, load_images

TABLE = load_images(CONSTRAINTS / "images.toml")
DIGEST = "sha256:" + "a" * 64


def test_the_default_is_the_research_notes() -> None:
    base = TABLE.base(None)
    assert base.reference == "nvcr.io/nvidia/pytorch:25.12-py3"
    assert base.cuda == "13.1"
    assert (base.torch or "").startswith("2.10.0a0")


def test_every_row_says_how_it_is_known() -> None:
    for row in TABLE.tags:
        assert row.source.startswith("read: ")
        assert (row.download is None) == (row.download_basis is None)
        assert row.digest is None or row.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("wanted", "reference", "known"),
    [
        ("26.09-py3", "nvcr.io/nvidia/pytorch:26.09-py3", True),
        (" 25.12-py3 ", "nvcr.io/nvidia/pytorch:25.12-py3", True),
        ("24.06-py3", "nvcr.io/nvidia/pytorch:24.06-py3", False),
        ("nvcr.io/nvidia/pytorch:25.12-py3", "nvcr.io/nvidia/pytorch:25.12-py3", True),
        ("localhost:5000/mine/pytorch:1", "localhost:5000/mine/pytorch:1", False),
        (f"nvcr.io/nvidia/pytorch@{DIGEST}", f"nvcr.io/nvidia/pytorch@{DIGEST}", False),
        (f"nvcr.io/nvidia/pytorch:25.12-py3@{DIGEST}", f"nvcr.io/nvidia/pytorch:25.12-py3@{DIGEST}", False),
    ],
)
def test_what_is_named(wanted: str, reference: str, known: bool) -> None:  # noqa: FBT001
    base = TABLE.base(wanted)
    assert base.reference == reference
    assert (base.cuda is not None) == known


@pytest.mark.parametrize("wanted", ["", "nvcr.io/nvidia/pytorch", "a b", "x@sha256:12", "--privileged", "UPPER/case:1"])
def test_what_names_no_image(wanted: str) -> None:
    with pytest.raises(UsageError) as told:
        TABLE.base(wanted)
    assert told.value.reference == "bad-image"
    assert "26.09-py3" in told.value.hint


def test_a_known_digest_is_what_is_taken() -> None:
    row = TagRow(
        tag="1",
        torch="2.10.0",
        cuda="13.1",
        python="3.12",
        digest=DIGEST,
        platforms=("aarch64",),
        download=None,
        download_basis=None,
        checked="2026-11-25",
        source="read: a test",
    )
    table = ImageTable(name="host.example/pytorch", default="1", tags=(row,))
    assert table.base(None).reference == f"host.example/pytorch:1@{DIGEST}"
    assert table.base(f"host.example/pytorch:1@{DIGEST}").cuda == "13.1"
    assert table.base("host.example/pytorch:1@sha256:" + "b" * 64).cuda is None, "that is another image"


def test_a_table_whose_default_is_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.write_text('name = "x"\ndefault = "1"\n', encoding="utf-8")
    with pytest.raises(IntegrityError, match="cannot be read"):
        load_images(path)
