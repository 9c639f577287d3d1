"""wheel.build with real compilers: what goes wrong on the way to the wheelhouse, and that the next run succeeds."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from scripts.errors import BuildError, DiskError, IntegrityError, UsageError
from scripts.home import Home
from scripts.model.builds import AttemptOutcome
from scripts.operations.context import Context
from scripts.operations.wheel_build import build_wheel
from tests.builds.conftest import RECIPE, Builder, unit

pytestmark = pytest.mark.builds


def with_environment(builder: Builder, **variables: str) -> Builder:
    context = Context(home=builder.context.home, environ={**os.environ, **variables})
    return dataclasses.replace(builder, context=context)


def test_built_then_found(tiny: Builder) -> None:
    first = tiny.build()
    assert (first.found, first.published.project, first.published.version) == (False, "tiny", "1.0")
    assert [one.outcome for one in first.attempts] == [AttemptOutcome.DONE]
    assert Path(first.path).is_file()
    again = tiny.build()
    assert (again.found, again.published, again.attempts) == (True, first.published, ())


def test_the_compiler_cache_is_used(tiny: Builder) -> None:
    first, again = tiny.build(), tiny.build(rebuild=True)
    assert first.cache is not None
    assert again.cache is not None
    assert (first.cache.hits, first.cache.misses) == (0, 4)
    assert (again.cache.hits, again.cache.misses) == (4, 0)


def test_a_rebuild_is_the_same_wheel(tiny: Builder) -> None:
    assert tiny.build().published == tiny.build(rebuild=True).published


def test_another_source_of_the_same_name_is_refused(tiny: Builder) -> None:
    first = tiny.build()
    (tiny.source / "unit_0.c").write_text("/* changed */\n" + unit(0))
    error = tiny.refused(BuildError, "same-name")
    assert first.published.stamp in error.context
    assert Path(first.path).is_file()


def test_nothing_is_built_in_the_users_folder(tiny: Builder) -> None:
    before = sorted(tiny.source.rglob("*"))
    tiny.build()
    assert sorted(tiny.source.rglob("*")) == before


def test_a_compiler_error_and_its_mending(tiny: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny.source / "unit_1.c").write_text("int unit_1(void) { return nowhere; }\n")
    error = tiny.refused(BuildError, "compile-failed")
    assert "unit_1.c" in error.context
    assert "undeclared" in error.context
    assert "first error" in capsys.readouterr().err
    (tiny.source / "unit_1.c").write_text(unit(1))
    assert not tiny.build().found


def test_a_wheel_that_does_not_import_is_not_published(tiny: Builder) -> None:
    (tiny.source / "tiny" / "__init__.py").write_text("raise RuntimeError('not like this')\n")
    assert "not like this" in tiny.refused(BuildError, "trial-failed").context
    (tiny.source / "tiny" / "__init__.py").write_text("")
    assert not tiny.build().found


@pytest.mark.parametrize("sm", ["12.1f", "sm_121", "banana", "", "12.1a;12.1a", "8.6a"])
def test_architectures_that_cannot_be(tiny: Builder, sm: str) -> None:
    error = tiny.refused(UsageError, "bad-arch", sm=sm)
    assert "--sm 12.1" in error.hint or "--sm 8.6" in error.hint
    assert not tiny.build().found


def test_a_list_in_the_environment_that_says_something_else(tiny: Builder) -> None:
    other = with_environment(tiny, TORCH_CUDA_ARCH_LIST="9.0")
    assert "9.0" in other.refused(UsageError, "arch-contradiction", sm="12.1a").message
    assert not with_environment(tiny, TORCH_CUDA_ARCH_LIST="12.1a").build(sm="12.1a").found


def archive_recipe(tiny: Builder, sha256: str) -> Path:
    archive = tiny.recipe.parent / "tiny-1.0.tar.gz"
    if not archive.is_file():
        shutil.make_archive(str(archive).removesuffix(".tar.gz"), "gztar", tiny.source.parent, "source")
    text = RECIPE % {"name": "tiny", "imports": "tiny._tiny"}
    source = f'kind = "archive"\nlocation = "{archive.name}"\nsha256 = "{sha256}"'
    tiny.recipe.write_text(text.replace('kind = "folder"\nlocation = "source"', source))
    return archive


def test_an_archive_with_another_hash(tiny: Builder) -> None:
    archive = archive_recipe(tiny, "0" * 64)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    error = tiny.refused(IntegrityError, "hash-mismatch")
    assert "0" * 64 in error.context
    assert found in error.context
    archive_recipe(tiny, found)
    assert not tiny.build().found


@pytest.mark.parametrize("variables", [{"CXX": "no-such-compiler"}, {"CC": "ccache gcc"}])
def test_a_compiler_that_is_none(tiny: Builder, variables: dict[str, str]) -> None:
    with_environment(tiny, **variables).refused(UsageError, "bad-compiler")
    assert not tiny.build().found


def test_no_compiler_at_all(tiny: Builder, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("sh", "uname", "env"):
        (bare / name).symlink_to(shutil.which(name) or "/bin/sh")
    error = with_environment(tiny, PATH=str(bare)).refused(BuildError, "not-ready")
    assert "no C++ compiler" in error.message
    assert "install" in error.hint
    assert not tiny.build().found


@pytest.mark.parametrize("flag", ["CFLAGS", "LDFLAGS", "MAX_JOBS"])
def test_the_callers_flags_stay_out(tiny: Builder, flag: str) -> None:
    result = with_environment(tiny, **{flag: "-not-a-flag"}).build()
    assert any(flag in note for note in result.notes)


def test_damaged_entries_of_the_compiler_cache(tiny: Builder) -> None:
    tiny.build()
    cache = tiny.context.home.compiler_cache
    entries = [
        path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 100 and path.name[0] != "c"
    ]
    assert entries
    for path in entries:
        path.chmod(0o644)
        path.write_bytes(b"rubbish" * 100)
    assert not tiny.build(rebuild=True).found


def test_a_compiler_cache_that_cannot_be_written(tiny: Builder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    other = with_environment(tiny, CCACHE_DIR=str(tmp_path / "file"))
    with pytest.raises(BuildError) as caught:
        build_wheel(other.request(), other.context)
    assert "ccache" in str(caught.value)
    assert not tiny.build().found


def test_a_wheel_that_was_cut_off_in_the_wheelhouse_is_built_again(tiny: Builder) -> None:
    first = tiny.build()
    wheel = Path(first.path)
    wheel.write_bytes(wheel.read_bytes()[:100])
    again = tiny.build()
    assert (again.found, again.published) == (False, first.published)


def test_a_shared_wheelhouse_answers_another_machine(tiny: Builder, tmp_path: Path) -> None:
    shared = str(tmp_path / "shared")
    first = with_environment(tiny, KOKORO_SPARK_WHEELHOUSE=shared).build()
    other = Context(home=Home(root=tmp_path / "other"), environ={**os.environ, "KOKORO_SPARK_WHEELHOUSE": shared})
    again = build_wheel(tiny.request(), other)
    assert (again.found, again.published) == (True, first.published)
    assert not other.home.builds.exists()


def test_a_shared_compiler_cache_serves_another_machine(tiny: Builder, tmp_path: Path) -> None:
    """ccache's own remote storage, here a folder: the second machine's own cache is empty."""
    shared = {"CCACHE_REMOTE_STORAGE": f"file:{tmp_path / 'remote'}"}
    first = with_environment(tiny, CCACHE_DIR=str(tmp_path / "one"), **shared).build()
    again = with_environment(tiny, CCACHE_DIR=str(tmp_path / "two"), **shared).build(rebuild=True)
    assert first.cache is not None
    assert again.cache is not None
    assert (first.cache.hits, first.cache.misses, again.cache.hits, again.cache.misses) == (0, 4, 4, 0)


def test_a_wheelhouse_that_cannot_be_written_is_told_before_the_build(tiny: Builder, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tiny.refused(DiskError, "not-writable", wheelhouse=str(tmp_path / "file" / "wheelhouse"))
    assert tiny.log() == ""
    assert not tiny.build().found
