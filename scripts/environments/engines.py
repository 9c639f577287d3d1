"""docker and podman behind one Protocol: what each is asked, as argument lists. Pure; who runs them is elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.errors import EngineError, UsageError
from scripts.model.facts import EngineFacts

LABEL = "kokoro-spark"
"""What every container and image of ours carries, so that they can be told from others."""
_INSTALL = "install one: `sudo apt-get install docker.io` (or podman); DGX OS comes with docker"

# The command runs below a shell: as process 1 it would ignore the signals that it does not handle, and a program that
# dies of one would not be told from one that exits. The shell says 128 + n. What the client is told to end by is passed
# on to the shell, whose end is the container's; without that the client waits for the command. docker's own --init
# needs a program that not every installation has.
_WRAPPER = ("-c", 'trap "exit 143" HUP INT TERM; "$@" & wait $!; exit $?', "sh")
_AT_A_TERMINAL = ("-c", '"$@"; exit $?', "sh")

# As NVIDIA's release notes of its PyTorch images advise: `--ipc=host --ulimit memlock=-1 --ulimit stack=67108864`.
_ADVISED = ("--ipc=host", "--ulimit", "memlock=-1", "--ulimit", "stack=67108864")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder of this machine that has the same path inside."""

    folder: Path
    writable: bool


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What an engine knows of an image that is here."""

    id: str
    """`sha256:...`"""
    architecture: str
    """As Go names it: `amd64`, `arm64`."""
    os: str
    digests: tuple[str, ...]
    """`name@sha256:...` of the registries that it came from; empty for what was built or loaded here."""


class Engine(Protocol):
    """A container engine's commands, each as an argument list."""

    @property
    def name(self) -> str:
        """`docker` or `podman`: the program too."""
        ...

    def pull(self, image: str) -> list[str]:
        """Bring an image here from its registry."""
        ...

    def inspect_image(self, image: str) -> list[str]:
        """Tell of an image that is here, in JSON: see read_image."""
        ...

    def build(
        self, folder: Path, *, dockerfile: Path, tag: str, arguments: Mapping[str, str | None], network: str | None
    ) -> list[str]:
        """Build an image of a context; `network` None: the engine's own choice.

        An argument whose value is None has that of the client's own environment: nobody reads it in its command line.
        """
        ...

    def run(
        self,
        image: str,
        command: Sequence[str],
        *,
        name: str,
        mounts: Sequence[Mount],
        variables: Sequence[str],
        gpu: bool,
        workdir: Path | None,
        user: str | None,
        interactive: bool = False,
        network: str = "none",
    ) -> list[str]:
        """Run a command in a container that is removed after it.

        `variables` are names: their values come from the client's own environment. `user` is `uid:gid`. 125 means
        that the engine failed, 126 and 127 that there is no such program, 128 + n that signal n ended it.
        """
        ...

    def kill(self, name: str) -> list[str]:
        """End a container at once."""
        ...

    def remove(self, name: str) -> list[str]:
        """Remove a container, whether it runs or not."""
        ...

    def create(self, image: str, *, name: str) -> list[str]:
        """Make a container that is never started: its files can be copied."""
        ...

    def copy_out(self, name: str, path: Path, folder: Path) -> list[str]:
        """Copy a file out of a container into a folder."""
        ...

    def remove_image(self, image: str) -> list[str]:
        """Take an image's tag away, and the image with its last one."""
        ...


@dataclass(frozen=True)
class _Commands:
    """What docker and podman have in common: podman took over docker's command line."""

    name: str

    def pull(self, image: str) -> list[str]:
        return [self.name, "pull", image]

    def inspect_image(self, image: str) -> list[str]:
        return [self.name, "image", "inspect", image]

    def build(
        self, folder: Path, *, dockerfile: Path, tag: str, arguments: Mapping[str, str | None], network: str | None
    ) -> list[str]:
        named = [name if value is None else f"{name}={value}" for name, value in arguments.items()]
        given = [word for one in named for word in ("--build-arg", one)]
        through = [] if network is None else ["--network", network]
        # --force-rm: docker's own builder would leave the container of a step that failed.
        options = ["--force-rm", "--file", str(dockerfile), "--tag", tag, "--label", LABEL, *given, *through]
        return [self.name, "build", *self._build_options(), *options, str(folder)]

    def run(
        self,
        image: str,
        command: Sequence[str],
        *,
        name: str,
        mounts: Sequence[Mount],
        variables: Sequence[str],
        gpu: bool,
        workdir: Path | None,
        user: str | None,
        interactive: bool = False,
        network: str = "none",
    ) -> list[str]:
        # Never pulled in passing: what runs is what was built.
        options = ["--rm", "--name", name, "--label", LABEL, "--pull=never", "--network", network]
        options += ["--interactive", "--tty"] if interactive else []
        options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        # Folders of the user's are mounted as they are: with SELinux they would have to be relabelled for good.
        options += ["--security-opt", "label=disable"]
        options += self._gpu_options(user) if gpu else []
        options += [] if user is None else self._user_options(user)
        options += ["--env", "HOME=/tmp", *(word for one in variables for word in ("--env", one))]
        options += [word for one in in_order(mounts) for word in ("--mount", mount_option(one))]
        options += [] if workdir is None else ["--workdir", str(workdir)]
        # A base image's own entry point may print a banner, or start something else.
        wrapper = _AT_A_TERMINAL if interactive else _WRAPPER
        return [self.name, "run", *options, "--entrypoint", "/bin/sh", image, *wrapper, *command]

    def kill(self, name: str) -> list[str]:
        return [self.name, "kill", name]

    def remove(self, name: str) -> list[str]:
        return [self.name, "rm", "--force", "--volumes", name]

    def create(self, image: str, *, name: str) -> list[str]:
        options = ["--name", name, "--label", LABEL, "--pull=never", "--network", "none"]
        return [self.name, "create", *options, "--entrypoint", "/bin/true", image]

    def copy_out(self, name: str, path: Path, folder: Path) -> list[str]:
        return [self.name, "cp", f"{name}:{path}", str(folder)]

    def remove_image(self, image: str) -> list[str]:
        return [self.name, "image", "rm", image]

    def _build_options(self) -> list[str]:
        return []

    def _gpu_options(self, user: str | None) -> list[str]:
        raise NotImplementedError

    def _user_options(self, user: str) -> list[str]:
        return ["--user", user]


