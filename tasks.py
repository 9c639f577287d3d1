"""The front door: parse, call, render, exit code. The only file that imports invoke.

`invoke --list` shows the tasks, `invoke --help TASK` one of them. Every task takes --json: one compact document on its
own line on stdout, progress on stderr. What acts takes --dry-run, and honours invoke's own --dry.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar, cast

sys.path.insert(0, str(Path(__file__).resolve().parent))

from invoke.collection import Collection
from invoke.context import Context as Invocation
from invoke.exceptions import Exit
from invoke.tasks import Task, task

from scripts.errors import ExitCode, InterruptedByUserError, SparkError, TerminatedError

F = TypeVar("F", bound=Callable[..., Any])

_JSON_HELP = "print one JSON document on stdout"
_DRY_HELP = "print the plan and change nothing"
_ENV_HELP = "an environment's name or the start of it (default: the current one)"
_STRATEGY_HELP = "pypi (the default index), cpu or a lane: cu126, cu128, cu129, cu130, cu132 (default: pypi)"
_PLATFORM_HELP = "aarch64, with the glibc of DGX OS (2.39), or x86_64, with 2.28 (default: aarch64)"
_PYTHON_HELP = "3.12, 3.11 or 3.10 (default: 3.12)"
_FORCE_HELP = "although neither the verdict nor the prediction asks for it"
_GB10_HELP = "compute capability to predict for (default: 12.1)"
_SM_HELP = "compute capability to predict for (default: this machine's GPU, else 12.1, GB10's)"


def command(
    help: dict[str, str], *, positional: tuple[str, ...] = (), name: str | None = None
) -> Callable[[F], Task[F]]:
    """Make an invoke task whose errors are ours: message, context, hint, and an exit code of errors.py."""

    def wrap(body: F) -> Task[F]:
        @functools.wraps(body)
        def guarded(c: Invocation, *args: Any, **kwargs: Any) -> Any:
            _handle_signals()
            as_json = bool(kwargs.get("json"))
            try:
                return body(c, *args, **kwargs)
            except SparkError as error:
                _fail(error, as_json=as_json)
            except KeyboardInterrupt:
                _end_children()
                _fail(_stopped(InterruptedByUserError, "interrupted"), as_json=as_json)
            except _Terminated:
                _fail(_stopped(TerminatedError, "terminated"), as_json=as_json)
            except BrokenPipeError:
                _close_stdout()
                raise Exit(code=ExitCode.OK) from None
            except OSError as error:
                _fail(_from_os(error), as_json=as_json)

        options = {**help, "json": _JSON_HELP}
        known = {option: text for option, text in options.items() if option in body.__annotations__}
        made = task(guarded, help=known, positional=list(positional), auto_shortflags=False, name=name)
        return cast("Task[F]", made)

    return wrap


def _fail(error: SparkError, *, as_json: bool) -> NoReturn:
    from scripts.progress import console
    from scripts.redaction import redact

    if as_json:
        with contextlib.suppress(SparkError):  # whoever cannot be told there is told here
            _print_json(error.to_dict())
    console.print(f"error: {_as_called(redact(str(error)))}", style="red" if console.is_terminal else "", markup=False)
    raise Exit(code=error.exit_code)


def _stopped(kind: type[SparkError], how: str) -> SparkError:
    return kind(how, reference=how, hint="run it again: what was current still is, and what is done is kept")


def _from_os(error: OSError) -> SparkError:
    """What the operating system refused and no stage foresaw."""
    from scripts.disk import disk_error

    return disk_error(error, Path(str(error.filename or ".")))


def _close_stdout() -> None:
    """Whoever read us (`head`) has gone: have Python's last flush go nowhere, instead of ending in a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(text: str) -> None:
    """Print a result. Raises DiskError where standard output takes none: closed, or a file on a full disk."""
    from scripts.errors import DiskError

    hint = "send it somewhere else"
    if sys.stdout is None:
        raise DiskError("standard output is closed", reference="no-stdout", hint=hint)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _close_stdout()
        message = f"standard output cannot be written: {error.strerror}"
        raise DiskError(message, reference="no-stdout", hint=hint) from error


class _Terminated(SystemExit):
    """SIGTERM came."""


def _handle_signals() -> None:
    """SIGTERM and SIGHUP end the children and exit 143; without this, Python would leave them behind."""

    def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
        _end_children()
        raise _Terminated(int(ExitCode.TERMINATED))

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, terminate)


def _end_children() -> None:
    from scripts.shell import end_children

    end_children()


def _print_json(value: Any) -> None:
    from scripts.redaction import redact
    from scripts.serial import to_json

    _write(redact(to_json(value)) + "\n")


def _as_called(text: str) -> str:
    """Name tasks as the person at the terminal starts them: bootstrap.sh says how, and has no invoke on PATH."""
    called = os.environ.get("KOKORO_SPARK_COMMAND", "invoke")
    return re.sub(
        r"\binvoke(?= (?:setup|verify|say|sound|bench|facts|lock|predict|timeline|drift"
        r"|(?:env|bridge|wheel|demo)\.[a-z]+)\b)",
        lambda _: called,
        text,
    )


