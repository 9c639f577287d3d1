"""How Kokoro did in one mode on one device: its run, its cause of failure and its sound, put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.model.evidence import Observation, Outcome, Reason
from scripts.verification.causes import Cause, brief, cause_of
from scripts.verification.evidence import KOKORO_OPERATIONS, Evidence, kokoro_name, sound_name
from scripts.verification.sound import GPU_SNR_DB, Sound, describe, quality


@dataclass(frozen=True, kw_only=True)
class Run:
    """One mode on one device."""

    name: str
    observation: Observation | None
    cause: Cause | None
    sound: Sound
    told: str

    @classmethod
    def on_gpu(cls, evidence: Evidence, mode: str) -> Run:
        """Look up a mode's run on the GPU, with its sound against stock Kokoro on the CPU."""
        observation = evidence.get(kokoro_name(mode, "cuda"))
        comparison = evidence.get(sound_name(mode, "cuda"))
        sound = quality(comparison, threshold_db=GPU_SNR_DB)
        told = "" if comparison is None else describe(comparison)
        cause = None if observation is None else cause_of(observation)
        return cls(name=kokoro_name(mode, "cuda"), observation=observation, cause=cause, sound=sound, told=told)

    @property
    def present(self) -> bool:
        """It was tried, and nothing outside ended it: a kill or a full memory says nothing about Kokoro."""
        return (
            self.observation is not None
            and self.observation.outcome is not Outcome.SKIPPED
            and not (self.cause is not None and self.cause.is_from_outside)
        )

    @property
    def right(self) -> bool:
        """It ran on the GPU and sounds as on the CPU."""
        return self.present and self.cause is None and self.sound is Sound.RIGHT

    @property
    def failed(self) -> bool:
        """It was tried and does not work: an error, a crash, a hang, or another sound."""
        return self.present and (self.cause is not None or self.sound is Sound.WRONG)

    @property
    def reason(self) -> Reason:
        """Say how it went."""
        label = self.name.split(".")[1]
        if self.observation is None:
            text = f"{label} Kokoro was not run on the GPU"
        elif self.observation.outcome is Outcome.SKIPPED:
            text = f"{label} Kokoro was not run on the GPU: {self.observation.error}"
        elif self.cause is not None:
            text = f"{label} Kokoro failed on the GPU ({self.cause}): {brief(self.observation.error)}"
        elif self.sound is Sound.UNKNOWN:
            text = f"{label} Kokoro ran on the GPU, but its sound could not be compared with the CPU's"
        else:
            text = f"{label} Kokoro ran on the GPU; against the CPU its sound is {self.sound}: {self.told}"
        return Reason(text=text, evidence=self.name)


@dataclass(frozen=True, kw_only=True)
class Against:
    """What shows, besides Kokoro itself, that kernels compiled at run time fail on this device."""

    nvrtc: tuple[Reason, ...]
    """NVRTC itself fails: what the bridge is for."""
    device: tuple[Reason, ...]
    """NVRTC compiles, and the driver or the GPU fails on what it compiled."""
    unclear: tuple[Reason, ...]
    """An operation fails, and nothing tells which of the two: it crashes, it hangs."""

    @property
    def all(self) -> tuple[Reason, ...]:
        """Every reason, as they are told."""
        return self.nvrtc + self.device + self.unclear


def against_compiling(evidence: Evidence) -> Against:
    """Collect what NVRTC answered and how Kokoro's three operations ended, by whose fault it is."""
    nvrtc: list[Reason] = []
    device: list[Reason] = []
    unclear: list[Reason] = []
    capability = evidence.capability
    result = None if capability is None else evidence.compile_result(capability)
    if capability is not None and result is not None and not result["ok"]:
        text = f"NVRTC {evidence.fact('nvrtc', 'version')} refuses {capability.sm}: {result['log'] or result['name']}"
        nvrtc.append(Reason(text=text, evidence="nvrtc"))
    for operation in KOKORO_OPERATIONS:
        observation = evidence.get(f"canary.{operation}")
        cause = None if observation is None else cause_of(observation)
        if observation is None or cause is None or cause.is_from_outside:
            continue
        text = f"complex {operation} fails on the GPU ({cause}): {brief(observation.error)}"
        kind = nvrtc if cause.is_nvrtc else device if cause.is_of_the_device else unclear
        kind.append(Reason(text=text, evidence=observation.probe))
    return Against(nvrtc=tuple(nvrtc), device=tuple(device), unclear=tuple(unclear))
