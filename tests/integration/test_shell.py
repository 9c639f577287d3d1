"""shell.run with real processes: output, time-outs, signals, locks handed down."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.errors import ExitCode
from scripts.home import CHECKOUT
from scripts.shell import ProgramNotFoundError, end_children, processes, run, set_echo

pytestmark = pytest.mark.integration


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def eventually(condition: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_alive(pid: int) -> bool:
    """Tell a running process from one that is gone, or dead and not yet collected by its parent."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def is_locked(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_output_and_exit_code() -> None:
    done = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (done.stdout, done.stderr, done.returncode, done.ok) == ("out\n", "err\n", 3, False)
    assert done.argv[0] == sys.executable
    assert run(python("pass")).ok


def test_big_output_on_both_streams_at_once() -> None:
    size = 3_000_000  # many times a pipe's buffer: who reads one stream after the other hangs here
    code = f"import sys; sys.stdout.write('o'*{size}); sys.stderr.write('e'*{size}); sys.stdout.write('end')"
    done = run(python(code), timeout=60)
    assert done.ok
    assert (len(done.stdout), len(done.stderr)) == (size + 3, size)
    assert done.stdout.endswith("end")


def test_output_that_is_no_text() -> None:
    done = run(python(r"import os; os.write(1, b'a\xff\n')"))
    assert done.stdout == "a\N{REPLACEMENT CHARACTER}\n"


def test_there_is_no_input() -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), timeout=10).stdout == "''\n"


def test_environment_and_folder(tmp_path: Path) -> None:
    done = run(python("import os; print(os.getcwd(), sorted(os.environ))"), env={"ONLY": "this"}, cwd=tmp_path)
    assert str(tmp_path) in done.stdout
    assert "'ONLY'" in done.stdout
    assert "'HOME'" not in done.stdout


def test_the_program_is_looked_for_on_the_childs_path(tmp_path: Path) -> None:
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert run(["only-here"], env={"PATH": str(tmp_path)}).stdout == "found\n"
    with pytest.raises(ProgramNotFoundError) as caught:
        run(["only-here"])
    assert caught.value.exit_code == ExitCode.BUILD
    assert caught.value.reference == "program-not-found"


def test_arguments_are_no_shell() -> None:
    assert run(["echo", "$HOME; ls", "*"]).stdout == "$HOME; ls *\n"


def test_death_by_a_signal_is_a_negative_code() -> None:
    assert run(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")).returncode == -signal.SIGSEGV


def test_a_child_that_overstays_is_killed_with_its_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(note)!r}, "w").write(str(child.pid))
print("so far", flush=True)
time.sleep(60)
"""
    done = run(python(code), timeout=3)
    assert (done.returncode, done.ok) == (None, False)
    assert done.stdout == "so far\n"
    assert 2.9 < done.seconds < 10
    assert eventually(lambda: not is_alive(int(note.read_text())))


def test_a_timeout_counts_though_the_child_keeps_talking() -> None:
    done = run(python("while True: print('y' * 1000)"), timeout=1)
    assert done.returncode is None
    assert done.seconds < 10


def test_end_children_ends_the_whole_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(note)!r}, "w").write(str(child.pid) + "\\n")
time.sleep(60)
"""
    answers: list[int | None] = []
    thread = threading.Thread(target=lambda: answers.append(run(python(code)).returncode))
    thread.start()
    assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    end_children()
    thread.join(10)
    assert answers == [-signal.SIGTERM]
    assert eventually(lambda: not is_alive(int(note.read_text())))
    assert not processes.live


def test_many_threads_at_once() -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = run(["echo", str(number)]).stdout

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {number: f"{number}\n" for number in range(24)}
    assert not processes.live


def test_an_exception_in_us_ends_the_child(tmp_path: Path) -> None:
    """As Ctrl-C does: the handler raises while run is waiting."""
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 2)
        with pytest.raises(KeyboardInterrupt):
            run(python(code))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert eventually(lambda: not is_alive(int(note.read_text())))
    assert not processes.live


HOLDER = """
import fcntl, sys
sys.path.insert(0, sys.argv[1])
from scripts.shell import run
lock = open(sys.argv[2], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
run([sys.executable, "-I", "-c", "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid()) + chr(10));"
     "time.sleep(60)", sys.argv[3]], pass_fds=[lock.fileno()])
"""


def test_a_lock_handed_down_is_held_by_the_orphan(tmp_path: Path) -> None:
    """SIGKILL of setup leaves its uv at work: until that is gone, nobody else may touch the environment."""
    lock, note = tmp_path / "lock", tmp_path / "pid"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(CHECKOUT), str(lock), str(note)])
    orphan = 0
    try:
        assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
        orphan = int(note.read_text())
        assert is_locked(lock)
        holder.kill()
        holder.wait(10)
        assert is_alive(orphan)
        assert is_locked(lock)
        os.kill(orphan, signal.SIGKILL)
        assert eventually(lambda: not is_locked(lock))
    finally:
        holder.kill()
        holder.wait(10)
        if orphan and is_alive(orphan):
            os.kill(orphan, signal.SIGKILL)


def test_a_lock_that_is_not_handed_down_is_not_the_childs(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code = f"import os; print(any(os.path.realpath(f'/proc/self/fd/{{n}}') == {str(lock)!r} for n in range(64)))"
        assert run(python(code)).stdout == "False\n"
        assert run(python(code), pass_fds=[file.fileno()]).stdout == "True\n"


def test_echo_shows_the_command_without_credentials(capfd: pytest.CaptureFixture[str]) -> None:
    set_echo(on=True)
    try:
        run(["echo", "https://ada:secret@mirror.example/s", "two words"])
    finally:
        set_echo(on=False)
    shown = capfd.readouterr().err
    assert shown == "+ echo 'https://****@mirror.example/s' 'two words'\n"


TEE = """
import sys
sys.path.insert(0, sys.argv[1])
from scripts.shell import run
code = "import sys; print(sys.stderr.isatty(), end=''); sys.stderr.write('bar 1'); sys.stderr.write(chr(13) + 'bar 2')"
done = run([sys.executable, "-I", "-c", code], tee=True)
print(repr((done.stdout, done.stderr, done.returncode)))
"""


def test_tee_shows_the_childs_bars_on_a_terminal_and_keeps_them() -> None:
    ours, theirs = os.openpty()
    try:
        shown = subprocess.Popen(
            [sys.executable, "-c", TEE, str(CHECKOUT)], stdout=subprocess.PIPE, stderr=theirs, stdin=subprocess.DEVNULL
        )
        os.close(theirs)
        out, _ = shown.communicate(timeout=30)
        assert out.decode() == "('True', 'bar 1\\rbar 2', 0)\n"
        assert os.read(ours, 1000) == b"bar 1\rbar 2"
    finally:
        os.close(ours)


def test_tee_without_a_terminal_only_keeps(capfd: pytest.CaptureFixture[str]) -> None:
    done = run(python("import sys; print(sys.stderr.isatty()); sys.stderr.write('bar')"), tee=True)
    assert (done.stdout, done.stderr) == ("False\n", "bar")
    assert capfd.readouterr().err == ""
