"""The ways to run Kokoro, and how an application switches each of them on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Engine(StrEnum):
    """What computes a mode."""

    TORCH = "torch"
    ONNX = "onnx"


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One way to run Kokoro."""

    name: str
    """As `invoke bench --modes` and the column `mode` have it."""
    about: str
    switch: str
    """How an application switches it on: lines of Python, or a command."""
    engine: Engine = Engine.TORCH
    dtypes: tuple[str, ...] = ("float32",)
    """What it can compute in, the default first; ONNX is what its file is."""
    offered: bool = True
    """False: measured to show what it does, not to be used."""
    same_code_as: str | None = None
    """The mode whose code it runs where no kernel is compiled at run time: on a CPU the two are one."""


MODES = (
    Mode(
        name="stock",
        about="Kokoro as it is; on a GPU it needs an NVRTC that knows the architecture",
        switch='model = KModel(repo_id="hexgrad/Kokoro-82M").eval()',
    ),
    Mode(
        name="bridge",
        about="the full patch of TorchSTFT: no kernel is compiled at run time",
        switch="from kokoro_spark import bridge\nbridge.enable()",
    ),
    Mode(
        name="bridge-transform-only",
        about="the research note's patch: inverse still fails where transform did",
        switch="no switch: it is not enough",
        offered=False,
    ),
    Mode(
        name="disable_complex",
        about="Kokoro's own STFT without complex numbers: another sound, louder and darker",
        switch='model = KModel(repo_id="hexgrad/Kokoro-82M", disable_complex=True).eval()',
        offered=False,
    ),
    Mode(
        name="nvrtc-override",
        about="stock Kokoro with NVRTC 12.9 in the place of an older one",
        switch="invoke setup --strategy nvrtc-override",
        same_code_as="stock",
    ),
    Mode(
        name="onnx",
        about="kokoro-onnx with the int8 export; no torch",
        switch="invoke setup --strategy onnx",
        engine=Engine.ONNX,
        dtypes=("int8",),
    ),
    Mode(
        name="tuned",
        about="the same voice, faster: folded weights, fused passes that stay in the cache",
        switch="from kokoro_spark import tuned\nmodel = tuned(model)",
        dtypes=("float32", "bfloat16"),
    ),
    Mode(
        name="batched",
        about="many utterances at once, each as it would be alone",
        switch="from kokoro_spark import batched\nsounds = batched(model).forward_batch(utterances)",
    ),
)
"""All of them, in the order in which they are shown."""


def mode_named(name: str) -> Mode | None:
    """Find a mode by its name; None: there is none."""
    return next((mode for mode in MODES if mode.name == name), None)
