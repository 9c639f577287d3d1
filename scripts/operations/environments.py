"""env.list, env.use, env.run, env.remove, env.purge."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.engine_errors import engine_missing
from scripts.environments.engines import engine_named
from scripts.environments.image import build_step, image_tag, is_image, remove_image
from scripts.environments.locking import locked
from scripts.environments.sharing import caller_mounts, passed_on
from scripts.environments.store import Entry, is_ours, require_ours
from scripts.errors import DiskError, IntegrityError, SparkError, UsageError
from scripts.home import CHECKOUT, Home
from scripts.model.environment import ContainerRecord
from scripts.model.plan import Plan, WeightsSource
from scripts.operations.context import Context
from scripts.progress import say
from scripts.weights.offline_hub import hub_variables
from scripts.weights.store import find


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One line of env.list. `verdict` and `prediction` are kinds; None: not judged."""

    name: str
    current: bool
    state: str
    torch: str
    cuda: str | None
    python: str
    created: str
    weights: str | None
    verdict: str | None
    prediction: str | None
    reason: str
    onnxruntime: str | None = None
    """The release of ONNX Runtime where that runs Kokoro; `torch` is then empty."""
    hook: bool = False
    """It carries the bridge's hook, says its record."""


def listing(context: Context) -> tuple[Listed, ...]:
    """Every environment of the store."""
    current = context.store.current()
    return tuple(
        _listed(entry, current=current is not None and current.path == entry.path) for entry in context.store.entries()
    )


def _listed(entry: Entry, *, current: bool) -> Listed:
    record = entry.record
    if record is None:
        return Listed(
            name=entry.name,
            current=current,
            state="unreadable",
            torch="",
            cuda=None,
            python="",
            created="",
            weights=None,
            verdict=None,
            prediction=None,
            reason=entry.problem,
        )
    return Listed(
        name=entry.name,
        current=current,
        state="unusable" if entry.problem else str(record.state),
        torch=record.plan.torch,
        onnxruntime=record.plan.onnxruntime,
        cuda=record.plan.cuda or None,
        python=str(record.plan.python),
        created=record.created,
        weights=record.weights,
        verdict=record.verdict,
        prediction=record.prediction,
        reason=entry.problem or record.reason,
        hook=record.hook is not None,
    )


def use(name: str, context: Context) -> str:
    """Make a ready environment current."""
    entry = context.store.find_ready(name)
    context.store.use(entry.name)
    return entry.name


def remove(name: str, context: Context) -> str:
    """Delete one environment, the modules that were compiled of it, and its image where it is one.

    An image that cannot be removed is named; the environment is gone all the same.
    """
    entry = context.store.find(name)
    # Python keeps them under the whole path of what they were compiled from.
    compiled = context.home.bytecode / entry.path.relative_to(entry.path.anchor)
    with locked(context.home.locks / f"{entry.name}.lock", wait_seconds=0, waiting=say):
        context.store.remove(entry)
        shutil.rmtree(compiled, ignore_errors=True)
        if entry.record is not None and is_image(entry.record.plan):
            _remove_image(entry.record.plan, context)
    return entry.name


def _remove_image(plan: Plan, context: Context) -> None:
    try:
        remove_image(plan, context.run, context.environ)
    except SparkError as error:
        engine = build_step(plan).engine
        say(f"{error.message}; once that is mended: {engine} image rm {image_tag(plan)}", style="red")


def foreseen_removal(name: str, context: Context) -> Entry:
    """Find what remove would delete. Raises what remove raises, save that it may be busy."""
    entry = context.store.find(name)
    require_ours(entry.path)
    return entry


def foreseen_purge(context: Context) -> tuple[str, ...]:
    """Name what purge would delete."""
    home = context.home
    environments = [str(entry.path) for entry in context.store.entries() if is_ours(entry.path)]
    folders = [str(folder) for folder in _emptied(home) if folder.is_dir()]
    return (*environments, *folders)


def _emptied(home: Home) -> tuple[Path, ...]:
    return (home.weights, home.cache, home.builds, home.reports, home.locks)


