"""env.repair with real uv on strangers' environments: what it changes, what it refuses, and byte-for-byte undoing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.backup import Backup
from scripts.environments.foreign import versions_of
from scripts.environments.locking import locked
from scripts.errors import BusyError, ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CHECKOUT
from scripts.model.evidence import VerdictKind
from scripts.model.facts import Interpreter
from scripts.model.repair import Judgement, RepairOutcome
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.repairing import repair, undo
from scripts.operations.repairing_text import foreseen_lines, repair_lines
from scripts.place import Place
from scripts.strategies.override import PACKAGE
from tests.support.index_server import Behaviour
from tests.support.strangers import (
    LIFTED,
    OLD,
    judge_by_version,
    judgement,
    make_uv_venv,
    make_venv,
    nvrtc_wheel,
    site_of,
    torch_wheel,
    tree,
)
from tests.support.world import World, pin

pytestmark = pytest.mark.integration


class Stranger:
    """An environment made by plain pip, and the world that it is repaired in."""

    def __init__(self, world: World, template: Path) -> None:
        self.world = world
        wheels = world.root / "theirs"
        self.wheels = [torch_wheel(wheels), nvrtc_wheel(wheels, OLD)]
        (world.constraints / "nvrtc-override.txt").write_text(pin(nvrtc_wheel(world.root / "default", LIFTED)))
        self.venv = world.root / "their venv"
        shutil.copytree(template, self.venv, symlinks=True)
        self.site = site_of(self.venv)
        self.runs = 0

    def put_unlisted(self) -> None:
        """Files in the package's own folder that its RECORD does not name, odd modes, and a link."""
        folder = self.site / "nvidia" / "cuda_nvrtc"
        (folder / "lib" / "libnvrtc.so").symlink_to("libnvrtc.so.12")
        (folder / "notes.txt").write_text("mine")
        (folder / "notes.txt").chmod(0o600)
        (folder / "lib" / "libnvrtc.so.12").chmod(0o755)
        (folder / "empty").mkdir(mode=0o700)

    def use(self, venv: Path, interpreter: Interpreter, wheels: Sequence[Path]) -> None:
        """Take another environment, made by uv."""
        cache = self.world.root / "uv-cache"
        self.venv = make_uv_venv(venv, interpreter.path, wheels, uv=self.world.uv, cache=cache)
        self.site = site_of(self.venv)

    @property
    def context(self) -> Context:
        return self.world.context()

    @property
    def version(self) -> tuple[str, ...]:
        return versions_of(self.site, PACKAGE)

    @property
    def backup(self) -> Backup:
        return Backup.of(self.world.home, self.venv.resolve())

    def repair(self, **options: Any) -> Any:
        return repair(str(self.venv), self.context, **{"judge": judge_by_version, **options})

    def undo(self) -> Any:
        return undo(str(self.venv), self.context)

    def start(self, *, kill_at: int, undoing: bool) -> tuple[int, str, list[str]]:
        """Repair, or undo, in a process that is killed at a step: its exit code, its words, its steps."""
        self.runs += 1
        request, steps = self.world.root / f"run-{self.runs}.json", self.world.root / f"steps-{self.runs}.txt"
        values = {
            "home": str(self.world.home.root),
            "constraints": str(self.world.constraints),
            "environ": self.world.environ(),
            "uv": self.world.uv,
            "venv": str(self.venv),
            "undo": undoing,
            "steps": str(steps),
            "kill_at": kill_at,
        }
        request.write_text(json.dumps(values))
        argv = [sys.executable, "-m", "tests.support.dying_repair", str(request)]
        done = subprocess.run(
            argv, cwd=CHECKOUT, env=self.world.environ(), capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stderr, steps.read_text().splitlines()

    def refused(self, kind: type[SparkError], **options: Any) -> SparkError:
        before = tree(self.venv)
        with pytest.raises(kind) as caught:
            self.repair(**options)
        assert tree(self.venv) == before
        assert caught.value.hint
        return caught.value


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, interpreter: Interpreter) -> Path:
    """Made once, for that takes seconds. A copy is as good: python finds pyvenv.cfg beside it, and pip runs by it."""
    folder = tmp_path_factory.mktemp("template")
    return make_venv(folder / "venv", interpreter.path, [torch_wheel(folder), nvrtc_wheel(folder, OLD)])


