"""The table of base images, and what a person may name instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.home import CONSTRAINTS
from scripts.strategies.images import ImageTable, TagRow, load_builders, load_images

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


@pytest.mark.parametrize(("cuda", "tag"), [("13.2", "13.2.0"), ("13.0", "13.0.2"), (None, "13.2.0")])
def test_the_image_to_build_in_has_the_compiler_of_a_cuda_release(cuda: str | None, tag: str) -> None:
    base = load_builders(CONSTRAINTS / "images.toml").base(cuda)
    assert base.reference.startswith(f"docker.io/nvidia/cuda:{tag}-devel-ubuntu24.04@sha256:")
    assert cuda in {base.cuda, None}
    assert set(base.platforms or ()) == {"aarch64", "x86_64"}
    assert base.source.startswith("read: ")


def test_no_image_to_build_in_for_a_cuda_release() -> None:
    with pytest.raises(NoCandidateError, match=r"CUDA 11\.8") as told:
        load_builders(CONSTRAINTS / "images.toml").base("11.8")
    assert told.value.reference == "no-builder-image"
    assert "13.2, 13.0" in told.value.context


def test_an_image_to_build_in_without_a_digest_is_taken_by_its_tag(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    row = 'cuda = "13.9"\nplatforms = []\nchecked = "2026-12-01"\nsource = "read: a test"\n'
    path.write_text(f'[builder]\nname = "x"\ndistribution = "y"\n[builder.tags."1"]\n{row}', encoding="utf-8")
    assert load_builders(path).base("13.9").reference == "x:1"


@pytest.mark.parametrize("text", ["", "builder = 1\n", '[builder]\nname = "x"\ndistribution = "y"\n', "[builder]\n"])
def test_a_table_with_no_image_to_build_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError) as told:
        load_builders(path)
    assert str(path) in told.value.message