def purge(context: Context) -> tuple[str, ...]:
    """Empty the data root: environments, weights, caches, reports; what is not ours stays and is named.

    Raises DiskError where something that is not ours stands among the environments.
    """
    context.store.sweep()
    removed = [remove(entry.name, context) for entry in context.store.entries() if is_ours(entry.path)]
    strangers = [entry.name for entry in context.store.entries()]
    home = context.home
    for folder in _emptied(home):
        if folder.is_dir():
            with disk_errors(folder):
                shutil.rmtree(folder)
            removed.append(f"{folder.name}/")
    if home.current.is_symlink():
        home.current.unlink()
    if strangers:
        raise DiskError(
            f"not deleted, for kokoro-spark did not make it: {', '.join(strangers)}",
            context=str(home.environments),
            reference="not-ours",
            hint="look at it, and delete it by hand if you want it gone",
        )
    if home.environments.is_dir() and not any(home.environments.iterdir()):
        home.environments.rmdir()
    return tuple(removed)


def command_environment(entry: Entry, context: Context) -> dict[str, str]:
    """Give the variables with which a command runs inside an environment.

    Its `bin` first on PATH, VIRTUAL_ENV set, Python's own variables gone, and nothing looked up on the hub.
    """
    folder = entry.path.resolve()
    kept = {name: value for name, value in context.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    return kept | {
        "VIRTUAL_ENV": str(folder),
        "PATH": os.pathsep.join([str(folder / "bin"), kept.get("PATH", os.defpath)]),
        "HF_HUB_OFFLINE": kept.get("HF_HUB_OFFLINE", "1"),
        **_weights_variables(entry, context),
    }


def _weights_variables(entry: Entry, context: Context) -> dict[str, str]:
    """Say where the weights are: to applications that know us, and, as the hub's cache, to those that do not."""
    if entry.record is None or entry.record.weights is None:
        return {}
    named = {"KOKORO_SPARK_WEIGHTS": str(context.home.weights / entry.record.weights)}
    try:
        found = find(context.home, entry.record.weights)
        hub = {} if found is None else hub_variables(context.environ, context.home, found)
    except (DiskError, IntegrityError) as error:  # the command may need none
        say(f"note: applications will not find the weights as the hub's: {error.message}")
        return named
    if found is not None and hub and found.source is not WeightsSource.HUB:
        say(f"note: what asks the hub for Kokoro's weights is given {found.label}")
    return named | hub


def replace_by(name: str | None, command: Sequence[str], context: Context) -> None:
    """Become the command: exit code, signals and terminal are its own. Does not return.

    Raises UsageError where no command is given or it does not exist.
    """
    if not command:
        raise UsageError(
            "env.run needs a command",
            reference="no-command",
            hint="put it behind two dashes: invoke env.run -- python -c 'import torch; print(torch.__version__)'",
        )
    entry = context.store.find_ready(name)
    program, argv, environ = command_line(entry, command, context)
    os.execve(program, argv, environ)  # noqa: S606 - argument list, no shell; we become it


def command_line(entry: Entry, command: Sequence[str], context: Context) -> tuple[str, list[str], dict[str, str]]:
    """Give the program that a command comes to, by its path, its arguments, and the environment that it gets.

    Raises UsageError where it does not exist, EngineError where it would run in a container and there is no engine.
    """
    if entry.record is not None and entry.record.container is not None:
        return _in_container(entry, entry.record.container, command, context)
    environ = command_environment(entry, context)
    program = shutil.which(command[0], path=environ["PATH"])
    if program is None:
        raise UsageError(
            f"there is no command {command[0]!r} in environment {entry.name} or on PATH",
            reference="program-not-found",
            hint="`invoke env.run -- python` starts its interpreter",
        )
    return program, list(command), environ


def _in_container(
    entry: Entry, container: ContainerRecord, command: Sequence[str], context: Context
) -> tuple[str, list[str], dict[str, str]]:
    """Run it in a container of the image: with the network, as in a venv, and with this folder to write to."""
    engine = engine_named(container.engine)
    here = Path.cwd()
    mounts = caller_mounts(CHECKOUT, context.home.root, (here,))
    environ = {**context.environ, "HF_HUB_OFFLINE": context.environ.get("HF_HUB_OFFLINE", "1")}
    environ |= _weights_variables(entry, context)
    program = shutil.which(engine.name, path=environ.get("PATH", os.defpath))
    if program is None:
        raise engine_missing(engine.name, doing=f"running {command[0]}")
    argv = engine.run(
        container.image_id,
        command,
        name=f"kokoro-spark-{os.getpid()}",
        mounts=mounts,
        variables=passed_on(environ, mounts),
        gpu=bool(context.facts.gpu.gpus),
        workdir=here,
        user=f"{os.getuid()}:{os.getgid()}",
        interactive=sys.stdin.isatty() and sys.stdout.isatty(),
        network="host",
    )
    return program, argv, environ
