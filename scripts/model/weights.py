"""Kokoro's weights and voices, as they lie on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from scripts.model.plan import WeightsSource

WEIGHTS_SCHEMA = 1
WEIGHTS_RECORD = "weights.json"
CHECKPOINT_NAME = "kokoro-v1_0.pth"
CONFIG_NAME = "config.json"
ONNX_NAME = "model.onnx"
VOICES_NAME = "voices"
SYNTHETIC_NAME = "synthetic"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file of a weights folder; `path` is relative, with slashes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class WeightsRecord:
    """The record `weights.json` inside a weights folder. It is written last: its presence says that all is there."""

    schema: int
    tool: str
    """Always `kokoro-spark`."""
    source: WeightsSource
    label: str
    """What these weights are, in words: shown wherever their results are shown."""
    created: str
    """ISO 8601, UTC."""
    files: tuple[WeightsFile, ...]
    licences: tuple[str, ...] = ()
    content_sha256: str | None = None
    """Hash of the tensors apart from the file around them; None: not counted."""


@dataclass(frozen=True, kw_only=True)
class WeightsFolder:
    """A whole folder `weights/<source>-<digest>/`: checkpoint, configuration, voices, record.

    One for ONNX Runtime, `weights/onnx-<digest>/`, has a model with its graph instead of checkpoint and configuration.
    """

    path: Path
    record: WeightsRecord

    @property
    def name(self) -> str:
        """The folder's name: what an environment's record holds."""
        return self.path.name

    @property
    def source(self) -> WeightsSource:
        """Where they came from."""
        return self.record.source

    @property
    def label(self) -> str:
        """What they are, in words."""
        return self.record.label

    @property
    def is_onnx(self) -> bool:
        """Tell whether it is for ONNX Runtime."""
        return any(file.path == ONNX_NAME for file in self.record.files)

    @property
    def onnx_model(self) -> Path:
        """The graph and its parameters, where it is for ONNX Runtime."""
        return self.path / ONNX_NAME

    @property
    def checkpoint(self) -> Path:
        """The model's parameters."""
        return self.path / CHECKPOINT_NAME

    @property
    def config(self) -> Path:
        """The model's configuration."""
        return self.path / CONFIG_NAME

    @property
    def voices_folder(self) -> Path:
        """Holds NAME.pt for each voice; NAME.npy where it is for ONNX Runtime."""
        return self.path / VOICES_NAME

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of its voices, sorted."""
        paths = (PurePosixPath(file.path) for file in self.record.files)
        return tuple(sorted(path.stem for path in paths if path.parts[0] == VOICES_NAME))


@dataclass(frozen=True, kw_only=True)
class SyntheticWeights:
    """The full architecture with seeded random weights: made in memory, nothing on disk but the configuration."""

    label: str
    config: Path
    seed: int
    voices: tuple[str, ...]
    """Names that are accepted. All are the same random voice."""

    @property
    def name(self) -> str:
        """What an environment's record holds."""
        return SYNTHETIC_NAME

    @property
    def source(self) -> WeightsSource:
        """Where they came from."""
        return WeightsSource.SYNTHETIC


Weights: TypeAlias = WeightsFolder | SyntheticWeights
