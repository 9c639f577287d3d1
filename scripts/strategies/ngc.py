"""`ngc`: Kokoro in a container, beside the torch that NVIDIA built into its own image."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.model.facts import EngineFacts, Facts
from scripts.model.plan import Blocker
from scripts.model.target import Target
from scripts.strategies.checks import driver_is_new_enough, gpu_is_usable
from scripts.strategies.images import ImageTable

ROOM = 2.5
"""An image unpacks to about twice what is downloaded, and is there in part a second time while that happens."""


@dataclass(frozen=True)
class Ngc:
    """NVIDIA's PyTorch image with Kokoro in it."""

    images: ImageTable

    @property
    def name(self) -> str:
        """`ngc`."""
        return "ngc"

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform. Engines are the planner's to refuse, with their own error."""
        if facts.host.system != "Linux":
            return (Blocker(reason=f"this is {facts.host.system}, and NVIDIA's images run on Linux"),)
        base = self.images.base(None)
        if base.platforms is None or str(target.architecture) in base.platforms:
            return ()
        return (
            Blocker(
                reason=f"{base.reference} was not built for {target.architecture}",
                hint=f"it was for: {', '.join(base.platforms)}",
            ),
        )

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """Engine, GPU, driver, the engine's way to the GPU, disk: every one that stands against it."""
        engines = engine_works(facts.engines)
        gpu = gpu_is_usable(facts)
        driver = gpu or driver_is_new_enough(facts, self.images.base(None).cuda)
        runtime = () if engines or gpu else engine_gives_gpu(facts.engines)
        return (*engines, *driver, *runtime, *self._room(facts))

    def _room(self, facts: Facts) -> tuple[Blocker, ...]:
        base = self.images.base(None)
        if base.download is None or facts.disk.free >= base.download * ROOM:
            return ()
        needed, free = base.download * ROOM / 1e9, facts.disk.free / 1e9
        return (
            Blocker(
                reason=f"the image needs about {needed:.0f} GB of disk ({base.download_basis or 'not measured'}), "
                f"and {free:.0f} GB are free at {facts.disk.path}",
                hint="free some space, or give the engine's own folder a larger disk and name --strategy ngc",
            ),
        )


def engine_works(engines: tuple[EngineFacts, ...]) -> tuple[Blocker, ...]:
    """One engine answers."""
    if any(engine.problem is None for engine in engines):
        return ()
    if not engines:
        return (Blocker(reason="there is no container engine here", hint="install docker or podman"),)
    return _problems(engines)


def _problems(engines: tuple[EngineFacts, ...]) -> tuple[Blocker, ...]:
    return tuple(
        Blocker(reason=f"{engine.name}: {engine.problem}", hint=engine.remedy)
        for engine in engines
        if engine.problem is not None
    )


def engine_gives_gpu(engines: tuple[EngineFacts, ...]) -> tuple[Blocker, ...]:
    """The engine that would be taken, the first that works, can give a container the GPU.

    Where it cannot, another that does not work is named first: docker that only is to be started may well give it.
    """
    chosen = next((engine for engine in engines if engine.problem is None), None)
    if chosen is None or chosen.nvidia_runtime:
        return ()
    configure = (
        "`sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker`"
        if chosen.name == "docker"
        else "`sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
    )
    return (
        *_problems(engines),
        Blocker(
            reason=f"{chosen.name} cannot give a container the GPU: it has no NVIDIA runtime",
            hint=f"install nvidia-container-toolkit, then {configure}",
        ),
    )
