"""Sources in git: a mirror on this machine with a submodule in a submodule, what is wrong with it, and its mending."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scripts.builds.patching import apply_patches
from scripts.builds.recipe import load_recipe
from scripts.builds.sources import identify, mark_whole, obtain
from scripts.errors import BuildError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.recipes import Recipe, SourceKind, SourceSpec
from scripts.shell import run
from tests.builds.conftest import Builder

pytestmark = pytest.mark.builds

ENVIRON = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
PATCH = """--- a/outer.txt
+++ b/outer.txt
@@ -1 +1 @@
-outer
+patched
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=ENVIRON, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, name: str, submodule: Path | None = None) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    git(made, "init", "--quiet", "--initial-branch=main")
    (made / f"{name}.txt").write_text(f"{name}\n")
    git(made, "add", ".")
    if submodule is not None:
        git(made, "submodule", "--quiet", "add", f"../{submodule.name}", f"third_party/{submodule.name}")
    git(made, "commit", "--quiet", "-m", "first")
    return made


@dataclass(frozen=True)
class World:
    """A repository with a submodule in its submodule, and a tag."""

    folder: Path
    commit: str

    def spec(self, **said: object) -> SourceSpec:
        spec = SourceSpec(
            kind=SourceKind.GIT, location=f"file://{self.folder}/outer", tag="v1", commit=self.commit, submodules=True
        )
        return replace(spec, **said)  # type: ignore[arg-type]

    def obtain(self, to: Path, **said: object) -> bool:
        spec = self.spec(**said)
        cache = self.folder.parent / "cache"
        identity = identify(spec, run=run, environ=ENVIRON)
        there = obtain(spec, to, identity=identity, run=run, environ=ENVIRON, fetch=_none, cache=cache)
        mark_whole(to, identity)
        return there


def _none(spec: SourceSpec, cache: Path) -> Path:
    raise AssertionError("nothing is downloaded for git")


@pytest.fixture
def world(tmp_path: Path) -> World:
    remote = tmp_path / "remote"
    inner = repository(remote, "inner")
    middle = repository(remote, "middle", inner)
    outer = repository(remote, "outer", middle)
    git(outer, "tag", "v1")
    return World(folder=remote, commit=git(outer, "rev-parse", "HEAD"))


def refused(world: World, to: Path, kind: type[SparkError], reference: str, **said: object) -> SparkError:
    with pytest.raises(kind) as caught:
        world.obtain(to, **said)
    assert (type(caught.value), caught.value.reference) == (kind, reference)
    assert caught.value.hint
    assert not to.exists()
    return caught.value


def test_every_submodule_of_every_submodule(world: World, tmp_path: Path) -> None:
    to = tmp_path / "build" / "source"
    assert not world.obtain(to)
    assert (to / "outer.txt").read_text() == "outer\n"
    assert (to / "third_party/middle/third_party/inner/inner.txt").read_text() == "inner\n"
    assert world.obtain(to), "a second run finds it"


def test_what_was_fetched_is_not_fetched_again(world: World, tmp_path: Path) -> None:
    world.obtain(tmp_path / "one", submodules=False)
    shutil.move(world.folder / "outer", world.folder / "gone")
    assert not world.obtain(tmp_path / "two", submodules=False)
    assert (tmp_path / "two" / "outer.txt").is_file()


def test_a_tag_that_was_moved(world: World, tmp_path: Path) -> None:
    outer = world.folder / "outer"
    git(outer, "commit", "--quiet", "--allow-empty", "-m", "second")
    git(outer, "tag", "--force", "v1")
    error = refused(world, tmp_path / "source", IntegrityError, "moved-tag")
    assert world.commit in error.context
    assert git(outer, "rev-parse", "HEAD") in error.context
    git(outer, "tag", "--force", "v1", world.commit)
    assert not world.obtain(tmp_path / "source")


