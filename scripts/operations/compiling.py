"""Have uv resolve a set of requirements into a lock's text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.environments.uv import failure, only_from
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.context import Context
from scripts.progress import step
from scripts.strategies.locks import compile_arguments, dropping_overrides, universal_arguments


def compile_lock(
    requirements: Iterable[str],
    *,
    dropping: Iterable[str],
    architecture: Architecture,
    python: PythonVersion,
    index: str | None,
    exclude_newer: str | None,
    context: Context,
    doing: str,
    options: Sequence[str] = (),
    manylinux: str = "2_28",
) -> str:
    """Resolve `requirements` from one index alone, leaving out every name of `dropping`.

    `manylinux` is the level that the target's glibc takes. Returns the requirements text with hashes, without header.
    Raises what uv's failure means.
    """
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-lock-") as name:
        folder = Path(name)
        (folder / "in.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
        (folder / "overrides.txt").write_text(dropping_overrides(dropping), encoding="utf-8")
        arguments = compile_arguments(
            architecture=architecture, python=python, exclude_newer=exclude_newer, manylinux=manylinux
        )
        return _compile(
            folder / "in.txt",
            [*arguments, *options, "--override", str(folder / "overrides.txt")],
            index=index,
            context=context,
            doing=doing,
        )


def compile_universal(
    source: Path,
    *,
    python: PythonVersion,
    present: Iterable[str],
    exclude_newer: str | None,
    context: Context,
) -> str:
    """Resolve an input file of constraints/ for every platform and Python from `python` on."""
    arguments = universal_arguments(python=python, exclude_newer=exclude_newer, present=present)
    return _compile(source, arguments, index=None, context=context, doing=f"resolving {source.name}")


def _compile(source: Path, arguments: Sequence[str], *, index: str | None, context: Context, doing: str) -> str:
    """Resolve into a fresh file: uv prefers the pins of an old one."""
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-lock-") as name, step(doing):
        fresh = Path(name) / "out.txt"
        done = context.run(
            [context.uv, "pip", "compile", *arguments, "--output-file", str(fresh), str(source)],
            env=only_from(index, context.uv_environ),
            cwd=source.parent,
        )
        if not done.ok:
            raise failure(done.stderr, doing=doing)
        return fresh.read_text(encoding="utf-8")
