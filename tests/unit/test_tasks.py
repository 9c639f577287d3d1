"""The front door, in this process: options and their help, JSON, dry runs, exit codes."""

from __future__ import annotations

import errno
import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from invoke.program import Program
from invoke.tasks import Task

import tasks
from scripts import errors
from scripts.errors import ExitCode, SparkError
from scripts.operations.context import Context
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import put, record
from tests.support.scripted import ScriptedRunner

ALL: dict[str, Task[Any]] = {name: tasks.ns[name] for name in tasks.ns.task_names}
READ_ONLY = {"bridge.status", "wheel.recipes", "facts", "predict", "drift", "wheel.inspect", "env.list"}
NAME = "cu130-0123456789ab"


@dataclass(frozen=True)
class Ended:
    """How a run of invoke ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on its one line."""
        (line,) = self.out.splitlines()
        return json.loads(line)


Invoke = Callable[..., Ended]


@pytest.fixture
def invoke(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    """Run tasks as a person does, without a process."""
    before = signal.getsignal(signal.SIGTERM)

    def perform(*arguments: str) -> Ended:
        argv = ["invoke", *arguments]
        monkeypatch.setattr(sys, "argv", argv)
        code = 0
        try:
            Program(namespace=tasks.ns, version="1").run(argv)
        except SystemExit as end:
            code = int(end.code or 0)
        found = capfd.readouterr()
        return Ended(code, found.out, found.err)

    yield perform
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A made-up machine with one ready environment, current, that has synthetic weights."""
    made = context(tmp_path, PC)
    put(made.store, record(NAME, weights="synthetic"))
    made.store.use(NAME)
    monkeypatch.setattr(tasks, "_context", lambda verbose=False: made)
    return made


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in folder.rglob("*")}


def test_the_family() -> None:
    assert set(ALL) == {
        "setup",
        "verify",
        "say",
        "sound",
        "bench",
        "facts",
        "predict",
        "timeline",
        "drift",
        "lock",
        "wheel.inspect",
        "wheel.measure",
        "wheel.build",
        "wheel.recipes",
        "wheel.serve",
        "bridge.enable",
        "bridge.disable",
        "bridge.status",
        "demo.seed-failure",
        "demo.verify",
        "demo.matrix",
        "demo.settings",
        "env.list",
        "env.use",
        "env.run",
        "env.repair",
        "env.remove",
        "env.purge",
    }


@pytest.fixture(scope="module")
def fresh() -> Any:
    """tasks.py, loaded anew: invoke gives a task's help away once."""
    spec = spec_from_file_location("fresh_tasks", tasks.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_explained(fresh: Any, name: str) -> None:
    for argument in fresh.ns[name].get_arguments():
        assert argument.help, argument.name
        if isinstance(argument.default, str) and argument.default:
            assert f"default: {argument.default}" in argument.help
    assert ALL[name].__doc__


@pytest.mark.parametrize("name", ALL)
def test_no_option_has_a_letter_of_its_own(name: str) -> None:
    for argument in ALL[name].get_arguments():
        assert all(len(one) > 1 for one in argument.names)


@pytest.mark.parametrize("name", ALL)
def test_no_option_is_a_number_to_invoke(name: str) -> None:
    assert {type(argument.default) for argument in ALL[name].get_arguments()} <= {str, bool, type(None)}


@pytest.mark.parametrize("name", ALL)
def test_json_and_dry_run_are_everywhere(name: str) -> None:
    options = {argument.name for argument in ALL[name].get_arguments()}
    assert ("json" in options) is (name != "env.run")  # whose stdout is the command's
    assert ("dry_run" in options) is (name not in READ_ONLY)


@pytest.mark.parametrize("name", ALL)
def test_help(invoke: Invoke, name: str) -> None:
    ended = invoke("--help", name)
    assert ended.code == 0
    assert "Traceback" not in ended.err


def test_list(invoke: Invoke) -> None:
    ended = invoke("--list")
    assert ended.code == 0
    assert all(name in ended.out for name in ALL)


KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SparkError)),
    key=lambda kind: kind.__name__,
)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tasks, "_context", fail)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_has_its_exit_code(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, kind: type[SparkError]) -> None:
    failing(monkeypatch, kind("it broke", context="at https://me:secret@host/x", hint="mend it", reference="broke"))
    ended = invoke("facts")
    assert ended.code == kind.exit_code
    assert ended.out == ""
    assert ended.err == "error: it broke\n  at https://****@host/x\nhint: mend it\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_is_a_document_under_json(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, kind: type[SparkError]
) -> None:
    failing(monkeypatch, kind("it broke", context="at https://me:secret@host/x", hint="mend it", reference="broke"))
    ended = invoke("facts", "--json")
    assert ended.code == kind.exit_code
    assert ended.document == {
        "error": "broke",
        "message": "it broke",
        "context": "at https://****@host/x",
        "hint": "mend it",
        "exit_code": int(kind.exit_code),
    }
    assert "it broke" in ended.err


