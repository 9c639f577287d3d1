"""Recipes: ours, a user's own, what is wrong with one, and what is made up without one."""

from __future__ import annotations

import hashlib
import tarfile
import tomllib
from pathlib import Path

import pytest

from scripts.builds.recipe import RECIPES, known_recipes, load_recipe
from scripts.errors import IntegrityError, UsageError
from scripts.model.recipes import SourceKind

TORCH = tomllib.loads(
    (Path(__file__).parents[2] / "data" / "torch-setup" / "variables.toml").read_text(encoding="utf-8")
)
LEAN = (RECIPES / "torch-lean.toml").read_text(encoding="utf-8")


def test_ours_are_known_and_say_how_far_they_were_tried() -> None:
    recipes = known_recipes()
    assert [one.name for one in recipes] == ["test-extension", "torch-full", "torch-lean", "torch-scatter"]
    for recipe in recipes:
        assert recipe.tried
        assert recipe.resources.basis
        assert recipe.checks.imports
        compile(recipe.checks.program, recipe.name, "exec")
    assert len({one.digest for one in recipes}) == len(recipes)


@pytest.mark.parametrize("name", ["torch-lean", "torch-full"])
def test_torch_documents_every_variable_that_is_set(name: str) -> None:
    said = {variable for variable, _ in load_recipe(name).variables}
    assert said - {*TORCH["setup"], *TORCH["cmake"]} == set()


def test_torch_is_one_commit_with_its_submodules() -> None:
    lean, full = load_recipe("torch-lean").source, load_recipe("torch-full").source
    assert lean == full
    assert lean.submodules
    assert lean.tag == f"v{lean.version}"


def test_the_fixture_s_path_is_from_where_its_recipe_lies() -> None:
    assert (Path(load_recipe("test-extension").source.location) / "setup.py").is_file()


def test_an_unknown_name_lists_those_there_are_and_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("torch-leen")
    assert caught.value.reference == "unknown-recipe"
    assert caught.value.hint == "did you mean torch-lean?"
    assert "torch-scatter" in str(caught.value.context)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("submodules = true", "submodule = true", "submodule"),
        ("submodules = true", 'submodules = "yes"', "submodules"),
        ("disk_gb = 40", "disk_gb = 0", "resources.disk_gb"),
        ("d0f2af8b66b20da4baa50644c0cd3f887a2eae2e", "d0f2af8b", "source.commit"),
        ('kind = "git"', 'kind = "sdist"', "source.project"),
        ('kind = "git"', 'kind = "svn"', "kind"),
        ("against_torch = false", 'patches = ["../x.patch"]', "build.patches"),
        ('name = "torch-lean"', "name = ", "line"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in LEAN
    path = tmp_path / "mine.toml"
    path.write_text(LEAN.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_recipe(str(path))
    assert caught.value.reference == "bad-recipe"
    assert str(path) in str(caught.value.context)
    assert named in str(caught.value.context)


def test_a_patch_is_part_of_the_digest(tmp_path: Path) -> None:
    path, patch = tmp_path / "mine.toml", tmp_path / "x.patch"
    path.write_text(LEAN.replace("against_torch = false", 'patches = ["x.patch"]'), encoding="utf-8")
    patch.write_text("one", encoding="utf-8")
    first = load_recipe(str(path))
    patch.write_text("two", encoding="utf-8")
    second = load_recipe(str(path))
    assert (first.patches, second.patches) == (("one",), ("two",))
    assert first.digest != second.digest


@pytest.mark.parametrize("cuda", [True, False])
def test_a_folder_needs_no_recipe(tmp_path: Path, *, cuda: bool) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "own-thing"\n', encoding="utf-8")
    if cuda:
        (tmp_path / "scale.cu").touch()
    recipe = load_recipe(str(tmp_path))
    assert recipe.distribution == "own-thing"
    assert recipe.source.kind is SourceKind.FOLDER
    assert recipe.cuda is recipe.checks.device_code is cuda
    assert "guess" in recipe.resources.basis


@pytest.mark.parametrize("cuda", [True, False])
def test_an_sdist_is_named_by_its_hash(tmp_path: Path, *, cuda: bool) -> None:
    path = tmp_path / "own-thing-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("own-thing-1.0/kernel.cu" if cuda else "own-thing-1.0/code.c"))
    recipe = load_recipe(str(path))
    assert recipe.distribution == "own-thing"
    assert recipe.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recipe.cuda is recipe.checks.device_code is cuda


def test_an_sdist_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "own-thing-1.0.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(IntegrityError) as caught:
        load_recipe(str(path))
    assert caught.value.reference == "bad-archive"


@pytest.mark.parametrize("name", ["notes.txt", "pyproject.toml"])
def test_any_other_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        load_recipe(str(tmp_path / name))
    assert caught.value.reference == "bad-recipe"


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no Python project"):
        load_recipe(str(tmp_path))
