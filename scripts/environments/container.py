"""A container environment as a place: every command in a container of its own, files copied out of the image."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.environments.engine_errors import UNKNOWN, engine_failure, engine_missing
from scripts.environments.engines import Engine, Mount, engine_named, read_image
from scripts.environments.sharing import ENVIRONMENT, is_shared, passed_on
from scripts.model.environment import ContainerRecord
from scripts.model.target import PythonVersion
from scripts.shell import Completed, ProgramNotFoundError, Runner

PYTHON = ENVIRONMENT / "bin" / "python"
"""The environment's interpreter in every image of ours."""

ENGINE_FAILED, NOT_STARTABLE, NOT_FOUND = 125, 126, 127
_SIGNALLED = 128
_SET_UP_AGAIN = "run `invoke setup` again with the options that the environment was set up with"
_PATIENCE = 60.0
"""Seconds for what an engine does by itself: ending a container, telling of an image."""


@dataclass(frozen=True, kw_only=True)
class ContainerRunner:
    """A Runner whose commands run inside, as the caller's user; paths below its mounts are the same there."""

    engine: Engine
    image: str
    """Its id or a tag of it."""
    run: Runner
    """What starts the engine's client."""
    gpu: bool
    mounts: tuple[Mount, ...]
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    """What the client finds its engine by, where a call names no environment (None: this process's own)."""

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
        """Run a command inside; see scripts.shell.run. No container of it is left, however it ends.

        `cwd` is mounted, and can be written. Of `env` (None: `environ`) the command is given what passed_on names; all
        of it is the client's, which finds the engine by it.

        Raises ProgramNotFoundError where the image has no such program, and what engine_failure gives.
        """
        given = self.client_environment() if env is None else dict(env)
        mounts = self.mounts
        if cwd is not None and not is_shared(cwd, mounts, writable=True):
            mounts = (*mounts, Mount(folder=cwd, writable=True))
        name = container_name()
        command = self.engine.run(
            self.image,
            argv,
            name=name,
            mounts=mounts,
            variables=passed_on(given, mounts),
            gpu=self.gpu,
            workdir=cwd,
            user=f"{os.getuid()}:{os.getgid()}",
        )
        try:
            done = self.run(command, env=given, timeout=timeout, tee=tee, pass_fds=pass_fds)
        except ProgramNotFoundError as error:
            raise engine_missing(self.engine.name, doing=f"running {argv[0]}") from error
        except BaseException:
            end_container(self.engine, name, self.run, given)
            raise
        if done.returncode is None:
            end_container(self.engine, name, self.run, given)
            return replace(done, argv=tuple(argv))
        code = own_exit(done.returncode, done.stderr, program=argv[0], engine=self.engine, image=self.image)
        return replace(done, argv=tuple(argv), returncode=code)

    def client_environment(self) -> dict[str, str]:
        """Give the environment of a client that is asked for something by itself."""
        return dict(os.environ if self.environ is None else self.environ)


def container_name() -> str:
    """Make up a name that no other container has."""
    return f"kokoro-spark-{os.getpid()}-{secrets.token_hex(4)}"


def end_container(engine: Engine, name: str, run: Runner, environ: Mapping[str, str]) -> None:
    """End a container whose client is gone; where it ended by itself, the engine says so, and that is well."""
    for command in (engine.kill(name), engine.remove(name)):
        run(command, env=environ, timeout=_PATIENCE)


