"""A plan carried out by a scripted uv: every step's command, and what is left after a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.environments.executor import Executor, check_torch, describe
from scripts.environments.store import Store, read_record
from scripts.errors import DiskError, IntegrityError, NetworkError
from scripts.home import Home
from scripts.model.environment import RECORD_NAME, EnvironmentState
from scripts.model.plan import CheckConsistency, CreateVenv, Step
from scripts.shell import Completed
from tests.support.plans import STEPS, plan


@dataclass
class PretendingUv:
    """Does of uv what leaves traces; fails at the command whose words hold `fail_at`."""

    folder: Path
    fail_at: str = ""
    stderr: str = "error: error sending request for url"
    torch: str = "2.15.0"
    seen: list[list[str]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    descriptors: list[Sequence[int]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        self.seen.append(list(argv))
        self.environments.append(env or {})
        self.descriptors.append(pass_fds)
        if self.fail_at and self.fail_at in " ".join(argv):
            return Completed(argv=tuple(argv), returncode=2, stdout="", stderr=self.stderr, seconds=0.0)
        if "venv" in argv:
            (self.folder / "bin").mkdir()
            (self.folder / "bin" / "python").touch()
        elif Path(argv[-1]).parent.name == "locks" and "cu130" in Path(argv[-1]).name:
            folder = self.folder / "lib" / "python3.12" / "site-packages" / f"torch-{self.torch}.dist-info"
            folder.mkdir(parents=True)
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {self.torch}\n")
            (folder / "RECORD").write_text("torch/__init__.py,,\n")
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", seconds=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(root=tmp_path))


@pytest.fixture
def uv(store: Store) -> PretendingUv:
    return PretendingUv(store.path(plan().environment))


def executor(store: Store, uv: PretendingUv) -> Executor:
    return Executor(
        store=store,
        run=uv,
        uv="/bin/uv",
        environ={"UV_NO_CONFIG": "1"},
        uv_version="0.13.9",
        make_wheel=lambda name, folder: folder / f"{name}-0.1.0-py3-none-any.whl",
        lock_descriptor=7,
    )


def test_every_step_is_one_command(store: Store, uv: PretendingUv, tmp_path: Path) -> None:
    record = executor(store, uv).realise(plan())
    at = str(uv.folder)
    locks = uv.folder / "locks"
    torch, rest = locks / "cu130-x86-64-cp312.txt", locks / "kokoro-x86-64-cp312.txt"
    build = locks / "kokoro-x86-64-cp312-build.txt"
    made = tmp_path / "cache" / "made" / ("1" * 12) / "kokoro_spark-0.1.0-py3-none-any.whl"
    install = ["pip", "install", "--python", at, "--no-deps"]
    assert [one[:2] for one in uv.seen] == [["/bin/uv", "--no-config"]] * 5
    assert [one[2:] for one in uv.seen] == [
        ["venv", "--quiet", "--relocatable", "--allow-existing", "--python", "/usr/bin/python3.12", at],
        [
            *install,
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(torch),
        ],
        [
            *install,
            "--require-hashes",
            "--build-constraints",
            str(build),
            "--require-build-hashes",
            "--preview-features",
            "build-dependency-hashes",
            "-r",
            str(rest),
        ],
        ["pip", "install", "--quiet", *install[2:], "--no-index", "--offline", str(made)],
        ["pip", "check", "--quiet", "--python", at],
    ]
    assert torch.read_text().startswith("torch==2.15.0 --hash=sha256:")
    assert build.read_text().startswith("setuptools==")
    # The lane by variable: a URL with credentials is not for everyone's process list.
    of_lane = {"UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": "https://lane.example/whl/cu130"}
    assert uv.environments == [{"UV_NO_CONFIG": "1"}, of_lane, *[{"UV_NO_CONFIG": "1"}] * 3]
    assert uv.descriptors == [(7,)] * 5
    assert (record.state, record.completed_steps) == (EnvironmentState.READY, 5)
    assert [one.name for one in record.distributions] == ["torch"]
    assert read_record(uv.folder) == record


@pytest.mark.parametrize(
    ("fail_at", "reference"), [("venv", "index-failed"), ("locks/cu130", "index-failed"), ("pip check", "index-failed")]
)
def test_a_failure_leaves_the_reason_and_nothing_else(
    store: Store, uv: PretendingUv, fail_at: str, reference: str
) -> None:
    uv.fail_at = fail_at
    with pytest.raises(NetworkError) as caught:
        executor(store, uv).realise(plan())
    assert caught.value.reference == reference
    record = read_record(uv.folder)
    assert (record.state, record.reason) == (EnvironmentState.FAILED, caught.value.message)
    assert [path.name for path in uv.folder.iterdir()] == [RECORD_NAME]


def test_what_a_killed_setup_left_is_cleared_first(store: Store, uv: PretendingUv) -> None:
    uv.fail_at = "pip check"
    with pytest.raises(NetworkError):
        executor(store, uv).realise(plan())
    (uv.folder / "lib").mkdir()
    (uv.folder / "lib" / "half").touch()
    uv.fail_at = ""
    assert executor(store, uv).realise(plan()).state is EnvironmentState.READY
    assert not (uv.folder / "lib" / "half").exists()


def test_a_folder_that_is_not_ours_is_left_alone(store: Store, uv: PretendingUv) -> None:
    uv.folder.mkdir(parents=True)
    (uv.folder / "thesis.txt").touch()
    with pytest.raises(DiskError) as caught:
        executor(store, uv).realise(plan())
    assert caught.value.reference == "not-ours"
    assert [path.name for path in uv.folder.iterdir()] == ["thesis.txt"]
    assert uv.seen == []


@pytest.mark.parametrize(("torch", "told"), [("2.15.0+cpu", "2.15.0+cpu"), ("2.14.1", "2.14.1")])
def test_another_torch_than_planned_is_no_environment(store: Store, uv: PretendingUv, torch: str, told: str) -> None:
    uv.torch = torch
    with pytest.raises(IntegrityError, match=told.replace("+", r"\+")) as caught:
        executor(store, uv).realise(plan())
    assert caught.value.reference == "wrong-torch"
    assert read_record(uv.folder).state is EnvironmentState.FAILED


def test_a_missing_torch(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="is missing, planned was 2"):
        check_torch(CheckConsistency(torch="2.15.0", cuda=None), tmp_path)


DESCRIBED: list[tuple[Step, str]] = [
    (STEPS[0], "create a venv of Python 3.12.3 (/usr/bin/python3.12)"),
    (CreateVenv(interpreter="", python="3.12"), "create a venv of Python 3.12"),
    (
        STEPS[1],
        "install 2 packages pinned by constraints/cu130-x86_64-cp312.txt from https://lane.example/whl/cu130",
    ),
    (STEPS[2], "install 1 packages pinned by constraints/kokoro-x86_64-cp312.txt from the default index"),
    (STEPS[3], "install kokoro_spark 0.1.0, made here"),
    (STEPS[4], "check that everything fits together and torch is 2.15.0 (CUDA 13.0)"),
    (
        CheckConsistency(torch="2.15.0+cpu", cuda=None),
        "check that everything fits together and torch is 2.15.0+cpu (CPU only)",
    ),
]


@pytest.mark.parametrize(("step", "words"), DESCRIBED)
def test_describe(step: Step, words: str) -> None:
    assert describe(step) == words


def test_every_kind_of_step_is_described() -> None:
    assert {type(step) for step, _ in DESCRIBED} == {type(step) for step in STEPS}