class Docker(_Commands):
    """docker: the GPU comes through its device driver, which is NVIDIA's container toolkit."""

    def _gpu_options(self, user: str | None) -> list[str]:
        del user
        return ["--gpus", "all", *_ADVISED]


class Podman(_Commands):
    """podman: the GPU comes through CDI; without root, the caller keeps his number inside."""

    def _build_options(self) -> list[str]:
        return ["--format", "docker"]  # the other format has no HEALTHCHECK

    def _gpu_options(self, user: str | None) -> list[str]:
        # Without root no limit can be raised above the caller's own, which the container has anyway.
        limits = ["--ipc=host"] if _is_ordinary(user) else list(_ADVISED)
        return ["--device", "nvidia.com/gpu=all", *limits]

    def _user_options(self, user: str) -> list[str]:
        return [*(["--userns=keep-id"] if _is_ordinary(user) else []), "--user", user]


def _is_ordinary(user: str | None) -> bool:
    return user is not None and user.partition(":")[0] != "0"


ENGINES: dict[str, Engine] = {"docker": Docker("docker"), "podman": Podman("podman")}
"""By name, the preferred one first: NVIDIA supports docker on its machines."""


def engine_named(name: str) -> Engine:
    """Give an engine. Raises UsageError (unknown-engine)."""
    if name not in ENGINES:
        raise UsageError(
            f"{name!r} is no container engine that is known",
            reference="unknown-engine",
            hint=f"choose from: {', '.join(ENGINES)}",
        )
    return ENGINES[name]


def choose_engine(facts: Sequence[EngineFacts], wanted: str | None = None) -> tuple[Engine, EngineFacts]:
    """Choose the first engine that works, docker before podman, or insist on the one that is `wanted`.

    Raises EngineError: no-engine, engine-down, engine-not-permitted; UsageError (unknown-engine).
    """
    names = list(ENGINES) if wanted is None else [engine_named(wanted).name]
    found = sorted((one for one in facts if one.name in names), key=lambda one: names.index(one.name))
    if not found:
        raise EngineError(f"there is no {' and no '.join(names)} on this machine", reference="no-engine", hint=_INSTALL)
    working = next((one for one in found if one.problem is None), None)
    if working is not None:
        return engine_named(working.name), working
    first = found[0]
    denied = "may not" in (first.problem or "")
    raise EngineError(
        f"{first.name} cannot be used: {first.problem}",
        context="\n".join(f"{one.name}: {one.problem}; {one.remedy}" for one in found[1:]),
        reference="engine-not-permitted" if denied else "engine-down",
        hint=first.remedy,
    )


def in_order(mounts: Sequence[Mount]) -> list[Mount]:
    """Put outer folders before inner ones, each once; of two of the same folder the writable one stays."""
    kept: dict[Path, Mount] = {}
    for one in mounts:
        if one.folder not in kept or one.writable:
            kept[one.folder] = one
    return sorted(kept.values(), key=lambda one: one.folder.parts)


def mount_option(mount: Mount) -> str:
    """Write one mount as `--mount` takes it: a line of CSV, so that a comma in a path is no separator."""
    fields = ["type=bind", f"source={mount.folder}", f"target={mount.folder}"]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([*fields, *([] if mount.writable else ["readonly"])])
    return line.getvalue()


def read_image(text: str) -> ImageFacts | None:
    """Read what `image inspect` printed; None: it is no such answer."""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    one = answer[0] if isinstance(answer, list) and answer else None
    if not isinstance(one, dict) or not isinstance(one.get("Id"), str):
        return None
    return ImageFacts(
        id=f"sha256:{one['Id'].removeprefix('sha256:')}",  # podman leaves the algorithm out
        architecture=str(one.get("Architecture", "")),
        os=str(one.get("Os", "")),
        digests=tuple(map(str, one.get("RepoDigests") or ())),
    )
