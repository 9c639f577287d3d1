"""What a plan is made for: a CPU architecture, a Python, a GPU's compute capability."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from scripts.errors import UsageError


class Architecture(StrEnum):
    """CPU architectures with CUDA wheels of torch, named as `uname -m` names them."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Read `--platform`; `arm64` and `amd64` are taken for what they mean."""
        aliases = {"arm64": cls.AARCH64, "amd64": cls.X86_64}
        name = text.strip().lower()
        if name in aliases:
            return aliases[name]
        try:
            return cls(name)
        except ValueError:
            raise UsageError(
                f"unknown platform {text!r}",
                reference="unknown-platform",
                hint=f"choose one of: {', '.join(cls)}",
            ) from None


@dataclass(frozen=True, order=True)
class ComputeCapability:
    """A GPU's compute capability, as NVIDIA counts it: GB10 is 12.1."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ComputeCapability:
        """Read `12.1`. Names of architectures (`sm_121`, `12.1a`) are no capabilities of a GPU, and `12` is not 1.2."""
        match = re.fullmatch(r"(\d{1,2})\.(\d)", text.strip())
        if match is None:
            raise UsageError(
                f"{text!r} is no compute capability",
                reference="bad-compute-capability",
                hint=f"write it as NVIDIA does, major.minor: --sm {_meant(text) or '12.1 for GB10'}",
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """`12.1`."""
        return f"{self.major}.{self.minor}"

    @property
    def sm(self) -> str:
        """`sm_121`: what the Jiterator passes to NVRTC as --gpu-architecture."""
        return f"sm_{self.major}{self.minor}"


def _meant(text: str) -> str | None:
    """Guess the capability that the name of an architecture speaks of: `12.1` of `sm_121`, `121` and `12.1a`."""
    match = re.fullmatch(r"(?:(?:sm|compute)_?)?(1\d|[3-9])\.?(\d)[af]?", text.strip().lower())
    return f"{match[1]}.{match[2]}" if match else None


GB10 = ComputeCapability(12, 1)


@dataclass(frozen=True, order=True)
class PythonVersion:
    """A Python minor version, `3.12`."""

    major: int
    minor: int

    def __str__(self) -> str:
        """`3.12`."""
        return f"{self.major}.{self.minor}"

    @property
    def tag(self) -> str:
        """`cp312`."""
        return f"cp{self.major}{self.minor}"

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """Read `3.12`, `3.12.1` or `cp312`."""
        match = re.fullmatch(r"(?:cp)?(\d)\.?(\d{1,2})(?:\.\d+)?", text.strip())
        if match is None:
            raise UsageError(
                f"{text!r} is no Python version",
                reference="bad-python-version",
                hint=f"choose one of: {', '.join(map(str, SUPPORTED_PYTHONS))}",
            )
        return cls(int(match[1]), int(match[2]))


# kokoro 0.9.4 declares <3.13 and misaki[en] blocks 3.13; DGX OS ships 3.12. Best first.
SUPPORTED_PYTHONS = (PythonVersion(3, 12), PythonVersion(3, 11), PythonVersion(3, 10))


@dataclass(frozen=True)
class Target:
    """The machine that wheels are chosen for. `glibc` is (2, 39) on DGX OS."""

    architecture: Architecture
    python: PythonVersion
    glibc: tuple[int, int]

    def __str__(self) -> str:
        """`cp312 linux aarch64 glibc 2.39`."""
        return f"{self.python.tag} linux {self.architecture} glibc {self.glibc[0]}.{self.glibc[1]}"