def _print_lines(lines: Any) -> None:
    _write("".join(f"{_as_called(line)}\n" for line in lines))


def _show(as_json: bool, value: Any, lines: Any) -> None:
    """Print a result: as JSON, or as lines."""
    _print_json(value) if as_json else _print_lines(lines)


def _show_judged(as_json: bool, judged: Any) -> None:
    """Print a verdict with its report, and exit by it."""
    _show(as_json, judged.report, [judged.text, f"reports: {judged.folder}"])
    if judged.exit_code != ExitCode.OK:
        raise Exit(code=judged.exit_code)


def _context(verbose: bool = False) -> Any:
    from scripts.operations.context import Context
    from scripts.shell import set_echo

    set_echo(on=verbose)
    return Context()


def _is_dry(c: Invocation, dry_run: bool) -> bool:
    return dry_run or bool(c.config.run.dry)


@command({})
def facts(c: Invocation, json: bool = False) -> None:
    """Show what this machine is: system, Pythons, GPU and driver, container engine, memory, disk, index."""
    from scripts.facts.render import rows, shown
    from scripts.progress import table

    found = _context().facts
    if json:
        _print_json(shown(found))
    else:
        table("", ("fact", "value"), rows(found))


@command(
    {
        "strategy": "pypi, cu126, cu128, cu129, cu130, cu132, nvrtc-override, prebuilt, ngc, source, onnx, cpu or "
        "auto, the best that this machine can really run (default: auto)",
        "torch": "torch version, e.g. 2.15.0 (default: the pinned one)",
        "python": "3.12, 3.11 or 3.10 (default: the best that is here)",
        "platform": "x86_64 or aarch64: plan for another machine, with --dry-run",
        "index": "a mirror of the lane's index",
        "source": "cpu: lane or default (default: the lane, if it answers); onnx: gpu or cpu (default: what is here)",
        "nightly": "the lane's nightly builds",
        "wheel": "prebuilt: a torch wheel's path or URL, or a folder or an index of wheels",
        "sha256": "prebuilt: the wheel's hash; a remote wheel needs one",
        "image": "ngc: the base image or its tag (default: the one of constraints/images.toml)",
        "recipe": "source: what torch is built by, a name or a path (default: torch-lean)",
        "yes": "source: build torch if it was not built yet; that can take hours",
        "never": "auto: strategies to leave out, e.g. cpu,ngc",
        "allow_cpu": "auto: end on the CPU although there is a GPU, where nothing else holds",
        "weights": "auto, hub, registry, synthetic, none, or a path (default: auto)",
        "sm": _SM_HELP,
        "smoke": "import torch once and predict what a GPU would give; auto on a GPU: judge (default: yes)",
        "refresh": "ask the index again for what an earlier setup resolved, and have auto judge again",
        "wait": "seconds to wait for another setup of the same environment (default: 600)",
        "verbose": "show every command",
        "dry_run": _DRY_HELP,
    }
)
def setup(
    c: Invocation,
    strategy: str = "auto",
    torch: str = "",
    python: str = "",
    platform: str = "",
    index: str = "",
    source: str = "",
    nightly: bool = False,
    wheel: str | None = None,
    sha256: str | None = None,
    image: str | None = None,
    recipe: str | None = None,
    yes: bool = False,
    never: str | None = None,
    allow_cpu: bool = False,
    weights: str = "auto",
    sm: str = "",
    smoke: bool = True,
    refresh: bool = False,
    wait: str = "600",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Make an environment in which Kokoro runs, and make it current."""
    from scripts.model.plan import Request
    from scripts.model.target import Architecture, ComputeCapability, PythonVersion
    from scripts.operations.planning import make_plan
    from scripts.operations.rendering import plan_lines, setup_lines
    from scripts.operations.setup import setup as perform
    from scripts.operations.targets import seconds, target_capability
    from scripts.weights.choice import parse_choice

    context = _context(verbose)
    request = Request(
        strategy=strategy,
        torch=torch or None,
        python=PythonVersion.parse(python) if python else None,
        architecture=Architecture.parse(platform) if platform else None,
        index=index or None,
        source=source or None,
        nightly=nightly,
        sm=ComputeCapability.parse(sm) if sm else None,
        wheel=_given(wheel, "--wheel"),
        sha256=_given(sha256, "--sha256"),
        image=_given(image, "--image"),
        recipe=_given(recipe, "--recipe"),
        build=yes,
        never=_listed(never, "--never"),
        allow_cpu=allow_cpu,
    )
    choice = None if weights.strip().lower() == "none" else parse_choice(weights)
    patience = seconds(wait, "--wait")
    target = target_capability(sm, context)
    if _is_dry(c, dry_run):
        planned = make_plan(request, context, refresh=refresh, fetch_python=False)
        _show(json, planned, plan_lines(planned))
        return
    result = perform(request, choice, target, context, wait_seconds=patience, refresh=refresh, smoke=smoke)
    _show(json, result, setup_lines(result))


@command(
    {
        "env": _ENV_HELP,
        "python": "judge any environment by its interpreter, read-only",
        "sm": _SM_HELP,
        "expect": "verdicts that exit 0, e.g. not-needed,needed; any other exits by its own code",
        "require_gpu": "exit 4 where torch sees no GPU",
        "weights": "auto (the environment's), synthetic, or any other choice of setup (default: auto)",
        "report": "write report.json, report.xml (JUnit), report.html and report.txt into this folder",
        "timeout": "seconds for each probe (without it, 60 to 600 by probe)",
        "census": "list the operations that torch compiled at run time for Kokoro; exit 4 without a GPU",
        "verbose": "show every command",
        "dry_run": "name the probes and run none",
    }
)
def verify(
    c: Invocation,
    env: str = "",
    python: str = "",
    sm: str = "",
    expect: str | None = None,
    require_gpu: bool = False,
    weights: str = "auto",
    report: str = "",
    timeout: str = "",
    census: bool = False,
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Tell whether Kokoro on the GPU still needs the abs patch, with proof. Exits by the verdict."""
    from scripts.operations.judging import Manner, judge_environment, order_lines

    context = _context(verbose)
    folder = Path(report) if report else None
    manner = Manner.checked(expect=expect, timeout=timeout, report_folder=folder, census=census)
    if _is_dry(c, dry_run):
        lines = order_lines(census=census)
        _show(json, {"order": lines}, lines)
        return
    judged = judge_environment(
        context, manner, env=env or None, python=python or None, sm=sm, require_gpu=require_gpu, weights=weights
    )
    _show_judged(json, judged)


@command(
    {
        "text": "what to say; @FILE says a UTF-8 text file, @- standard input",
        "out": "the WAV file to write (default: kokoro.wav)",
        "voice": "a voice's name (default: af_heart)",
        "speed": "0.5 to 2.0 (default: 1.0)",
        "device": "auto, cpu or cuda (default: auto)",
        "play": "play it as well",
        "env": _ENV_HELP,
        "verbose": "show every command",
        "dry_run": "check all of the above and say nothing",
    },
    positional=("text",),
)
def say(
    c: Invocation,
    text: str,
    out: str = "kokoro.wav",
    voice: str = "af_heart",
    speed: str = "1.0",
    device: str = "auto",
    play: bool = False,
    env: str = "",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Speak a text into a WAV file, with the current environment. A text that starts with a dash: --text=-x."""
    from scripts.operations.speaking import foreseen_lines, speak, spoken_lines

    context = _context(verbose)
    if _is_dry(c, dry_run):
        lines = foreseen_lines(
            context, text=text, out=Path(out), voice=voice, speed=speed, device=device, env=env or None
        )
        _show(json, {"foreseen": lines}, lines)
        return
    spoken = speak(
        context,
        text=text,
        out=Path(out),
        voice=voice,
        speed=speed,
        device=device,
        play=play,
        env=env or None,
    )
    _show(json, spoken, spoken_lines(spoken))


@command(
    {
        "modes": "modes to compare, e.g. stock,bridge,onnx (default: all, each in every dtype that it has)",
        "device": "auto, cpu or cuda: of the modes; the reference is always the CPU's (default: auto)",
        "sentences": "only the first so many of constraints/sentences.toml (default: all)",
        "voices": "only these voices, e.g. af_heart,bm_george (default: four English ones, one of each other language)",
        "words": "count the words that a speech recogniser hears, fetched once; --no-words needs no network",
        "report": "write sound.json, sound.txt and sound.html, with audio, into this folder",
        "docs": "write docs/sound.md and docs/sound.json; of a whole run",
        "read": "speak nothing: judge and show an earlier run's sound.json",
        "env": "the environment with torch (default: the current one, else any that has it)",
        "verbose": "show every command",
        "dry_run": "say what would be spoken and speak nothing",
    }
)
def sound(
    c: Invocation,
    modes: str = "",
    device: str = "auto",
    sentences: str = "",
    voices: str = "",
    words: bool = True,
    report: str | None = None,
    docs: bool = False,
    read: str | None = None,
    env: str = "",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Compare how each mode of Kokoro sounds with stock on the CPU. All of it takes some 40 minutes on two cores.

    Exits 30 where a mode that is offered does not sound as it must.
    """
    from scripts.operations.sound_choosing import parse_order
    from scripts.operations.sound_task import Manner, compare, foresee
    from scripts.operations.sound_text import refusals, sound_lines

    order = parse_order(modes=modes, device=device, sentences=sentences, voices=voices, words=words, env=env)
    folder, kept = _given(report, "--report"), _given(read, "--read")
    manner = Manner(report=Path(folder) if folder else None, docs=docs, read=Path(kept) if kept else None)
    context = _context(verbose)
    if _is_dry(c, dry_run):
        lines = foresee(order, manner, context)
        _show(json, {"foreseen": lines}, lines)
        return
    found = compare(order, manner, context)
    _show(json, found, sound_lines(found))
    if refusals(found):
        raise Exit(code=ExitCode.BROKEN)


@command(
    {
        "modes": "modes to measure, e.g. stock,tuned (default: all that an application would use)",
        "device": "auto, cpu or cuda (default: auto)",
        "lengths": "texts by their seconds, e.g. 1,3 (default: 1,3,20, with starts, memory, requests at once)",
        "rounds": "how often all modes take their turns (default: 3)",
        "long": "the text of five minutes as well",
        "pipeline": "the budget of a voice call alone: what speech takes, and what is left for the rest",
        "report": "write bench.json, bench.txt and bench.html, with charts and audio, into this folder",
        "env": _ENV_HELP,
        "verbose": "show every command",
        "dry_run": "say what would be measured, and measure nothing",
    }
)
def bench(
    c: Invocation,
    modes: str = "",
    device: str = "auto",
    lengths: str = "",
    rounds: str = "3",
    long: bool = False,
    pipeline: bool = False,
    report: str | None = None,
    env: str = "",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Measure how fast each mode of Kokoro is, side by side. All of it takes some 10 minutes on two cores."""
    from scripts.operations import bench_order
    from scripts.operations.bench_task import bench as perform
    from scripts.operations.bench_task import foreseen_lines
    from scripts.operations.bench_text import bench_lines

    context = _context(verbose)
    table = bench_order.load_table(context.constraints / "bench.toml")
    options = {"modes": modes, "device": device, "lengths": lengths, "rounds": rounds, "env": env}
    order = bench_order.parse_order(table, **options, long=long, pipeline=pipeline)
    given = _given(report, "--report")
    folder = Path(given) if given else None
    if _is_dry(c, dry_run):
        lines = foreseen_lines(order, context, folder)
        _show(json, {"foreseen": lines}, lines)
        return
    measured = perform(order, table, context, folder)
    _show(json, measured, bench_lines(measured))


@command(
    {
        "date": "look at nothing newer than this day, e.g. 2026-11-22 (default: the recorded day)",
        "only": "only the files whose name starts with this, e.g. pypi-aarch64",
        "verbose": "show every command",
        "dry_run": "name the files and write none",
    }
)
def lock(
    c: Invocation,
    date: str = "",
    only: str = "",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Regenerate the pins in constraints/ from their inputs."""
    from scripts.operations.lock import lock as perform
    from scripts.operations.lock import lock_names

    context = _context(verbose)
    if _is_dry(c, dry_run):
        names = lock_names(context.lanes, only or None)
        _show(json, {"files": names}, names)
        return
    result = perform(context, date=date or None, only=only or None)
    unlocked = [f"unlocked: {name} ({reason})" for name, reason in result.unlocked]
    _show(json, result, [f"{len(result.files)} files, {len(result.changed)} changed", *unlocked])


def _given(text: str | None, option: str) -> str | None:
    """Give an option's value; None where it was not said. An empty one is a variable that is not set."""
    from scripts.errors import UsageError

    if text is not None and not text.strip():
        raise UsageError(f"{option} has no value", reference="no-value", hint=f"leave {option} out, or say what")
    return text


def _listed(text: str | None, option: str) -> tuple[str, ...]:
    """Read an option's names, separated by commas."""
    return tuple(name.strip() for name in (_given(text, option) or "").split(",") if name.strip())


def _elsewhere(platform: str, python: str) -> Any:
    """Name the machine that a wheel is for, which need not be this one."""
    from scripts.model.target import Architecture, PythonVersion
    from scripts.operations.site import another_machine

    return another_machine(Architecture.parse(platform), PythonVersion.parse(python))


@command(
    {
        "torch": "torch version, e.g. 2.15.0, or '>=2.11,<2.14' (default: the newest)",
        "strategy": _STRATEGY_HELP,
        "platform": _PLATFORM_HELP,
        "python": _PYTHON_HELP,
        "sm": _GB10_HELP,
        "index": "a mirror of the lane's index",
        "nightly": "the lane's nightly builds",
        "prove": "fetch the NVRTC that it pins, for this machine, and ask it",
        "download": "where the server gives no parts of files: download the wheel whole",
        "refresh": "believe nothing that was read before",
        "expect": "verdicts that exit 0, e.g. not-needed,needed; any other exits by its own code",
        "verbose": "show every command",
    }
)
def predict(
    c: Invocation,
    torch: str | None = None,
    strategy: str = "pypi",
    platform: str = "aarch64",
    python: str = "3.12",
    sm: str = "12.1",
    index: str | None = None,
    nightly: bool = False,
    prove: bool = False,
    download: bool = False,
    refresh: bool = False,
    expect: str | None = None,
    verbose: bool = False,
    json: bool = False,
) -> None:
    """Predict the verdict for a torch that is not here, without downloading it: for a DGX Spark, by default."""
    from scripts.model.forecast import ForecastRequest
    from scripts.model.target import ComputeCapability
    from scripts.operations.forecast_text import forecast_lines
    from scripts.operations.predicting import foresee
    from scripts.operations.verify import exit_code_for, parse_expected

    kinds = None if expect is None else parse_expected(expect)
    request = ForecastRequest(
        strategy=strategy,
        torch=_given(torch, "--torch"),
        target=_elsewhere(platform, python),
        capability=ComputeCapability.parse(sm),
        index=_given(index, "--index"),
        nightly=nightly,
    )
    forecast = foresee(request, _context(verbose), prove=prove, download=download, refresh=refresh)
    _show(json, forecast, forecast_lines(forecast))
    if kinds is not None and (code := exit_code_for(forecast.prediction.kind, kinds)) != ExitCode.OK:
        raise Exit(code=code)


@command(
    {
        "sm": _GB10_HELP,
        "write": "write docs/timeline.md and docs/timeline.json, which are about 12.1",
        "refresh": "believe nothing that was read before",
        "verbose": "show every command",
        "dry_run": "name the files and write none",
    }
)
def timeline(
    c: Invocation,
    sm: str = "12.1",
    write: bool = False,
    refresh: bool = False,
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Tell what each torch since 2.5 would do on a GPU, for both platforms, as the indexes have them now."""
    from scripts.model.target import ComputeCapability
    from scripts.operations.timeline import make_timeline, require_published, write_timeline
    from scripts.operations.timeline_text import DOCUMENTS, timeline_markdown

    capability = ComputeCapability.parse(sm)
    if write:
        require_published(capability)
    if _is_dry(c, dry_run):
        names = [f"docs/{name}" for name in DOCUMENTS] if write else []
        _show(json, {"would_write": names}, names or ["nothing: it would only be printed"])
        return
    context = _context(verbose)
    made = make_timeline(context, capability, refresh=refresh)
    _show(json, made, timeline_markdown(made).splitlines())
    if write:
        from scripts.progress import say as report

        for path in write_timeline(made):
            report(f"written: docs/{path.name}")


@command(
    {
        "sm": _GB10_HELP,
        "only": "only the files of constraints/ whose name starts with this, and their lanes, e.g. pypi",
        "verbose": "show every command",
    }
)
def drift(c: Invocation, sm: str = "12.1", only: str | None = None, verbose: bool = False, json: bool = False) -> None:
    """Compare constraints/ with what the indexes offer now. Exits 11 where something changed."""
    from scripts.model.target import ComputeCapability
    from scripts.operations.drift import find_drift
    from scripts.operations.drift_text import drift_lines

    found = find_drift(_context(verbose), sm=ComputeCapability.parse(sm), only=_given(only, "--only"))
    _show(json, found, drift_lines(found))
    if found.exit_code != ExitCode.OK:
        raise Exit(code=found.exit_code)


@command(
    {
        "what": "a wheel's path or URL, a requirement such as torch==2.15.0, or a library",
        "sm": "compute capability to judge its device code for (default: 12.1)",
        "platform": _PLATFORM_HELP,
        "python": _PYTHON_HELP,
        "strategy": "where a requirement is looked up: pypi or a lane, e.g. cu130 (default: pypi)",
        "index": "a mirror of that index",
        "sha256": "the hash that the file must have",
        "download": "fetch a wheel that is not here, and read it whole",
        "report": "write passport.json, passport.txt and passport.html into this folder",
        "verbose": "show every command",
    },
    positional=("what",),
    name="inspect",
)
def wheel_inspect(
    c: Invocation,
    what: str,
    sm: str = "12.1",
    platform: str = "aarch64",
    python: str = "3.12",
    strategy: str = "pypi",
    index: str | None = None,
    sha256: str | None = None,
    download: bool = False,
    report: str | None = None,
    verbose: bool = False,
    json: bool = False,
) -> None:
    """Show a wheel's passport: its CUDA, its device code and where that runs, what it needs, what is wrong with it."""
    from scripts.model.target import ComputeCapability
    from scripts.operations.inspecting import inspect_wheel
    from scripts.operations.passport_text import passport_lines

    inspected = inspect_wheel(
        what,
        _context(verbose),
        sm=ComputeCapability.parse(sm),
        target=_elsewhere(platform, python),
        strategy=strategy,
        index=_given(index, "--index"),
        sha256=_given(sha256, "--sha256"),
        download=download,
        report_folder=Path(folder) if (folder := _given(report, "--report")) else None,
    )
    _show(json, inspected.passport, passport_lines(inspected.passport))
    if inspected.exit_code != ExitCode.OK:
        raise Exit(code=inspected.exit_code)


@command(
    {
        "what": "torch==2.15.0, triton==3.9.0, nvidia-cuda-nvrtc==13.2.86, or all: what has no row yet",
        "platform": "of a torch: x86_64 or aarch64 (default: both)",
        "verbose": "show every command",
        "dry_run": "name what would be measured and write nothing",
    },
    positional=("what",),
    name="measure",
)
def wheel_measure(
    c: Invocation, what: str, platform: str = "", verbose: bool = False, dry_run: bool = False, json: bool = False
) -> None:
    """Read wheels whole, ask NVRTCs themselves, and write what they hold into constraints/. Downloads them."""
    from scripts.model.target import Architecture
    from scripts.operations.measuring import measure, releases

    context = _context(verbose)
    architecture = Architecture.parse(platform) if platform else None
    if _is_dry(c, dry_run):
        names = [f"{name}=={version}" for name, version in releases(what, context)]
        _show(json, {"would_measure": names}, names or ["nothing: every release has its row"])
        return
    measured = measure(what, architecture, context)
    changed = [f"changed: constraints/{name}" for name in measured.changed]
    _show(json, measured, [f"{len(measured.rows)} measured", *(changed or ["nothing changed"])])


@command(
    {
        "recipe": "a recipe's name (`invoke wheel.recipes`) or a path: a recipe.toml, a source folder, an sdist",
        "sm": "what to compile for, as TORCH_CUDA_ARCH_LIST has it, e.g. 12.1a (default: exactly this GPU, else 12.1a)",
        "torch": "the torch to build against, e.g. 2.15.0 (default: the pinned one)",
        "python": "3.12, 3.11 or 3.10 (default: the best that is here)",
        "platform": "x86_64 or aarch64: build for another machine, where the recipe can (default: this one)",
        "in_": "host or container (default: host)",
        "cuda": "auto, index (NVIDIA's compiler from the default index), or a CUDA toolkit's folder (default: auto)",
        "jobs": "compilers at once (default: by processors and free memory)",
        "index": "a mirror of the index that torch comes from",
        "wheelhouse": "where the wheel is published (default: the data root's wheelhouse)",
        "rebuild": "build although the wheelhouse has it, and from the start",
        "wait": "seconds to wait for another build of the same wheel (default: 600)",
        "verbose": "show every command",
        "dry_run": _DRY_HELP,
    },
    positional=("recipe",),
    name="build",
)
def wheel_build(
    c: Invocation,
    recipe: str,
    sm: str | None = None,
    torch: str | None = None,
    python: str = "",
    platform: str = "",
    in_: str = "host",
    cuda: str = "auto",
    jobs: str = "",
    index: str | None = None,
    wheelhouse: str | None = None,
    rebuild: bool = False,
    wait: str = "600",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Build a package from source for exactly one GPU, check the wheel, and publish it in the wheelhouse."""
    from scripts.operations.build_planning import plan_build
    from scripts.operations.build_text import built_lines, outlook_lines, parse_request
    from scripts.operations.targets import seconds
    from scripts.operations.wheel_build import build_wheel

    request = parse_request(
        recipe=recipe,
        sm=_given(sm, "--sm"),
        torch=_given(torch, "--torch"),
        python=python,
        platform=platform,
        place=in_,
        cuda=cuda,
        jobs=jobs,
        index=_given(index, "--index"),
        wheelhouse=_given(wheelhouse, "--wheelhouse"),
        rebuild=rebuild,
    )
    context, patience = _context(verbose), seconds(wait, "--wait")
    if _is_dry(c, dry_run):
        outlook = plan_build(request, context, act=False)
        _show(json, {"plan": outlook.plan, "found": outlook.found}, outlook_lines(outlook))
        return
    result = build_wheel(request, context, wait_seconds=patience)
    _show(json, result, built_lines(result))


@command({}, name="recipes")
def wheel_recipes(c: Invocation, json: bool = False) -> None:
    """List what wheel.build knows how to build, and how far each was tried."""
    from scripts.builds.recipe import known_recipes
    from scripts.progress import table

    found = known_recipes()
    if json:
        _print_json([{"name": one.name, "summary": one.summary, "tried": one.tried} for one in found])
    else:
        table("", ("recipe", "builds", "tried"), [(one.name, one.summary, one.tried) for one in found])


@command(
    {
        "wheelhouse": "the wheelhouse (default: the data root's)",
        "host": "the address to listen on; any other than loopback lets others read it (default: 127.0.0.1)",
        "port": "the port; 0 takes a free one (default: 8080)",
        "verbose": "say what is asked for",
        "dry_run": "name the address and listen to none",
    },
    name="serve",
)
def wheel_serve(
    c: Invocation,
    wheelhouse: str | None = None,
    host: str = "127.0.0.1",
    port: str = "8080",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Serve the wheelhouse as a package index, to this machine alone, until Ctrl-C."""
    from scripts.operations.wheel_serving import foreseen, serve

    context = _context(verbose)
    root, host = _given(wheelhouse, "--wheelhouse"), _given(host, "--host") or "127.0.0.1"
    if _is_dry(c, dry_run):
        would = foreseen(root, host, port, context)
        _show(json, would, [f"would serve {would['wheelhouse']} at {would['url']}"])
        return
    serve(
        root,
        host,
        port,
        context,
        ready=lambda found: _show(json, found, [f"serving {found['wheelhouse']} at {found['url']} (Ctrl-C ends it)"]),
        verbose=verbose,
    )


@command({}, name="list")
def env_list(c: Invocation, json: bool = False) -> None:
    """List the environments."""
    from scripts.operations.environments import listing
    from scripts.operations.rendering import listing_rows
    from scripts.progress import table

    found = listing(_context())
    if json:
        _print_json(found)
    elif not found:
        _print_lines(["there is no environment yet: `invoke setup` makes one"])
    else:
        table("", ("", "environment", "state", "torch", "CUDA", "Python", "weights", "verdict"), listing_rows(found))


@command({"name": "the environment's name or the start of it", "dry_run": _DRY_HELP}, positional=("name",), name="use")
def env_use(c: Invocation, name: str, dry_run: bool = False, json: bool = False) -> None:
    """Make an environment the current one."""
    from scripts.operations.environments import use

    context = _context()
    if _is_dry(c, dry_run):
        chosen = context.store.find_ready(name).name
        _show(json, {"would_use": chosen}, [f"would make {chosen} current"])
        return
    chosen = use(name, context)
    _show(json, {"current": chosen}, [f"current: {chosen}"])


@command({"env": _ENV_HELP, "dry_run": "print the command and run nothing"}, name="run")
def env_run(c: Invocation, env: str = "", dry_run: bool = False) -> None:
    """Run a command inside an environment: invoke env.run -- COMMAND ARGUMENTS."""
    import shlex

    from scripts.operations.environments import replace_by

    # invoke's own c.remainder is joined by spaces: quoted words would fall apart.
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if _is_dry(c, dry_run):
        _print_lines([shlex.join(words)])
        return
    replace_by(env or None, words, _context())


@command(
    {
        "venv": "an environment's folder or its interpreter",
        "undo": "put back what an earlier repair replaced",
        "sm": _SM_HELP,
        "verbose": "show every command",
        "dry_run": _DRY_HELP,
    },
    positional=("venv",),
    name="repair",
)
def env_repair(
    c: Invocation,
    venv: str,
    undo: bool = False,
    sm: str = "",
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Lift the NVRTC of an environment that kokoro-spark did not make, if its torch then needs no patch."""
    from scripts.operations.repairing import repair
    from scripts.operations.repairing import undo as put_back
    from scripts.operations.repairing_text import foreseen_lines, repair_lines
    from scripts.operations.targets import target_capability

    context = _context(verbose)
    target = target_capability(sm, context)
    if _is_dry(c, dry_run):
        lines = foreseen_lines(venv, context, undone=undo)
        _show(json, {"foreseen": lines}, lines)
        return
    done = put_back(venv, context) if undo else repair(venv, context, target=target)
    _show(json, done, repair_lines(done))
    if done.exit_code != ExitCode.OK:
        raise Exit(code=done.exit_code)


@command(
    {"name": "the environment's name or the start of it", "dry_run": _DRY_HELP}, positional=("name",), name="remove"
)
def env_remove(c: Invocation, name: str, dry_run: bool = False, json: bool = False) -> None:
    """Delete an environment."""
    from scripts.operations.environments import foreseen_removal, remove

    context = _context()
    if _is_dry(c, dry_run):
        doomed = foreseen_removal(name, context)
        _show(json, {"would_remove": doomed.name}, [f"would delete {doomed.path}"])
        return
    removed = remove(name, context)
    _show(json, {"removed": removed}, [f"removed: {removed}"])


@command({"yes": "do it: without this, it only says what it would delete", "dry_run": _DRY_HELP}, name="purge")
def env_purge(c: Invocation, yes: bool = False, dry_run: bool = False, json: bool = False) -> None:
    """Delete every environment, the weights and the caches of the data root."""
    from scripts.errors import UsageError
    from scripts.operations.environments import foreseen_purge, purge

    context = _context()
    nothing = [f"there is nothing to delete in {context.home.root}"]
    if _is_dry(c, dry_run):
        doomed = foreseen_purge(context)
        _show(json, {"would_remove": doomed}, [f"would delete {one}" for one in doomed] or nothing)
        return
    if not yes:
        raise UsageError(
            f"this deletes every environment and all weights in {context.home.root}",
            reference="not-confirmed",
            hint="say so: invoke env.purge --yes; or look first: invoke env.purge --dry-run",
        )
    removed = purge(context)
    _show(json, {"removed": removed}, [f"removed: {one}" for one in removed] or nothing)


@command({"env": _ENV_HELP, "force": _FORCE_HELP, "dry_run": _DRY_HELP}, name="enable")
def bridge_enable(c: Invocation, env: str = "", force: bool = False, dry_run: bool = False, json: bool = False) -> None:
    """Have an environment enable the bridge in every application, where the verdict asks for it."""
    from scripts.operations.bridging import change_lines, enable

    dry = _is_dry(c, dry_run)
    found = enable(env or None, _context(), force=force, dry_run=dry)
    _show(json, found, change_lines(found, dry_run=dry))


@command({"env": _ENV_HELP, "dry_run": _DRY_HELP}, name="disable")
def bridge_disable(c: Invocation, env: str = "", dry_run: bool = False, json: bool = False) -> None:
    """Take the bridge's hook away: applications run Kokoro as it is, or enable the bridge themselves."""
    from scripts.operations.bridging import change_lines, disable

    dry = _is_dry(c, dry_run)
    found = disable(env or None, _context(), dry_run=dry)
    _show(json, found, change_lines(found, dry_run=dry))


@command({"env": _ENV_HELP}, name="status")
def bridge_status(c: Invocation, env: str = "", json: bool = False) -> None:
    """Tell whether an environment carries the bridge's hook, and whether it is needed."""
    from scripts.operations.bridging import status, status_lines

    found = status(env or None, _context())
    _show(json, found, status_lines(found))


@command(
    {
        "with_": "what to try against it: bridge, transform-only, spoof or override (default: nothing)",
        "verbose": "show every command",
        "dry_run": "name the steps and take none",
    },
    name="seed-failure",
)
def demo_seed_failure(
    c: Invocation,
    with_: str | None = None,
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Reproduce Kokoro's failure on a DGX Spark on a SIMULATED one, and what a remedy does to it. Needs gcc, no GPU."""
    from tests.simulated_gpu.seed_failure import seed_failure
    from tests.simulated_gpu.seed_story import foreseen_lines, require_expected, seed_failure_lines

    remedy = _given(with_, "--with")
    if _is_dry(c, dry_run):
        lines = foreseen_lines(remedy)
        _show(json, {"would_do": lines}, lines)
        return
    found = seed_failure(remedy, _context(verbose))
    _show(json, found, seed_failure_lines(found))
    require_expected(found)


@command(
    {
        "env": _ENV_HELP,
        "python": "judge any environment by its interpreter, read-only",
        "sm": "compute capability of the simulated GPU (default: 12.1)",
        "expect": "verdicts that exit 0, e.g. not-needed,needed; any other exits by its own code",
        "weights": "auto (the environment's), synthetic, or any other choice of setup (default: auto)",
        "report": "write report.json, report.xml (JUnit), report.html and report.txt into this folder",
        "timeout": "seconds for each probe (without it, 60 to 600 by probe)",
        "census": "list the operations that torch compiled at run time for Kokoro",
        "verbose": "show every command",
        "dry_run": "name the probes and run none",
    },
    name="verify",
)
def demo_verify(
    c: Invocation,
    env: str = "",
    python: str = "",
    sm: str = "12.1",
    expect: str | None = None,
    weights: str = "auto",
    report: str = "",
    timeout: str = "",
    census: bool = False,
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Verify an environment on a SIMULATED GPU: all but the GPU's own doing is real. Needs gcc, no GPU."""
    from scripts.model.target import ComputeCapability
    from scripts.operations.judging import Manner, order_lines
    from tests.simulated_gpu.judging import judge_simulated

    capability, context = ComputeCapability.parse(sm), _context(verbose)
    folder = Path(report) if report else None
    manner = Manner.checked(expect=expect, timeout=timeout, report_folder=folder, census=census)
    if _is_dry(c, dry_run):
        lines = order_lines(census=census)
        _show(json, {"order": lines}, lines)
        return
    judged = judge_simulated(
        context, manner, capability=capability, env=env or None, python=python or None, weights=weights
    )
    _show_judged(json, judged)


@command(
    {
        "only": "the cells of one release of torch, e.g. 2.9.1",
        "again": "run cells again that are kept",
        "verbose": "show every command",
        "dry_run": "name the cells and run none",
    },
    name="matrix",
)
def demo_matrix(
    c: Invocation,
    only: str | None = None,
    again: bool = False,
    verbose: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Print what each torch and NVRTC does on a SIMULATED GB10, beside what is predicted; runs what is not kept."""
    from tests.simulated_gpu.document import write_document
    from tests.simulated_gpu.matrix import chosen_questions, run_matrix
    from tests.simulated_gpu.matrix_cells import require_agreement
    from tests.simulated_gpu.matrix_table import matrix_lines

    context, release = _context(verbose), _given(only, "--only")
    if _is_dry(c, dry_run):
        cells = [str(one) for one in chosen_questions(context, only=release, again=again)]
        _show(json, {"would_run": cells}, cells or ["nothing: every cell is kept"])
        return
    matrix = run_matrix(context, only=release, again=again)
    write_document()
    _show(json, matrix, matrix_lines(matrix))
    require_agreement(matrix)


@command(
    {
        "write": "keep what was seen in tests/data, and write the table of docs/testing.md",
        "verbose": "show every command",
        "dry_run": "name the settings and try none",
    },
    name="settings",
)
def demo_settings(
    c: Invocation, write: bool = False, verbose: bool = False, dry_run: bool = False, json: bool = False
) -> None:
    """Try the settings that the research note asks about, each on a SIMULATED GB10 with NVRTC 12.8."""
    from tests.simulated_gpu.settings import keep_settings, run_settings
    from tests.simulated_gpu.settings_rows import SETTINGS, settings_lines

    if _is_dry(c, dry_run):
        labels = [setting.label.replace("`", "") for setting in SETTINGS if setting.question]
        _show(json, {"would_try": labels}, labels)
        return
    found = run_settings(_context(verbose))
    _show(json, found, settings_lines(found))
    if write:
        keep_settings(found)


ns = Collection()
for _task in (setup, verify, say, sound, bench, facts, predict, timeline, drift, lock):
    ns.add_task(_task)
ns.add_collection(Collection("wheel", wheel_inspect, wheel_measure, wheel_build, wheel_recipes, wheel_serve))
ns.add_collection(Collection("bridge", bridge_enable, bridge_disable, bridge_status))
ns.add_collection(Collection("demo", demo_seed_failure, demo_verify, demo_matrix, demo_settings))
ns.add_collection(Collection("env", env_list, env_use, env_run, env_repair, env_remove, env_purge))
