"""Commands in a real container, with docker and with podman: how they end, what they see, and that none is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from scripts.environments.container import ContainerPlace, container_place
from scripts.environments.engines import Mount, engine_named, read_image
from scripts.errors import NoCandidateError
from scripts.home import CHECKOUT
from scripts.model.environment import ContainerRecord
from scripts.model.evidence import Outcome
from scripts.probing import ask, observe
from scripts.shell import Completed, ProgramNotFoundError, run
from scripts.verification.integrity import observe_image
from tests.containers.daemon import DockerEngine
from tests.containers.podman import PodmanEngine

pytestmark = pytest.mark.containers


@dataclass(frozen=True, kw_only=True)
class Held:
    """An engine that has an image of ours."""

    engine: DockerEngine | PodmanEngine
    image: str

    def record(self) -> ContainerRecord:
        done = run(engine_named(self.engine.name).inspect_image(self.image), env=self.engine.environ())
        found = read_image(done.stdout)
        assert found is not None, done.stderr
        return ContainerRecord(
            engine=self.engine.name, image=self.image, image_id=found.id, base=self.image, base_id=found.id,
            torch="", cuda=None, python="3.12",
        )  # fmt: skip

    def place(self, *, mounts: tuple[Mount, ...] = ()) -> ContainerPlace:
        checkout = Mount(folder=CHECKOUT, writable=False)
        environ = self.engine.environ()
        return container_place(self.record(), run=run, gpu=False, mounts=(checkout, *mounts), environ=environ)

    def python(self, program: str) -> Completed:
        place = self.place()
        return place.run([str(place.python), "-I", "-c", program])


@pytest.fixture(params=["docker", "podman"])
def held(request: pytest.FixtureRequest) -> Held:
    image = request.getfixturevalue("small_image" if request.param == "docker" else "small_podman_image")
    return Held(engine=request.getfixturevalue(request.param), image=image)


@pytest.fixture(autouse=True)
def _no_container_is_left(held: Held) -> object:
    yield
    assert held.engine.containers() == []


def test_a_probe_that_passes(held: Held, tmp_path: Path) -> None:
    place = held.place()
    found = ask(place.python, "installed", {}, run=place.run, workdir=tmp_path, environ=held.engine.environ())
    assert (found.outcome, found.error) == (Outcome.PASSED, "")
    assert found.detail["prefix"] == "/opt/kokoro-spark"
    assert found.detail["simulated"] is False
    assert list(tmp_path.iterdir()) == []


def test_a_probe_that_fails_says_why(held: Held, tmp_path: Path) -> None:
    place = held.place()
    found = ask(place.python, "device", {}, run=place.run, workdir=tmp_path, environ=held.engine.environ())
    assert found.outcome is Outcome.FAILED
    assert "torch" in found.error


@pytest.mark.parametrize(
    ("program", "outcome", "error"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Outcome.CRASHED, "SIGSEGV"),
        ("import os; os.abort()", Outcome.CRASHED, "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Outcome.KILLED, "SIGKILL"),
        ("import sys; sys.exit(7)", Outcome.CRASHED, "exited 7"),
    ],
)
def test_an_end_is_told_as_it_was(held: Held, program: str, outcome: Outcome, error: str) -> None:
    found = observe("probe", held.python(program), None, timeout=60)
    assert found.outcome is outcome
    assert error in found.error


def test_a_hang_is_ended_with_its_container(held: Held) -> None:
    started = []
    place = held.place()

    def watching(argv: list[str], **options: object) -> Completed:
        done = run(argv, **options)  # type: ignore[arg-type]
        if argv[1] == "run":
            started.extend(held.engine.containers())
        return done

    runner = replace(place.run, run=watching)  # type: ignore[arg-type]
    # It is told to end and does not, as a kernel that never returns would not.
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    done = runner([str(place.python), "-I", "-c", program], timeout=10)
    assert done.returncode is None
    assert len(started) == 1, "it ran when its client was ended"


def test_an_interruption_ends_the_container(held: Held) -> None:
    place = held.place()

    class Interrupted(BaseException):
        pass

    def interrupted(argv: list[str], **options: object) -> Completed:
        if argv[1] != "run":
            return run(argv, **options)  # type: ignore[arg-type]
        run([*argv[:2], "--detach", *argv[2:]], **options)  # type: ignore[arg-type]
        assert len(held.engine.containers()) == 1
        raise Interrupted

    runner = replace(place.run, run=interrupted)  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        runner([str(place.python), "-I", "-c", "import time; time.sleep(3600)"])


def test_a_program_that_is_not_there(held: Held) -> None:
    with pytest.raises(ProgramNotFoundError):
        held.place().run(["/opt/nothing/bin/python"])
    with pytest.raises(ProgramNotFoundError):
        held.place().run(["/opt"])


def test_output_arguments_and_streams_are_the_commands_own(held: Held) -> None:
    place = held.place()
    program = "import sys; print(sys.argv[1:]); print('beside', file=sys.stderr)"
    given = ["two words", "$HOME", 'a "quote"', "", "--help", "ˈɜ"]
    done = place.run([str(place.python), "-I", "-c", program, *given])
    assert done.stdout == f"{given}\n"
    assert done.stderr == "beside\n"


def test_what_is_written_is_the_callers(held: Held, tmp_path: Path) -> None:
    place = held.place()
    program = "import os; open('made', 'w').write('here'); print(os.getcwd(), os.getuid(), os.getgid())"
    done = place.run([str(place.python), "-I", "-c", program], cwd=tmp_path)
    assert done.stdout.split() == [str(tmp_path), str(os.getuid()), str(os.getgid())], done.stderr
    made = tmp_path / "made"
    assert made.read_text() == "here"
    assert (made.stat().st_uid, made.stat().st_gid) == (os.getuid(), os.getgid())


def test_only_what_is_named_is_seen_and_written(held: Held, tmp_path: Path) -> None:
    shared, read_only, hidden = (tmp_path / name for name in ("shared, with a comma", "read-only", "hidden"))
    for folder in (shared, read_only, hidden):
        folder.mkdir()
    mounts = (Mount(folder=shared, writable=True), Mount(folder=read_only, writable=False))
    place = held.place(mounts=mounts)
    program = (
        "import os, sys\n"
        "for folder in sys.argv[1:]:\n"
        "    print(os.path.isdir(folder), os.access(folder, os.W_OK), end=' ')\n"
    )
    done = place.run([str(place.python), "-I", "-c", program, str(shared), str(read_only), str(hidden)])
    assert done.stdout.split() == ["True", "True", "True", "False", "False", "False"], done.stderr


def test_only_variables_about_the_work_are_seen(held: Held) -> None:
    place = held.place()
    environ = held.engine.environ() | {
        "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "3",
        "SIMULATED_GPU_NAME": "no",
        "HF_TOKEN": "secret",
        "PIP_INDEX_URL": "https://user:secret@index.example/simple",
        "TRITON_PTXAS_PATH": "/usr/local/cuda/bin/ptxas",
    }
    program = "import json, os; print('\\n'.join(f'{name}={value}' for name, value in os.environ.items()))"
    seen = dict(
        line.partition("=")[::2]
        for line in place.run([str(place.python), "-I", "-c", program], env=environ).stdout.splitlines()
    )
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["OMP_NUM_THREADS"], seen["HOME"]) == ("0", "3", "/tmp")
    assert not {"SIMULATED_GPU_NAME", "HF_TOKEN", "PIP_INDEX_URL", "TRITON_PTXAS_PATH", "DOCKER_HOST"} & set(seen)
    assert "secret" not in str(seen)


def test_nothing_is_reached_from_inside(held: Held) -> None:
    program = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert held.python(program).stdout.strip() == "['lo']"


def test_no_right_is_left(held: Held) -> None:
    status = held.python("print(open('/proc/self/status').read())").stdout
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_files_are_found_and_copied_out(held: Held, tmp_path: Path) -> None:
    place = held.place()
    (found,) = place.find(Path("/opt/kokoro-spark"), "pyvenv.c*")
    copied = place.fetch(found, tmp_path)
    assert copied == tmp_path / "pyvenv.cfg"
    assert "version = 3." in copied.read_text()
    copied.write_text("there already")
    assert place.fetch(found, tmp_path).read_text() == "there already"
    assert place.find(Path("/opt/kokoro-spark"), "nothing*") == ()


def test_an_image_that_changed_or_is_gone(held: Held) -> None:
    place, record = held.place(), held.record()
    assert observe_image(place, record).outcome is Outcome.PASSED
    moved = observe_image(place, replace(record, image_id="sha256:" + "0" * 64))
    assert moved.outcome is Outcome.FAILED
    assert record.image_id in moved.detail["problems"][0]
    gone = replace(place, image="kokoro-spark/nothing:1", run=replace(place.run, image="sha256:" + "0" * 64))
    assert observe_image(gone, record).detail["problems"] == [f"{record.image}: is gone"]
    with pytest.raises(NoCandidateError) as caught:
        gone.run(["true"])
    assert caught.value.reference == "image-gone"


def test_a_client_that_is_ended_takes_its_container_with_it(held: Held) -> None:
    """As at Ctrl-C: the client waits for its container, so that has to end, whatever the program does with signals."""
    engine = engine_named(held.engine.name)
    program = "trap '' TERM; sleep 3600"
    command = engine.run(
        held.image, ["sh", "-c", program], name="one", mounts=(), variables=(), gpu=False, workdir=None, user=None
    )
    done = run(["timeout", "--signal", "TERM", "--kill-after", "60", "5", *command], env=held.engine.environ())
    assert done.returncode == 124, done.stderr
    run(engine.remove("one"), env=held.engine.environ())  # podman takes it away itself, but after its client's end


TASK = """
import sys, tasks
from scripts.environments.container import container_place
from scripts.model.environment import ContainerRecord
from scripts.shell import run

tasks._handle_signals()
engine, image = sys.argv[1:]
record = ContainerRecord(
    engine=engine, image=image, image_id=image, base="", base_id="", torch="", cuda=None, python="3.12"
)
container_place(record, run=run, gpu=False).run(["sh", "-c", "trap '' TERM INT; sleep 3600"])
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, None)])
def test_a_task_that_is_ended_leaves_no_container(held: Held, *, number: signal.Signals, code: int | None) -> None:
    task = Popen(
        [sys.executable, "-c", TASK, held.engine.name, held.image],
        cwd=CHECKOUT,
        env=held.engine.environ(),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    while not held.engine.containers():
        assert task.poll() is None, task.communicate()
        time.sleep(0.2)
    task.send_signal(number)
    task.communicate()
    assert task.returncode != 0
    assert code is None or task.returncode == code
