"""Where a wheel is built: on this machine, or in a container over NVIDIA's pinned CUDA image.

In a container everything is at the same path as here: the build's folders, the compiler cache, uv's cache. They are
bind mounts, not volumes: host and container share the caches, and a build that was killed is found where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from scripts.disk import disk_errors
from scripts.environments.engine_client import EngineClient
from scripts.environments.engines import Mount, choose_engine
from scripts.environments.locking import locked
from scripts.environments.sharing import require_free
from scripts.errors import BuildError, NoCandidateError, UsageError
from scripts.model.builds import BuildRequest
from scripts.model.facts import Interpreter
from scripts.model.recipes import Recipe
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.build_container import IMAGE_PATH, BuildContainer, remote_cache
from scripts.operations.build_image import BuilderImage, builder_image
from scripts.operations.context import Context
from scripts.progress import say
from scripts.shell import Runner, Streamer, stream
from scripts.strategies.images import BaseImage, load_builders

HOST = "host"
PYTHON = "/usr/bin/python3"
CUDA_HOME = "/usr/local/cuda"
"""Both in the image."""
_CROSS = {
    Architecture.AARCH64: ("g++-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
    Architecture.X86_64: ("g++-x86-64-linux-gnu", "libc6-dev-amd64-cross"),
}
"""What compiles for another machine, in Debian and Ubuntu."""
_WAIT = 3600.0
"""Seconds to wait for another build that brings the same image here: gigabytes are downloaded."""


@dataclass(frozen=True, kw_only=True)
class BuildPlace:
    """A place to build in. Paths are the same there as here for the data root's builds, caches and wheelhouse.

    How much memory and how many processors there are is asked of the host: a container here has no limit of its own.
    """

    run: Runner
    stream: Streamer
    python: str
    """The interpreter that a build environment is made with."""
    inputs: str = HOST
    """What of the place decides what a wheel contains, for its stamp: `host`, or the image's base and recipe."""
    cuda_home: str | None = None
    """The place's own CUDA toolkit; None: whatever the request says."""
    image: str | None = None
    """The container image's tag."""
    environ: Mapping[str, str] = field(repr=False)
    """What compilers are looked for with: in a container neither this machine's PATH nor its CC says where they are."""


def host_place(interpreter: Interpreter, context: Context) -> BuildPlace:
    """Build on this machine."""
    return BuildPlace(run=context.run, stream=stream, python=interpreter.path, environ=context.environ)


def container_place(
    request: BuildRequest,
    recipe: Recipe,
    *,
    cuda_version: str | None,
    architecture: Architecture,
    context: Context,
    python: PythonVersion | None = None,
    folders: Sequence[Path] = (),
    start: Streamer = stream,
    make: bool = True,
) -> BuildPlace:
    """Build in a container; its image is pulled and built here where it is not yet (not without `make`).

    `architecture` and `python` are the wheel's; `folders` are shared to be written, beyond the data root's own. The
    container is this machine's user's, without capabilities; uv alone reaches the network (see BuildContainer).

    Raises EngineError where no engine can be used, UsageError for a toolkit or a Python that the image has not,
    NoCandidateError (no-builder-image, wrong-architecture), and what the engine's and apt's words mean.
    """
    if request.cuda not in {"auto", "index"}:
        raise UsageError(
            f"--cuda {request.cuda} is a folder of this machine, and the container has a toolkit of its own",
            reference="cuda-not-in-container",
            hint="leave --cuda out, or build with --in host",
        )
    table = load_builders(context.constraints / "images.toml")
    base = table.base(cuda_version if recipe.cuda else None)
    host = Architecture(context.facts.host.architecture)
    _require_platform(base, host)
    packages = [
        *dict(recipe.system).get(table.distribution, ()),
        *(() if architecture == host else _CROSS[architecture]),
    ]
    engine = choose_engine(context.facts.engines)[0]
    lock = context.home.locks / f"{engine.name}-builder.lock"
    with locked(lock, wait_seconds=_WAIT, waiting=_waiting) as descriptor:
        client = EngineClient(engine=engine, run=context.run, environ=context.environ, lock_descriptor=descriptor)
        image = builder_image(base.reference, packages, client, host, make=make)
    cache = _uv_cache(context)
    container = BuildContainer(
        engine=engine,
        image=image.id,
        run=context.run,
        start=start,
        mounts=build_mounts(context, [cache, *folders]),
        environ=context.environ,
        fetcher=context.uv,
        fetching=_for_uv(context.environ, cache),
    )
    _require_python(container, image, python)
    return BuildPlace(
        run=container,
        stream=container.stream,
        python=PYTHON,
        inputs=image.inputs,
        cuda_home=CUDA_HOME if recipe.cuda and request.cuda == "auto" else None,
        image=image.tag,
        environ={"PATH": IMAGE_PATH},
    )


