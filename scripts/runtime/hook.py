"""The bridge without a line in the application: enabled when Kokoro is imported, by a .pth file in site-packages.

`kokoro_spark_bridge.pth` (written by `invoke bridge.enable`) calls `install` whenever the environment's interpreter
starts, also under `python -I`; not under -S, which reads no .pth file. All that happens then is that a finder is put
before the others. It knows one module, `kokoro.istftnet`, and enables the bridge once that has been executed, so that
neither torch nor Kokoro is imported by an application that does not do it itself.

A Kokoro whose source is none of known_sources.json's is left as it is, and a line on stderr says so; so does any other
failure of ours. Nothing here ends an application. `KOKORO_SPARK_BRIDGE=off` switches the hook off for a process.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes 15 ms, which every start of the interpreter would pay for
    from typing import Any

__all__ = ["MODULE", "SWITCH", "install", "status", "switch_off"]

MODULE = "kokoro.istftnet"
SWITCH = "KOKORO_SPARK_BRIDGE"
_OFF = frozenset({"0", "off", "no", "false"})
_KNOWN = "known_sources.json"
_REMEDY = f"`invoke bridge.disable` takes the hook away, {SWITCH}=off does so for one process"


class BridgeFinder:
    """A meta path finder for kokoro.istftnet alone. What it finds, the finders behind it have found."""

    kokoro_spark_bridge = True
    """By this any copy of this module knows it."""

    def __init__(self) -> None:
        self.bridged = False
        """Whether it was this finder that enabled the bridge."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Give the spec of the others, with a loader that enables the bridge; None for any other module."""
        if fullname != MODULE:
            return None
        spec = _found_by_others(self, fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _BridgingLoader(spec.loader, self)
        return spec


class _BridgingLoader:
    """A module's own loader, and the bridge after it."""

    def __init__(self, loader: Any, finder: BridgeFinder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        """Be the module's own loader in all else: get_source, get_filename, ..."""
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        """As the module's own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Execute the module, then enable the bridge. What the module itself raises is the application's."""
        module.__spec__.loader = module.__loader__ = self._loader  # whoever asks later meets the module's own
        self._loader.exec_module(module)
        _say_what_fails(lambda: _enable(module, self._finder))


def install() -> None:
    """Put the finder before the others, once, unless KOKORO_SPARK_BRIDGE says off. Imports nothing, raises nothing."""

    def put() -> None:
        if not is_switched_off() and _finder() is None:
            sys.meta_path.insert(0, BridgeFinder())

    _say_what_fails(put)


def is_switched_off() -> bool:
    """Tell whether the variable KOKORO_SPARK_BRIDGE switches the hook off in this process."""
    return os.environ.get(SWITCH, "").strip().lower() in _OFF


def switch_off() -> bool:
    """Take the hook away in this process, and the bridge where the hook enabled it; True: it was there.

    A bridge that the application enabled itself stays.
    """
    finder = _finder()
    if finder is None:
        return False
    sys.meta_path.remove(finder)
    if finder.bridged:
        from . import bridge

        bridge.disable()
    return True


def status() -> dict[str, Any]:
    """Tell of this process: `installed` (the finder is there), `bridged` (it enabled the bridge), `switched_off`."""
    finder = _finder()
    return {
        "installed": finder is not None,
        "bridged": finder is not None and finder.bridged,
        "switched_off": is_switched_off(),
    }


def _finder() -> Any:
    """Find the finder that is in place, by whichever copy of this module."""
    return next((one for one in sys.meta_path if getattr(one, "kokoro_spark_bridge", False) is True), None)


def _found_by_others(own: Any, fullname: str, path: Any, target: Any) -> Any:
    for finder in sys.meta_path:
        find = None if finder is own else getattr(finder, "find_spec", None)
        spec = None if find is None else find(fullname, path, target)
        if spec is not None:
            return spec
    return None


def _enable(module: Any, finder: BridgeFinder) -> None:
    """Enable the bridge where the module's source is one that it is known to fit."""
    from . import bridge

    unknown = _unknown_source(module.__spec__.origin)
    if unknown is not None:
        _say(unknown)
        return
    before = bridge.is_active()
    bridge.enable()
    finder.bridged = not before


def _unknown_source(path: Any) -> str | None:
    """Say that the source file is none of the known ones, and what to do; None: it is one."""
    import hashlib
    import json
    from importlib import metadata

    with open(str(path), "rb") as stream:  # noqa: PTH123 - pathlib is not imported for one file
        digest = hashlib.sha256(stream.read()).hexdigest()
    with open(os.path.join(os.path.dirname(__file__), _KNOWN), encoding="utf-8") as stream:  # noqa: PTH118, PTH120, PTH123
        known = json.load(stream)["sources"]
    if digest in known:
        return None
    try:
        version = metadata.version("kokoro")
    except metadata.PackageNotFoundError:
        version = "(version unknown)"
    made_for = ", ".join(sorted(set(known.values())))
    return (
        f"the bridge is not enabled: kokoro {version} has an istftnet.py that it does not know (sha256 {digest}; known "
        f"is that of {made_for}), so Kokoro runs as it is. Install kokoro {made_for} or a newer kokoro-spark; {_REMEDY}"
    )


def _say_what_fails(work: Any) -> None:
    """Do it; say what goes wrong in one line: an application is not ended by a hook."""
    try:
        work()
    except Exception as error:  # noqa: BLE001
        words = " ".join(f"{type(error).__name__}: {error}".split())
        _say(f"the bridge is not enabled: {words}; Kokoro runs as it is. {_REMEDY}")


def _say(text: str) -> None:
    """Write a line on stderr, which an application may have closed."""
    try:
        sys.stderr.write(f"kokoro_spark: {text}\n")
    except Exception:  # noqa: BLE001 - there is nobody to tell
        return
