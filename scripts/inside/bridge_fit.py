"""Does the bridge fit a release of kokoro? Told from its istftnet.py, which is compiled and never run.

Any Python will do: neither torch nor kokoro is needed.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import CodeType
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.runtime import bridge

_CLASS = "TorchSTFT"


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Judge the file `path`: `fits`, and `why` it does not ("" where it does).

    Raises ProbeFailure where this Python cannot compile it: that says nothing of the bridge.
    """
    path = Path(str(request["path"]))
    try:
        tree = ast.parse(path.read_bytes(), path.name)
        module = compile(tree, path.name, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        raise ProbeFailure(f"{path.name} cannot be compiled: {error}") from error
    why = _why_not(tree, module)
    return {"fits": why is None, "why": why or ""}


def _why_not(tree: ast.Module, module: CodeType) -> str | None:
    body = _last(module, _CLASS, function=False)
    if body is None:
        return f"it has no class {_CLASS}"
    methods = {name: code for name in bridge.METHODS if (code := _last(body, name, function=True)) is not None}
    return bridge.misfit(methods) or _decorated(tree, set(methods))


def _last(code: CodeType, name: str, *, function: bool) -> CodeType | None:
    """Find the code of a function, or of a class's body, defined in `code`: the last one is the one that holds."""
    found = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
    # A function's variables have slots; a class's body keeps its own in a dictionary.
    found = [one for one in found if bool(one.co_flags & inspect.CO_OPTIMIZED) is function]
    return found[-1] if found else None


def _decorated(tree: ast.Module, methods: set[str]) -> str | None:
    """Say which method stands behind a decorator: what the class has then is not that code."""
    for stft in ast.walk(tree):
        if isinstance(stft, ast.ClassDef) and stft.name == _CLASS:
            for node in stft.body:
                if isinstance(node, ast.FunctionDef) and node.name in methods and node.decorator_list:
                    return f"{_CLASS}.{node.name} is decorated"
    return None