def own_exit(code: int, words: str, *, program: str, engine: Engine, image: str, hint: str = _SET_UP_AGAIN) -> int:
    """Turn the exit code of a client that ran a program into the program's own; a signal's is negative.

    `words` are what the client wrote on stderr. Raises ProgramNotFoundError, with `hint`, where the image has no such
    program, and what engine_failure gives.
    """
    doing = f"running {Path(program).name} in a container"
    if code == ENGINE_FAILED or (code and "exec format error" in words.lower()):
        raise engine_failure(words, doing=doing, engine=engine.name)
    if code in {NOT_STARTABLE, NOT_FOUND}:
        error = engine_failure(words, doing=doing, engine=engine.name)
        if error.reference != UNKNOWN:  # podman says 126 for most of what the engine itself could not do
            raise error
        raise ProgramNotFoundError(
            f"{program} cannot be started in the image {image}",
            context=words.strip(),
            reference="program-not-found",
            hint=hint,
        )
    if code - _SIGNALLED in set(signal.Signals):
        return _SIGNALLED - code
    return code


@dataclass(frozen=True, kw_only=True)
class ContainerPlace:
    """A scripts.place.Place: an environment in an image."""

    python: Path
    run: ContainerRunner
    image: str
    """The tag that we gave the image; `run` takes its id."""
    python_version: str
    """`3.12.3`."""

    def sharing(self, folder: Path) -> ContainerPlace:
        """Give the same place with a folder in it that can be written."""
        mounts = (*self.run.mounts, Mount(folder=folder, writable=True))
        return replace(self, run=replace(self.run, mounts=mounts))

    def find(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """List the files of a folder of the image whose name fits the pattern, by name."""
        program = "import pathlib, sys; print(*pathlib.Path(sys.argv[1]).glob(sys.argv[2]), sep='\\n')"
        done = self.run([str(self.python), "-I", "-c", program, str(folder), pattern], timeout=_PATIENCE)
        if not done.ok:
            raise engine_failure(done.stderr, doing=f"looking into {folder}", engine=self.run.engine.name)
        return tuple(sorted(Path(line) for line in done.stdout.splitlines() if line))

    def fetch(self, path: Path, folder: Path) -> Path:
        """Copy a file out of the image into `folder`, once. Nothing is started for it.

        Raises what engine_failure gives.
        """
        copied = folder / path.name
        if copied.exists():
            return copied
        engine, name = self.run.engine, container_name()
        doing = f"copying {path} out of the image"
        self._ask(engine.create(self.run.image, name=name), doing=doing)
        try:
            self._ask(engine.copy_out(name, path, folder), doing=doing)
        finally:
            self.run.run(engine.remove(name), env=self.run.client_environment(), timeout=_PATIENCE)
        return copied

    def image_id(self) -> str | None:
        """Give the id of the image that our tag names now; None: none any more.

        Raises EngineError where the engine does not answer.
        """
        engine = self.run.engine
        done = self._start(engine.inspect_image(self.image), doing="looking at the image")
        found = read_image(done.stdout)
        if found is not None:
            return found.id
        error = engine_failure(done.stderr, doing="looking at the image", engine=engine.name)
        if error.reference != "image-gone":
            raise error
        return None

    def uv_python(self) -> tuple[str, ...]:
        """Name the version: its interpreter is not here."""
        return ("--python-version", str(PythonVersion.parse(self.python_version)))

    def _ask(self, command: list[str], *, doing: str) -> Completed:
        done = self._start(command, doing=doing)
        if not done.ok:
            raise engine_failure(done.stderr, doing=doing, engine=self.run.engine.name)
        return done

    def _start(self, command: list[str], *, doing: str) -> Completed:
        try:
            return self.run.run(command, env=self.run.client_environment())
        except ProgramNotFoundError as error:
            raise engine_missing(self.run.engine.name, doing=doing) from error


def container_place(
    record: ContainerRecord,
    *,
    run: Runner,
    gpu: bool,
    mounts: Sequence[Mount] = (),
    environ: Mapping[str, str] | None = None,
) -> ContainerPlace:
    """Give the place of an environment that was built. It runs by the id on record: a tag can be moved."""
    runner = ContainerRunner(
        engine=engine_named(record.engine),
        image=record.image_id,
        run=run,
        gpu=gpu,
        mounts=tuple(mounts),
        environ=environ,
    )
    return ContainerPlace(python=PYTHON, run=runner, image=record.image, python_version=record.python)
