"""Run the commands of a build in containers of its image, one each: what each sees of this machine, and how it ends."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.environments.container import container_name, end_container, own_exit
from scripts.environments.engine_errors import engine_missing
from scripts.environments.engines import Engine, Mount
from scripts.environments.locking import locked
from scripts.environments.sharing import is_shared, passed_on
from scripts.shell import Completed, ProgramNotFoundError, Runner, Streamed, Streamer

IMAGE_PATH = "/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_OF_BUILDS = frozenset(
    {"CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "LDFLAGS", "NVCC_APPEND_FLAGS", "SOURCE_DATE_EPOCH"}
)
_OF_BUILDS_PREFIXES = ("CCACHE_", "CMAKE_")
_PROXIES = tuple(f"{one}_PROXY" for one in ("ALL", "HTTP", "HTTPS", "NO"))
_OF_FETCHING = frozenset({"NETRC", *_PROXIES, *map(str.lower, _PROXIES)})
_OF_FETCHING_PREFIXES = ("SSL_C", "UV_")
_STAY_HERE = frozenset(
    {
        *("HOME", "HOSTNAME", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "SHLVL", "TEMP", "TERM", "TMP", "TMPDIR"),
        *("PYTHONHOME", "USER", "UV_KEYRING_PROVIDER", "_"),
    }
)
_STAY_HERE_PREFIXES = ("BUILDKIT_", "CONTAINER", "DBUS_", "DOCKER_", "LD_", "SSH_", "XDG_")
"""What says where things are on this machine, or is the client's own."""

# Nothing tells the engine of a task that is killed. But the kernel lets go of its lock: whoever waits for that inside
# ends the container then, by its first process, which the engine's wrapper is.
_WITH_US = 'alive=$1; shift; { flock --shared "$alive" true && kill -TERM 1; } >/dev/null 2>&1 & exec "$@"'

_HINT = "the image to build in has no such program: name its package in the recipe's `system`"
_KEPT_WORDS = 40