@pytest.fixture
def stranger(world: World, template: Path) -> Stranger:
    return Stranger(world, template)


def test_a_repair_and_its_undoing_byte_for_byte(stranger: Stranger) -> None:
    stranger.put_unlisted()
    before = tree(stranger.venv)
    assert any("REQUESTED" in name or "INSTALLER" in name for name in before)
    done = stranger.repair()
    assert (done.outcome, done.version, done.lifted, done.exit_code) == (
        RepairOutcome.REPAIRED,
        OLD,
        LIFTED,
        ExitCode.OK,
    )
    assert (done.before.outcome, done.after.outcome) == (VerdictKind.NEEDED, VerdictKind.NOT_NEEDED)
    assert stranger.version == (LIFTED,)
    assert (stranger.site / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so.12").read_text().endswith(LIFTED)
    assert (stranger.site / "nvidia" / "__init__.py").is_file(), "other packages of NVIDIA's share it"
    words = "\n".join(repair_lines(done))
    assert "predicted needed for 12.1" in words
    assert f"`invoke env.repair {stranger.venv.resolve()} --undo`" in words
    assert "would put" in foreseen_lines(str(stranger.venv), stranger.context, undone=True)[0]
    undone = stranger.undo()
    assert (undone.outcome, undone.version) == (RepairOutcome.UNDONE, OLD)
    assert tree(stranger.venv) == before
    assert not stranger.backup.folder.exists()
    pip = [str(stranger.venv / "bin" / "python"), "-I", "-m", "pip", "uninstall", "--quiet", "--yes", PACKAGE]
    assert subprocess.run(pip, check=False, env=stranger.world.environ()).returncode == 0
    assert not stranger.version, "pip's own view is whole: it takes it out again"


def test_an_environment_by_uv_without_pip(stranger: Stranger, interpreter: Interpreter) -> None:
    stranger.use(stranger.world.root / "by-uv", interpreter, stranger.wheels)
    before = tree(stranger.venv)
    assert stranger.repair().outcome is RepairOutcome.REPAIRED
    library = stranger.site / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so.12"
    assert library.stat().st_nlink == 1, "no file is shared with uv's cache"
    assert stranger.undo().outcome is RepairOutcome.UNDONE
    assert tree(stranger.venv) == before


def test_by_its_interpreter_and_from_another_folder(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    python = str(stranger.venv / "bin" / "python")
    assert repair(python, stranger.context, judge=judge_by_version).outcome is RepairOutcome.REPAIRED
    undo(python, stranger.context)
    assert tree(stranger.venv) == before


def test_what_is_no_better_is_put_back_and_said(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    done = stranger.repair(judge=lambda *_: judgement(VerdictKind.NEEDED, "as ever"))
    assert (done.outcome, done.backup) == (RepairOutcome.PUT_BACK, None)
    assert done.exit_code is ExitCode.PATCH_NEEDED
    assert "no better" in repair_lines(done)[0]
    assert tree(stranger.venv) == before
    assert not stranger.backup.folder.exists()


def test_a_judge_that_fails_afterwards(stranger: Stranger) -> None:
    before = tree(stranger.venv)

    def judge(place: Place, target: ComputeCapability, context: Context) -> Judgement:
        if stranger.version == (LIFTED,):
            raise IntegrityError("a file is not what was installed", reference="damaged", hint="none")
        return judge_by_version(place, target, context)

    with pytest.raises(IntegrityError, match="a file is not"):
        stranger.repair(judge=judge)
    assert tree(stranger.venv) == before
    assert not stranger.backup.folder.exists()


def test_an_index_that_does_not_deliver_leaves_everything(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    stranger.world.default.behaviours = {PACKAGE: Behaviour(truncated=True)}
    stranger.world.variables["UV_HTTP_RETRIES"] = "0"
    with pytest.raises(SparkError):
        stranger.repair()
    assert tree(stranger.venv) == before
    assert not stranger.backup.folder.exists()


def test_an_index_out_of_reach(stranger: Stranger) -> None:
    stranger.world.variables["UV_DEFAULT_INDEX"] = "http://127.0.0.1:9/simple"
    stranger.refused(NetworkError)
    assert not stranger.backup.folder.exists()


def test_another_file_than_the_pinned_one(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    path = stranger.world.constraints / "nvrtc-override.txt"
    path.write_text(f"{PACKAGE}=={LIFTED} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(IntegrityError) as caught:
        stranger.repair()
    assert caught.value.reference == "hash-mismatch"
    assert tree(stranger.venv) == before


def test_a_second_repair(stranger: Stranger) -> None:
    first = stranger.repair()
    before = tree(stranger.venv)
    second = stranger.repair()
    assert (second.outcome, second.backup, second.exit_code) == (RepairOutcome.STANDING, first.backup, ExitCode.OK)
    assert tree(stranger.venv) == before
    assert any("would do nothing" in line for line in foreseen_lines(str(stranger.venv), stranger.context))


def test_a_repair_of_what_pip_undid_by_itself(stranger: Stranger) -> None:
    """The old backup is of no more use: what pip put there is kept instead."""
    stranger.repair()
    pip = [str(stranger.venv / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(stranger.wheels[1])], check=True, env=stranger.world.environ())
    before = tree(stranger.venv)
    assert stranger.repair().outcome is RepairOutcome.REPAIRED
    stranger.undo()
    assert tree(stranger.venv) == before


def test_an_undoing_without_a_repair(stranger: Stranger) -> None:
    with pytest.raises(NoCandidateError) as caught:
        stranger.undo()
    assert caught.value.reference == "nothing-to-undo"


@pytest.mark.parametrize("how", ["changed", "gone", "new", "another"])
def test_an_environment_that_was_changed_since_is_not_undone(stranger: Stranger, how: str) -> None:
    stranger.repair()
    folder = stranger.site / "nvidia" / "cuda_nvrtc"
    match how:
        case "changed":
            (folder / "lib" / "libnvrtc.so.12").write_text("patched by hand")
        case "gone":
            (folder / "lib" / "libnvrtc.so.12").unlink()
        case "new":
            (folder / "lib" / "libmine.so").write_text("mine")
        case _:
            pip = [str(stranger.venv / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index"]
            wheel = nvrtc_wheel(stranger.world.root / "theirs", "12.6.77")
            subprocess.run([*pip, "--no-deps", str(wheel)], check=True, env=stranger.world.environ())
    before = tree(stranger.venv)
    with pytest.raises(IntegrityError) as caught:
        stranger.undo()
    assert caught.value.reference == "changed-since"
    assert {"changed": "was changed", "gone": "is gone", "new": "was not there", "another": "12.6.77"}[
        how
    ] in caught.value.context
    assert tree(stranger.venv) == before
    assert stranger.backup.read() is not None, "nothing is lost"


def test_what_python_compiled_since_is_no_change(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    stranger.repair()
    compiled = stranger.site / "nvidia" / "cuda_nvrtc" / "__pycache__"
    compiled.mkdir()
    (compiled / "x.cpython-312.pyc").write_bytes(b"x")
    stranger.undo()
    assert tree(stranger.venv) == before


def test_a_damaged_backup_is_found_before_anything_is_touched(stranger: Stranger) -> None:
    stranger.repair()
    before = tree(stranger.venv)
    data = stranger.backup.tar.read_bytes()
    where = data.index(f"libnvrtc.so.12 {OLD}".encode())
    stranger.backup.tar.write_bytes(data[:where] + b"X" + data[where + 1 :])
    with pytest.raises(IntegrityError) as caught:
        stranger.undo()
    assert caught.value.reference == "damaged-backup"
    assert "libnvrtc.so.12" in caught.value.context
    assert tree(stranger.venv) == before


def test_two_at_once(stranger: Stranger) -> None:
    path = stranger.world.home.locks / f"repair-{stranger.backup.folder.name}.lock"
    with locked(path, wait_seconds=0, waiting=print):
        stranger.refused(BusyError)


def test_ours_is_refused(stranger: Stranger) -> None:
    world = stranger.world
    made = world.setup(world.request(source="default"))
    with pytest.raises(UsageError) as caught:
        repair(str(world.home.environments / made.environment), stranger.context, judge=judge_by_version)
    assert caught.value.reference == "ours"
    assert "nvrtc-override" in caught.value.hint


def test_a_python_that_others_use_is_refused(stranger: Stranger, interpreter: Interpreter) -> None:
    with pytest.raises(UsageError) as caught:
        repair(os.path.realpath(interpreter.path), stranger.context, judge=judge_by_version)
    assert caught.value.reference == "system-python"


NOTHING: dict[str, tuple[str | None, str | None, str]] = {
    "a CPU build": (None, None, "cpu-only-build"),
    "CUDA 13": ("13.0", None, "nothing-to-repair"),
    "an NVRTC inside torch": ("12.8", None, "nvrtc-inside"),
    "an NVRTC that is new enough": ("12.9", LIFTED, "nothing-to-repair"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_not_to_be_repaired(world: World, interpreter: Interpreter, template: Path, name: str) -> None:
    cuda, nvrtc, reference = NOTHING[name]
    stranger = Stranger(world, template)
    wheels = [torch_wheel(world.root / "other", cuda=cuda)]
    wheels += [nvrtc_wheel(world.root / "other", nvrtc)] if nvrtc else []
    stranger.use(world.root / "other-venv", interpreter, wheels)
    assert stranger.refused(NoCandidateError).reference == reference
    assert not stranger.backup.folder.exists()


def test_a_folder_without_torch(stranger: Stranger, interpreter: Interpreter) -> None:
    stranger.use(stranger.world.root / "bare", interpreter, [stranger.wheels[1]])
    assert stranger.refused(NoCandidateError).reference == "no-torch"


@pytest.mark.parametrize(
    ("kind", "prediction", "reference"),
    [
        (VerdictKind.UNDECIDED, VerdictKind.NOT_NEEDED, "nothing-to-repair"),
        (VerdictKind.NOT_NEEDED, VerdictKind.NOT_NEEDED, "nothing-to-repair"),
        (VerdictKind.BROKEN, VerdictKind.BROKEN, "not-repairable"),
    ],
)
def test_what_no_nvrtc_would_make_better(
    stranger: Stranger, kind: VerdictKind, prediction: VerdictKind, reference: str
) -> None:
    found = judgement(prediction, "why", kind=kind)
    error = stranger.refused(NoCandidateError, judge=lambda *_: found, target=GB10)
    assert (error.reference, error.context) == (reference, "why")


def test_a_dry_run_changes_nothing(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    lines = foreseen_lines(str(stranger.venv), stranger.context)
    assert f"NVRTC {OLD}" in lines[0]
    assert any(LIFTED in line for line in lines)
    assert tree(stranger.venv) == before
    assert not stranger.world.home.root.exists()


def test_a_kill_at_every_step_of_a_repair_can_be_undone_or_gone_on_from(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    killed_before: list[str] = []
    while True:
        code, words, steps = stranger.start(kill_at=len(killed_before) + 1, undoing=False)
        if code == 0:
            break
        assert code == -signal.SIGKILL, words
        killed_before.append(steps[-1])
        if stranger.backup.read() is None:
            assert tree(stranger.venv) == before, killed_before[-1]
        elif len(killed_before) % 2:
            done = stranger.repair()
            assert done.outcome is RepairOutcome.REPAIRED
            stranger.undo()
        else:
            stranger.undo()
        assert tree(stranger.venv) == before, killed_before[-1]
    assert sum(step.startswith("uv ") for step in killed_before) == 1
    assert stranger.version == (LIFTED,)


def test_a_kill_at_every_step_of_an_undoing(stranger: Stranger) -> None:
    before = tree(stranger.venv)
    killed_before: list[str] = []
    while True:
        if stranger.version != (LIFTED,):
            stranger.repair()
        code, words, steps = stranger.start(kill_at=len(killed_before) + 1, undoing=True)
        if code == 0:
            break
        assert code == -signal.SIGKILL, words
        killed_before.append(steps[-1])
        if stranger.backup.read() is not None:
            stranger.undo()
        assert tree(stranger.venv) == before, killed_before[-1]
    assert any(step.endswith("libnvrtc.so.12.kokoro-spark") for step in killed_before)
    assert tree(stranger.venv) == before


UV_ENDINGS = {
    "before it began": "exit 2",
    "when the old one was gone": 'rm -r "$site"/nvidia_cuda_nvrtc_cu12-* "$site"/nvidia/cuda_nvrtc; exit 2',
    "half way": 'rm -r "$site"/nvidia_cuda_nvrtc_cu12-*; echo 1 > "$site"/nvidia/cuda_nvrtc/lib/libnvrtc.so.12; exit 2',
    "by a signal": 'rm -r "$site"/nvidia/cuda_nvrtc/lib; kill -KILL $$',
}


@pytest.mark.parametrize("name", UV_ENDINGS)
@pytest.mark.parametrize("with_us", [False, True], ids=["alone", "with us"])
def test_a_uv_that_ends_half_way(stranger: Stranger, name: str, *, with_us: bool) -> None:
    """It fails and all is put back; or it takes us with it, and the next one goes on."""
    stranger.put_unlisted()
    before = tree(stranger.venv)
    world = stranger.world
    path = world.root / "bin" / "uv"
    parent = "kill -KILL $PPID\n" if with_us else ""
    text = UV_ENDINGS[name].replace("exit 2", f"{parent}exit 2").replace("kill -KILL $$", f"{parent}kill -KILL $$")
    path.write_text(f'#!/bin/sh\nsite="{stranger.site}"\n{text}\n')
    path.chmod(0o755)
    real, world.uv = world.uv, str(path)
    code, words, _ = stranger.start(kill_at=0, undoing=False)
    world.uv = real
    if with_us:
        assert code == -signal.SIGKILL, words
        assert tree(stranger.venv) != before or name == "before it began"
        assert "would put back first" in foreseen_lines(str(stranger.venv), stranger.context)[0]
        done = stranger.undo()
        assert done.notes
    else:
        assert code == ExitCode.BUILD, words
    assert tree(stranger.venv) == before
    assert not stranger.backup.folder.exists()


def test_another_release_that_was_put_there_after_a_kill(stranger: Stranger) -> None:
    _, _, steps = stranger.start(kill_at=0, undoing=False)
    stranger.undo()
    at = next(number for number, step in enumerate(steps, 1) if step.startswith("uv "))
    code, _, _ = stranger.start(kill_at=at, undoing=False)
    assert code == -signal.SIGKILL
    pip = [str(stranger.venv / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    wheel = nvrtc_wheel(stranger.world.root / "theirs", "12.6.77")
    subprocess.run([*pip, str(wheel)], check=True, env=stranger.world.environ())
    for act in (stranger.repair, stranger.undo):
        with pytest.raises(IntegrityError) as caught:
            act()
        assert caught.value.reference == "changed-since"
        assert "12.6.77" in caught.value.context
    assert stranger.version == ("12.6.77",)
