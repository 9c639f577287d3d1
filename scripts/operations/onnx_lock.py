"""The locks of `onnx`: which files there are, and the text of each. `invoke lock` writes them with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion
from scripts.operations.compiling import compile_lock
from scripts.operations.context import Context
from scripts.strategies.locks import lock_filename
from scripts.strategies.onnx import GPU_MANYLINUX, LOWEST_GPU_PYTHON, Build


@dataclass(frozen=True, kw_only=True)
class OnnxLock:
    """One file to be."""

    build: Build
    architecture: Architecture
    python: PythonVersion

    @property
    def name(self) -> str:
        """The file in constraints/."""
        return lock_filename(self.build.part, self.architecture, self.python)


def onnx_locks() -> tuple[OnnxLock, ...]:
    """List every file."""
    return tuple(
        OnnxLock(build=build, architecture=architecture, python=python)
        for build in Build
        for architecture in Architecture
        for python in SUPPORTED_PYTHONS
        if build is Build.CPU or python >= LOWEST_GPU_PYTHON
    )


def onnx_lock_texts(context: Context, *, exclude_newer: str, only: str | None) -> Iterator[tuple[str, str]]:
    """Give name and text of each file whose name starts with `only`. Raises what uv's failure means."""
    for one in onnx_locks():
        if only is None or one.name.startswith(only):
            yield one.name, compile_onnx(one, context, exclude_newer=exclude_newer)


def compile_onnx(one: OnnxLock, context: Context, *, exclude_newer: str) -> str:
    """Resolve one. onnxruntime stays out of the GPU's: it would lie over onnxruntime-gpu's files, or under them."""
    return compile_lock(
        (context.constraints / f"{one.build.part}.in").read_text(encoding="utf-8").splitlines(),
        dropping=[Build.CPU.package] if one.build is Build.GPU else [],
        architecture=one.architecture,
        python=one.python,
        index=None,
        exclude_newer=exclude_newer,
        context=context,
        doing=f"resolving ONNX Runtime's {one.build} build for {one.architecture} {one.python.tag}",
        manylinux=GPU_MANYLINUX[one.architecture] if one.build is Build.GPU else "2_28",
    )