@dataclass(frozen=True, kw_only=True)
class BuildContainer:
    """A Runner and a Streamer whose commands run inside, as the caller's user; paths of its mounts are the same there.

    Of a command's environment go in: what was set for it (what differs from `environ`), and what of the caller's own is
    about building. `fetcher` alone is given the network, and with it proxies and credentials; a streamed build is where
    its compiler cache is on another machine. Everything else has none.
    """

    engine: Engine
    image: str
    """Its id."""
    run: Runner
    """What starts the engine's client."""
    start: Streamer
    mounts: tuple[Mount, ...]
    environ: Mapping[str, str] = field(repr=False)
    """The caller's own, by which the client finds its engine."""
    fetcher: str
    """uv."""
    fetching: tuple[tuple[str, str], ...] = ()
    """What uv is told beside: where its cache is."""

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

        Raises ProgramNotFoundError where the image has no such program, and what engine_failure gives.
        """
        fetches = argv[0] == self.fetcher
        given = dict(self.environ if env is None else env) | (dict(self.fetching) if fetches else {})
        name = container_name()
        names = self._names(given, own=self.environ, fetches=fetches)
        online = fetches and "--offline" not in argv
        command = self._command(argv, given, names, name=name, cwd=cwd, online=online)
        client = {**self.environ, **{one: given[one] for one in names}}
        try:
            done = self.run(command, env=client, timeout=timeout, tee=tee, pass_fds=pass_fds)
        except ProgramNotFoundError as error:
            raise engine_missing(self.engine.name, doing=f"running {argv[0]}") from error
        except BaseException:
            end_container(self.engine, name, self.run, self.environ)
            raise
        if done.returncode is None:
            end_container(self.engine, name, self.run, self.environ)
            return dataclasses.replace(done, argv=tuple(argv))
        return dataclasses.replace(
            done, argv=tuple(argv), returncode=self._own_exit(done.returncode, done.stderr, argv)
        )

    def stream(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        on_line: Callable[[str], None],
        on_tick: Callable[[], str | None],
        pass_fds: Sequence[int] = (),
    ) -> Streamed:
        """Run a build inside; see scripts.shell.stream. All of `env` goes in but what is this machine's.

        No container of it is left: not by an interruption, and not by a kill of this process, with which it ends. One
        that is there all the same, in the same folder, is ended first.

        Raises BusyError where another process streams with the same log, and what __call__ raises.
        """
        name = f"kokoro-spark-build-{hashlib.sha256(str(cwd).encode()).hexdigest()[:12]}"
        names = self._names(env, own={}, fetches=False)
        alive = log.with_name(f"{log.name}.alive")
        within = ["sh", "-c", _WITH_US, "sh", str(alive), *argv]
        command = self._command(within, env, names, name=name, cwd=cwd, online=has_remote_cache(env))
        client = {**self.environ, **{one: env[one] for one in names}}
        words: deque[str] = deque(maxlen=_KEPT_WORDS)

        def seen(line: str) -> None:
            words.append(line)
            on_line(line)

        with locked(alive, wait_seconds=0, waiting=lambda _: None):
            self.run(self.engine.remove(name), env=self.environ)
            try:
                done = self.start(
                    command, env=client, cwd=cwd, log=log, on_line=seen, on_tick=on_tick, pass_fds=pass_fds
                )
            except ProgramNotFoundError as error:
                raise engine_missing(self.engine.name, doing=f"running {argv[0]}") from error
            except BaseException:
                end_container(self.engine, name, self.run, self.environ)
                raise
            if done.stopped is not None or done.returncode < 0:
                end_container(self.engine, name, self.run, self.environ)
        if done.stopped is not None:
            return done
        return dataclasses.replace(done, returncode=self._own_exit(done.returncode, "\n".join(words), argv))

    def _own_exit(self, code: int, words: str, argv: Sequence[str]) -> int:
        return own_exit(code, words, program=argv[0], engine=self.engine, image=self.image, hint=_HINT)

    def _command(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        names: Sequence[str],
        *,
        name: str,
        cwd: Path | None,
        online: bool,
    ) -> list[str]:
        mounts = self.mounts
        if cwd is not None and not is_shared(cwd, mounts, writable=True):
            mounts = (*mounts, Mount(folder=cwd, writable=True))
        # The client is found and linked by its own: these are the command's.
        its = {name: value for name, value in env.items() if name.startswith("LD_") and self.environ.get(name) != value}
        its["PATH"] = inner_path(env.get("PATH", ""), mounts)
        return self.engine.run(
            self.image,
            ["env", *(f"{name}={value}" for name, value in sorted(its.items())), *argv],
            name=name,
            mounts=mounts,
            variables=names,
            gpu=False,
            workdir=cwd,
            user=f"{os.getuid()}:{os.getgid()}",
            network="host" if online else "none",
        )

    def _names(self, env: Mapping[str, str], *, own: Mapping[str, str], fetches: bool) -> list[str]:
        """Name the variables that go in; those of `own` only where they are about building, or about fetching."""
        named = set(passed_on(env, self.mounts))
        for name, value in env.items():
            about_building = name in _OF_BUILDS or name.startswith(_OF_BUILDS_PREFIXES)
            about_fetching = name in _OF_FETCHING or name.startswith(_OF_FETCHING_PREFIXES)
            if own.get(name) != value or about_building or (fetches and about_fetching):
                named.add(name)
        return sorted(one for one in named if one not in _STAY_HERE and not one.startswith(_STAY_HERE_PREFIXES))


def inner_path(path: str, mounts: Sequence[Mount]) -> str:
    """Give the PATH inside: of this machine's what is the same there, then the image's own."""
    shared = [one for one in path.split(os.pathsep) if one.startswith("/") and is_shared(Path(one), mounts)]
    return os.pathsep.join([*shared, IMAGE_PATH])


def remote_cache(environ: Mapping[str, str]) -> str:
    """Give ccache's remote storage, under its name of today or the one that it had."""
    return environ.get("CCACHE_REMOTE_STORAGE") or environ.get("CCACHE_SECONDARY_STORAGE") or ""


def has_remote_cache(environ: Mapping[str, str]) -> bool:
    """Tell whether ccache asks another machine."""
    return any("://" in one and not one.startswith("file:") for one in remote_cache(environ).split())