def _waiting(holder: str) -> None:
    say(f"another build brings the image to build in here ({holder}); waiting for it")


def _require_platform(base: BaseImage, host: Architecture) -> None:
    if base.platforms is not None and str(host) not in base.platforms:
        raise NoCandidateError(
            f"{base.reference} was not built for {host}",
            context=f"it was for: {', '.join(base.platforms)}",
            reference="wrong-architecture",
            hint="build with --in host",
        )


def _require_python(container: Runner, image: BuilderImage, wanted: PythonVersion | None) -> None:
    """Insist that the image's Python is the wheel's: another would make a wheel for itself."""
    done = container([PYTHON, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    if not done.ok:
        raise BuildError(
            f"the Python of {image.tag} does not start",
            context="\n".join(done.stderr.strip().splitlines()[-5:]),
            reference="no-python",
            hint="remove that image from the engine: the next build makes it again",
        )
    own = PythonVersion.parse(done.stdout.strip())
    if wanted is not None and own != wanted:
        raise UsageError(
            f"the image to build in has Python {own}, and the wheel is to be for Python {wanted}",
            reference="python-mismatch",
            hint=f"build for its own with --python {own}, or on the host with --in host",
        )


def build_mounts(context: Context, folders: Iterable[Path]) -> tuple[Mount, ...]:
    """Say what of this machine the container sees.

    To write: the data root's builds and cache, `folders`, and where ccache keeps what it has. To read: the wheelhouse,
    uv, and the files by which uv reaches its index. Behind a link a folder has two paths, and is mounted at both.

    Raises UsageError (hides-image) for a folder that the image has itself, DiskError for one that cannot be made.
    """
    home = context.home
    writable: list[Path] = []
    for folder in (home.builds, home.cache, home.compiler_cache, *folders, *_ccache_folders(context.environ)):
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        writable += dict.fromkeys((folder.absolute(), folder.resolve()))
    readable = [one for one in (home.wheelhouse.absolute(), home.wheelhouse.resolve()) if one.is_dir()]
    for folder in (*writable, *readable):
        require_free(folder)
    files = [Path(context.uv).absolute(), *_files(context.uv_environ)]
    return (
        *(Mount(folder=one, writable=True) for one in writable),
        *(Mount(folder=one, writable=False) for one in dict.fromkeys((*readable, *files)) if one not in writable),
    )


def _ccache_folders(environ: Mapping[str, str]) -> list[Path]:
    """List the folders that ccache's settings name: its own, and a shared one."""
    named = [environ.get("CCACHE_DIR", "")]
    named += [
        unquote(urlsplit(one.partition("|")[0]).path)
        for one in remote_cache(environ).split()
        if one.startswith("file:")
    ]
    return [Path(one) for one in named if one.startswith("/")]


def _files(environ: Mapping[str, str]) -> list[Path]:
    """List the certificates and the logins by which uv reaches an index, and ccache's configuration."""
    named = [
        environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "CCACHE_CONFIGPATH")
    ]
    return [path for path in map(Path, [*named, _netrc(environ)]) if path.is_absolute() and path.exists()]


def _netrc(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    return environ.get("NETRC") or (f"{home}/.netrc" if home else "")


def _uv_cache(context: Context) -> Path:
    done = context.run([context.uv, "--no-config", "cache", "dir"], env=context.uv_environ)
    if not done.ok or not done.stdout.strip():
        raise BuildError(
            "uv does not say where its cache is",
            context=done.stderr.strip(),
            reference="uv-failed",
            hint="name a folder for it with UV_CACHE_DIR",
        )
    return Path(done.stdout.strip()).absolute()


def _for_uv(environ: Mapping[str, str], cache: Path) -> tuple[tuple[str, str], ...]:
    """Say what uv is told inside: files cannot be linked from one mount to another, and the image's Python will do."""
    told = {
        "UV_CACHE_DIR": str(cache),
        "UV_LINK_MODE": environ.get("UV_LINK_MODE", "copy"),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    if Path(_netrc(environ) or "/nowhere").is_file():
        told["NETRC"] = _netrc(environ)
    return tuple(told.items())