def test_markup_in_an_error_is_text(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errors.UsageError("misaki[en] [/red]", reference="x"))
    assert "misaki[en] [/red]" in invoke("facts").err


@pytest.mark.parametrize(
    ("error", "code", "reference"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), ExitCode.DISK, "disk-full"),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), ExitCode.DISK, "not-writable"),
    ],
)
def test_what_the_system_refuses(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, error: OSError, code: ExitCode, reference: str
) -> None:
    failing(monkeypatch, error)
    ended = invoke("facts", "--json")
    assert (ended.code, ended.document["error"]) == (code, reference)
    assert "/data/x" in ended.err


def test_ctrl_c(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    ended = invoke("facts", "--json")
    assert (ended.code, ended.document["error"]) == (ExitCode.INTERRUPTED, "interrupted")
    assert ended.err.startswith("error: interrupted\nhint: run it again")


def test_sigterm(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_context", lambda: signal.raise_signal(signal.SIGTERM))
    ended = invoke("facts", "--json")
    assert (ended.code, ended.document["error"]) == (ExitCode.TERMINATED, "terminated")
    assert ended.err.startswith("error: terminated\nhint: run it again")


@pytest.mark.parametrize(
    ("variable", "told"),
    [(None, "`invoke setup`, not invoke it"), ("sh 'my folder/b.sh'", "`sh 'my folder/b.sh' setup`, not invoke it")],
)
def test_tasks_are_named_as_they_are_called(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, variable: str | None, told: str
) -> None:
    monkeypatch.delenv("KOKORO_SPARK_COMMAND", raising=False)
    if variable is not None:
        monkeypatch.setenv("KOKORO_SPARK_COMMAND", variable)
    failing(monkeypatch, errors.UsageError("none", reference="x", hint="`invoke setup`, not invoke it"))
    ended = invoke("facts", "--json")
    assert told in ended.err
    assert ended.document["hint"] == "`invoke setup`, not invoke it", "a document does not depend on who asks"


def test_a_failure_stops_the_chain(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errors.NetworkError("down", reference="down"))
    ended = invoke("facts", "--json", "env.list", "--json")
    assert ended.code == ExitCode.NETWORK
    assert ended.document["error"] == "down"


@pytest.mark.parametrize("arguments", [("facts", "--nonsense"), ("setup", "-j"), ("nonsense",), ("env.use",)])
def test_what_invoke_does_not_know_is_its_own(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    ended = invoke(*arguments)
    assert ended.code == 1
    assert "Traceback" not in ended.err


DRY: dict[str, tuple[str, ...]] = {
    "setup": ("setup", "--strategy", "pypi"),
    "verify": ("verify",),
    "lock": ("lock", "--only", "pypi-aarch64"),
    "env.use": ("env.use", "cu130"),
    "env.remove": ("env.remove", "cu130"),
    "env.purge": ("env.purge",),
    "env.purge --yes": ("env.purge", "--yes"),
    "say": ("say", "Hello."),
    "sound": ("sound", "--docs"),
    "sound --read": ("sound", "--read", "sound.json", "--docs"),
    "bench": ("bench", "--rounds", "1"),
    "bench --pipeline": ("bench", "--pipeline"),
    "timeline": ("timeline", "--write"),
    "wheel.measure": ("wheel.measure", "torch==2.15.0"),
    "wheel.serve": ("wheel.serve",),
    "bridge.disable": ("bridge.disable",),
    "demo.seed-failure": ("demo.seed-failure",),
    "demo.seed-failure --with": ("demo.seed-failure", "--with", "bridge"),
    "demo.verify": ("demo.verify", "--census"),
    "demo.matrix": ("demo.matrix", "--only", "2.9.1", "--again"),
    "demo.settings": ("demo.settings",),
}


def test_every_task_that_acts_is_tried_dry() -> None:
    """env.run and bridge.enable have tests of their own; env.repair and wheel.build ask programs (integration)."""
    apart = {"env.run", "env.repair", "bridge.enable", "wheel.build"}
    assert {arguments[0] for arguments in DRY.values()} | apart == set(ALL) - READ_ONLY


@pytest.mark.parametrize("core", [False, True], ids=["--dry-run", "--dry"])
@pytest.mark.parametrize("what", DRY)
def test_a_dry_run_changes_nothing(invoke: Invoke, world: Context, what: str, *, core: bool) -> None:
    before = tree(world.home.root)
    arguments = DRY[what]
    ended = invoke("--dry", *arguments) if core else invoke(*arguments, "--dry-run")
    assert ended.code == 0, ended.err
    assert ended.out
    assert tree(world.home.root) == before
    assert isinstance(world.run, ScriptedRunner)
    assert world.run.seen == []


@pytest.mark.parametrize("what", DRY)
def test_a_dry_run_is_a_document_under_json(invoke: Invoke, world: Context, what: str) -> None:
    ended = invoke(*DRY[what], "--dry-run", "--json")
    assert (ended.code, type(ended.document)) == (0, dict)


def test_env_run_dry(invoke: Invoke, world: Context) -> None:
    ended = invoke("env.run", "--dry-run", "--", "python", "-c", "print('a b')")
    assert (ended.code, ended.out) == (0, "python -c 'print('\"'\"'a b'\"'\"')'\n")


@pytest.mark.parametrize(
    ("arguments", "reference"),
    [
        (("setup", "--strategy", "cu999"), "unknown-strategy"),
        (("setup", "--python", "3.13"), "unsupported-python"),
        (("setup", "--python", "three"), "bad-python-version"),
        (("setup", "--platform", "riscv64"), "unknown-platform"),
        (("setup", "--weights", "heavy"), "unknown-weights"),
        (("setup", "--torch", "newest", "--strategy", "pypi"), "bad-torch-version"),
        (("setup", "--source", "moon", "--strategy", "cpu"), "unknown-source"),
        (("setup", "--wait", "long"), "bad-number"),
        (("setup", "--wheel", "", "--strategy", "prebuilt"), "no-value"),
        (("setup", "--wheel", "torch.whl", "--strategy", "pypi"), "option-not-for-strategy"),
        (("setup", "--image", "25.12-py3", "--strategy", "cpu"), "option-not-for-strategy"),
        (("setup", "--never", "cpu", "--strategy", "pypi"), "option-not-for-strategy"),
        (("setup", "--never", "cu999"), "unknown-strategy"),
        (("setup", "--allow-cpu", "--strategy", "cpu"), "option-not-for-strategy"),
        (("setup", "--sm", "big"), "bad-compute-capability"),
        (("setup", "--dry-run", "--sm", "big"), "bad-compute-capability"),
        (("setup", "--strategy", "pypi", "--platform", "aarch64"), "plan-only"),
        (("verify", "--expect", "good"), "unknown-verdict"),
        (("verify", "--env", "cu130", "--python", "/usr/bin/python3"), "two-environments"),
        (("say", "..."), "nothing-to-say"),
        (("say", ""), "empty-text"),
        (("say", "@absent.txt"), "no-text-file"),
        (("say", "Hello.", "--voice", "nobody"), "unknown-voice"),
        (("say", "Hello.", "--speed", "fast"), "bad-speed"),
        (("say", "Hello.", "--device", "tpu"), "unknown-device"),
        (("lock", "--date", "tomorrow"), "bad-date"),
        (("env.use", "../x"), "bad-environment-name"),
        (("env.purge",), "not-confirmed"),
        (("verify", "--timeout", "soon"), "bad-number"),
        (("verify", "--timeout", "soon", "--dry-run"), "bad-number"),
        (("verify", "--expect", "maybe", "--dry-run"), "unknown-verdict"),
        (("demo.verify", "--timeout", "0"), "bad-number"),
        (("demo.verify", "--sm", "sm_121"), "bad-compute-capability"),
        (("demo.seed-failure", "--with", "prayer"), "unknown-remedy"),
        (("demo.seed-failure", "--with", ""), "no-value"),
        (("demo.matrix", "--only", "1.0"), "not-in-matrix"),
    ],
)
def test_bad_input(invoke: Invoke, world: Context, arguments: tuple[str, ...], reference: str) -> None:
    before = tree(world.home.root)
    ended = invoke(*arguments, "--json")
    assert (ended.code, ended.document["error"]) == (ExitCode.USAGE, reference)
    assert ended.document["hint"]
    assert tree(world.home.root) == before


def test_facts(invoke: Invoke, world: Context) -> None:
    assert invoke("facts", "--json").document["host"]["architecture"] == "x86_64"
    assert "x86_64" in invoke("facts").out


def test_env_list_use_and_remove(invoke: Invoke, world: Context) -> None:
    other = "pypi-4444cccc5555"
    put(world.store, record(other))
    assert [one["name"] for one in invoke("env.list", "--json").document] == [NAME, other]
    assert invoke("env.use", "pypi", "--json").document == {"current": other}
    assert invoke("env.remove", NAME, "--json").document == {"removed": NAME}
    (left,) = invoke("env.list", "--json").document
    assert (left["name"], left["current"]) == (other, True)
    assert other in invoke("env.list").out


def test_env_purge(invoke: Invoke, world: Context) -> None:
    ended = invoke("env.purge", "--yes", "--json")
    assert (ended.code, ended.document) == (0, {"removed": [NAME, "locks/"]})
    assert not any(world.home.root.iterdir())
    assert invoke("env.purge", "--yes", "--json").document == {"removed": []}
    for option in ("--yes", "--dry-run"):
        assert invoke("env.purge", option).out == f"there is nothing to delete in {world.home.root}\n"
    assert "setup` makes one" in invoke("env.list").out
    assert invoke("env.list", "--json").document == []
