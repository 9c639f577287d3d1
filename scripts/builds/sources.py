"""Sources: named without fetching them, then laid into the build's folder, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import assert_never

from scripts.builds.archives import require_hash, unpack
from scripts.builds.git_source import obtain_git, require_submodules
from scripts.builds.tree import copy_tree, tree_digest
from scripts.disk import disk_errors, write_whole
from scripts.errors import UsageError
from scripts.model.recipes import SourceKind, SourceSpec
from scripts.shell import Runner

FetchSource = Callable[[SourceSpec, Path], Path]
"""(spec, cache): bring an sdist or a remote archive here, checked by its hash."""
_MARK = ".kokoro-spark-source"
"""Beside a source that is whole: what it is of."""


def identify(spec: SourceSpec, *, run: Runner, environ: Mapping[str, str]) -> str:
    """Name a source by its content: `git:<commit>`, `sha256:<hex>`, `tree:<hex>`. Nothing is fetched.

    Raises UsageError for a folder or an archive that is not there or cannot be read, BuildError (missing-submodule).
    """
    match spec.kind:
        case SourceKind.GIT:
            return f"git:{spec.commit}"
        case SourceKind.SDIST | SourceKind.ARCHIVE:
            return f"sha256:{spec.sha256}"
        case SourceKind.FOLDER:
            folder = Path(spec.location)
            if not folder.is_dir():
                raise _not_there(folder)
            if (folder / ".git").exists():
                require_submodules(folder, run=run, environ=environ)
            return f"tree:{tree_digest(folder)}"
        case _:
            assert_never(spec.kind)


def obtain(
    spec: SourceSpec,
    to: Path,
    *,
    identity: str,
    run: Runner,
    environ: Mapping[str, str],
    fetch: FetchSource,
    cache: Path,
) -> bool:
    """Lay the source into `to`, unless it is there, whole, from an earlier run; the value says whether it was.

    Raises what its kind raises: see git_source.py, archives.py, tree.py.
    """
    mark = to.parent / f"{to.name}{_MARK}"
    if to.is_dir() and mark.is_file() and mark.read_text(encoding="utf-8") == identity:
        return True
    making = to.with_name(f"{to.name}.making")
    with disk_errors(to):
        mark.unlink(missing_ok=True)
        for half in (making, to, to.with_name(f"{making.name}.top")):
            if half.exists():
                shutil.rmtree(half)
        making.parent.mkdir(parents=True, exist_ok=True)
    match spec.kind:
        case SourceKind.GIT:
            obtain_git(spec, making, run=run, environ=environ, cache=cache)
        case SourceKind.SDIST | SourceKind.ARCHIVE:
            archive = Path(spec.location)
            if spec.kind is SourceKind.SDIST or "://" in spec.location:
                archive = fetch(spec, cache)
            elif not archive.is_file():
                raise _not_there(archive)
            require_hash(archive, spec.sha256)
            unpack(archive, making)
        case SourceKind.FOLDER:
            copy_tree(Path(spec.location), making)
        case _:
            assert_never(spec.kind)
    with disk_errors(to):
        making.rename(to)
    return False


def mark_whole(to: Path, identity: str) -> None:
    """Say that a source is whole, its patches applied. Raises DiskError."""
    write_whole(to.parent / f"{to.name}{_MARK}", identity)


def _not_there(path: Path) -> UsageError:
    return UsageError(
        f"the source {path} is not there",
        reference="no-such-file",
        hint="the recipe's source.location names it, from where the recipe lies",
    )