def test_a_commit_that_is_not_there(world: World, tmp_path: Path) -> None:
    refused(world, tmp_path / "source", NoCandidateError, "no-such-commit", commit="0" * 40, tag="")
    assert not world.obtain(tmp_path / "source")


def test_a_repository_that_is_not_there(world: World, tmp_path: Path) -> None:
    where = "https://me:secret@127.0.0.1:9/outer.git"
    error = refused(world, tmp_path / "source", NetworkError, "repository-unreachable", location=where)
    assert "secret" not in str(error)
    assert not world.obtain(tmp_path / "source")


def test_a_submodule_whose_repository_is_gone(world: World, tmp_path: Path) -> None:
    shutil.move(world.folder / "inner", world.folder / "away")
    with pytest.raises(SparkError) as caught:
        world.obtain(tmp_path / "source")
    assert "inner" in str(caught.value)
    assert not (tmp_path / "source").exists()
    shutil.move(world.folder / "away", world.folder / "inner")
    assert not world.obtain(tmp_path / "source")


def test_a_mirror_that_a_kill_left_half_made(world: World, tmp_path: Path) -> None:
    world.obtain(tmp_path / "one")
    (mirror,) = (tmp_path / "cache" / "git").iterdir()
    shutil.rmtree(mirror / "objects")
    (mirror / "shallow.lock").touch()
    shutil.rmtree(tmp_path / "one")
    (tmp_path / "one.making").mkdir()
    assert not world.obtain(tmp_path / "one")
    assert (tmp_path / "one" / "outer.txt").is_file()


def test_no_git_here(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "PATH", str(tmp_path))
    refused(world, tmp_path / "source", BuildError, "no-git")


def test_a_checkout_of_the_users_without_its_submodules(world: World, tiny: Builder, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(world.folder / "outer"), str(clone))
    spec = SourceSpec(kind=SourceKind.FOLDER, location=str(clone))
    with pytest.raises(BuildError) as caught:
        identify(spec, run=run, environ=ENVIRON)
    assert caught.value.reference == "missing-submodule"
    assert "third_party/middle" in caught.value.context
    assert f"git -C {clone} submodule update" in caught.value.hint
    git(clone, "submodule", "--quiet", "update", "--init", "--recursive")
    assert identify(spec, run=run, environ=ENVIRON).startswith("tree:")


def patched(*patches: str) -> Recipe:
    return replace(load_recipe("torch-scatter"), patches=patches)


def test_patches(world: World, tmp_path: Path) -> None:
    world.obtain(tmp_path / "source")
    apply_patches(patched(PATCH), tmp_path / "source", run=run, environ=ENVIRON)
    assert (tmp_path / "source" / "outer.txt").read_text() == "patched\n"


def test_a_patch_that_does_not_fit(world: World, tmp_path: Path) -> None:
    world.obtain(tmp_path / "source")
    with pytest.raises(BuildError) as caught:
        apply_patches(patched(PATCH.replace("-outer", "-other")), tmp_path / "source", run=run, environ=ENVIRON)
    assert caught.value.reference == "patch-failed"
    assert "outer.txt" in caught.value.message
    assert (tmp_path / "source" / "outer.txt").read_text() == "outer\n"


def test_the_torch_recipes_source_from_a_mirror(world: World, tmp_path: Path) -> None:
    """torch-lean's own source, but for its address and commit: the tag, the commit and every submodule."""
    recipe = load_recipe("torch-lean")
    git(world.folder / "outer", "tag", recipe.source.tag)
    there = replace(recipe.source, location=f"file://{world.folder}/outer", commit=world.commit)
    identity = identify(there, run=run, environ=ENVIRON)
    assert identity == f"git:{world.commit}"
    to = tmp_path / "source"
    obtain(there, to, identity=identity, run=run, environ=ENVIRON, fetch=_none, cache=tmp_path / "cache")
    assert (to / "third_party/middle/third_party/inner/inner.txt").is_file()
    assert git(to, "rev-parse", "HEAD") == world.commit
