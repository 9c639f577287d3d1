"""The settings that people try against the NVRTC error, as values, and what each did. Pure.

What is asked is questions Q4, Q7, Q8, Q10, Q11 and Q12 of the research note (docs/questions.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 1
TORCH = "2.9.1"
"""A release that has device code for a GB10 and loads NVRTC 12.8, which does not know it."""
NEWER = "12.9.86"
"""An NVRTC that does: where a newer one is to be found, and to fill a kernel cache."""
WORKS = "works"


class Filler(StrEnum):
    """Who filled a kernel cache: torch itself, on another simulated device or with another NVRTC."""

    NEWER = "newer"
    """The same torch with the newer NVRTC, for the same device."""
    DESKTOP = "desktop"
    """The same torch with its own NVRTC, for capability 12.0."""


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What lies in the Jiterator's kernel cache when the process starts."""

    filler: Filler
    rename: tuple[str, str] | None = None
    """A part of the files' names, and what it is changed to; None: they keep their names."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing to set. `{newer}` in a variable is the folder of the newer NVRTC, `{toolkit}` one of a toolkit."""

    question: str
    """`Q4` of the research note; empty: asked by nobody, for comparison."""
    label: str
    environ: dict[str, str] = field(default_factory=dict)
    python: str = "nothing"
    """The setting of inside/settings_probe.py."""
    cache: Filling | None = None
    """None: it is empty."""


SETTINGS = (
    Setting(question="", label="nothing"),
    Setting(
        question="Q4",
        label="`PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True`",
        environ={"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"},
    ),
    Setting(
        question="Q4",
        label="`PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128`",
        environ={"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128"},
    ),
    Setting(question="Q8", label="`allow_tf32 = True` of cuBLAS and of cuDNN", python="allow_tf32"),
    Setting(question="Q8", label="`NVIDIA_TF32_OVERRIDE=1`", environ={"NVIDIA_TF32_OVERRIDE": "1"}),
    Setting(
        question="Q10",
        label="`CUDA_HOME`, to a folder that holds NVRTC 12.9",
        environ={"CUDA_HOME": "{toolkit}", "CUDA_PATH": "{toolkit}"},
    ),
    Setting(
        question="Q10",
        label="`NVRTC_FLAGS=--gpu-architecture=sm_120`",
        environ={"NVRTC_FLAGS": "--gpu-architecture=sm_120"},
    ),
    Setting(question="Q10", label="`TORCH_CUDA_ARCH_LIST=12.1a`", environ={"TORCH_CUDA_ARCH_LIST": "12.1a"}),
    Setting(
        question="Q10",
        label="`LD_LIBRARY_PATH`, to the folder of NVRTC 12.9",
        environ={"LD_LIBRARY_PATH": "{newer}"},
    ),
    Setting(question="Q11", label="`torch.cuda.set_device(0)`", python="set_device"),
    Setting(question="Q11", label="`get_device_capability` patched to say (9, 0)", python="spoof"),
    Setting(question="Q12", label="`PYTORCH_JIT=0`", environ={"PYTORCH_JIT": "0"}),
    Setting(question="Q7", label="a kernel cache that NVRTC 12.9 filled", cache=Filling(filler=Filler.NEWER)),
    Setting(
        question="Q7",
        label="the same cache, its files renamed from `nvrtc12.9` to `nvrtc12.8`",
        cache=Filling(filler=Filler.NEWER, rename=("_nvrtc12.9_", "_nvrtc12.8_")),
    ),
    Setting(
        question="Q7",
        label="a kernel cache that the same NVRTC 12.8 filled on capability 12.0",
        cache=Filling(filler=Filler.DESKTOP),
    ),
    Setting(
        question="Q7",
        label="the same cache, its files renamed from `arch12.0` to `arch12.1`",
        cache=Filling(filler=Filler.DESKTOP, rename=("_arch12.0_", "_arch12.1_")),
    ),
)


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    """What was seen with one setting."""

    question: str
    label: str
    endings: dict[str, str]
    """Operation to `works`, or the cause of its failure."""
    telling: str
    """The line of the first error that tells; empty where all work."""
    nvrtc: str | None
    """The release that torch had loaded, `12.8`; None: it loaded none."""
    kernels: tuple[str, ...]
    """The files in the kernel cache afterwards."""

    @property
    def works(self) -> bool:
        """All of Kokoro's operations ran."""
        return set(self.endings.values()) == {WORKS}


@dataclass(frozen=True, kw_only=True)
class SettingsTable:
    """Every row. Simulated: nothing in it is verified on hardware."""

    schema: int = SCHEMA
    simulated: bool = True
    torch: str
    device: str
    created: str
    """ISO date."""
    rows: tuple[SettingRow, ...]


def renamed(kernel: str, filling: Filling) -> str:
    """Give the name of one file of a filled cache as the process finds it."""
    return kernel if filling.rename is None else kernel.replace(*filling.rename)


def settings_lines(table: SettingsTable) -> list[str]:
    """Write the table as Markdown."""
    lines = ["| Asked in | Set | abs, angle, exp | NVRTC loaded | Effect |", "|---|---|---|---|---|"]
    for row in table.rows:
        cells = [row.question or "–", row.label, _seen(row), row.nvrtc or "none", _effect(row, table.rows[0])]  # noqa: RUF001
        lines.append(f"| {' | '.join(cells)} |")
    told = (
        f"SIMULATED: the {table.device} is not there; real are torch {table.torch} and its NVRTC; one process for "
        f"each row, run {table.created}. Nothing here is verified on hardware."
    )
    return [*lines, "", told]


def _seen(row: SettingRow) -> str:
    endings = list(dict.fromkeys(row.endings.values()))
    if row.works:
        return "all work"
    if len(endings) == 1:
        return f"all fail: {endings[0]}"
    return ", ".join(f"{operation}: {ending}" for operation, ending in row.endings.items())


def _effect(row: SettingRow, nothing: SettingRow) -> str:
    if row is nothing:
        return "the error that the note quotes"
    return "none" if row.endings == nothing.endings else "it helps" if row.works else "another failure"
