"""The image that wheels are built in: a pinned base, compilers, git, Python. Built once for what goes into it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.environments.engine_client import EngineClient, require_architecture
from scripts.environments.engine_errors import engine_failure
from scripts.environments.image import by_digest
from scripts.environments.image_context import DOCKER
from scripts.environments.image_errors import killed
from scripts.errors import NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.target import Architecture
from scripts.progress import step as showing
from scripts.redaction import redact

REPOSITORY = "kokoro-spark/build"
RECIPE = "build.Dockerfile"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Arguments that every Dockerfile has, and that no image keeps."""
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+:-]+", re.ASCII)

# apt's own words, the first that matches.
_APT: tuple[tuple[str, type[SparkError], str, str, str], ...] = (
    (
        r"Unable to locate package|has no installation candidate",
        NoCandidateError,
        "no-such-package",
        "the image's distribution has no such package",
        "look at the recipe's `system` list: it has the names of that distribution",
    ),
    (
        r"Temporary failure resolving|Could not (?:resolve|connect)|Failed to fetch|Could not handshake",
        NetworkError,
        "apt-failed",
        "the distribution's packages cannot be reached",
        "check the network, and HTTP_PROXY and HTTPS_PROXY, which are passed on to the build",
    ),
)


@dataclass(frozen=True, kw_only=True)
class BuilderImage:
    """An image to build in."""

    id: str
    tag: str
    inputs: str
    """What it was made of, the same on every machine: its base by digest, and a digest of what was put on it."""


def recipe_sha256(folder: Path = DOCKER) -> str:
    """Hash what the image is built by."""
    return hashlib.sha256((folder / RECIPE).read_bytes()).hexdigest()


def builder_image(
    base: str,
    packages: Sequence[str],
    client: EngineClient,
    architecture: Architecture,
    *,
    make: bool = True,
    folder: Path = DOCKER,
) -> BuilderImage:
    """Build the image, or find it built. `packages` are the distribution's, beyond the recipe's own.

    Without `make` nothing is pulled or built: NoCandidateError (no-builder-image) where it is not here. Raises
    UsageError (bad-package), NoCandidateError (wrong-architecture), and what the engine's words mean.
    """
    for name in packages:
        if not _PACKAGE.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a package",
                reference="bad-package",
                hint="the recipe's `system` lists the packages of a distribution by name, one each",
            )
    here = client.find(base)
    if here is None and not make:
        raise _not_here(base)
    found = client.obtain(base) if here is None else here
    require_architecture(found, base, architecture)
    wanted = " ".join(sorted(set(packages)))
    made_of = hashlib.sha256(f"{recipe_sha256(folder)}\n{wanted}\n".encode()).hexdigest()
    digest = hashlib.sha256(f"{found.id}\n{made_of}\n".encode()).hexdigest()[:12]
    tag = f"{REPOSITORY}:{digest}"
    built = client.find(tag)
    if built is None and not make:
        raise _not_here(tag)
    if built is None:
        _build(base, wanted, tag, client, folder)
        built = client.inspect(tag)
    named = by_digest(base, found.digests)
    exact = named if "@sha256:" in named else f"{named} {found.id}"
    return BuilderImage(id=built.id, tag=tag, inputs=f"{exact} {made_of[:12]}")


def _not_here(name: str) -> NoCandidateError:
    return NoCandidateError(
        f"the image {name} is not here, and a dry run neither pulls nor builds one",
        reference="no-builder-image",
        hint="leave --dry-run out, or look at the same build with --in host",
    )


def _build(base: str, packages: str, tag: str, client: EngineClient, folder: Path) -> None:
    engine = client.engine
    arguments: dict[str, str | None] = {"BASE": base, "BUILD": tag.partition(":")[2], "PACKAGES": packages}
    arguments |= {name: None for name in PROXIES if name in client.environ}
    # The mirror may be one that only this machine reaches: by its name server, its proxy.
    command = engine.build(folder, dockerfile=folder / RECIPE, tag=tag, arguments=arguments, network="host")
    doing = f"building the image to build in, on {base}"
    with showing(doing):
        done = client.ask(command, tee=True)
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing, engine=engine.name)
    if not done.ok:
        raise _failure(done.stdout + done.stderr, doing=doing, engine=engine.name)


def _failure(words: str, *, doing: str, engine: str) -> SparkError:
    told = redact(words)
    by_engine = engine_failure(told, doing=doing, engine=engine)
    if by_engine.reference == "disk-full":  # apt says it too, among much else
        return by_engine
    for pattern, kind, reference, message, hint in _APT:
        if re.search(pattern, told):
            return kind(f"{doing}: {message}", context=by_engine.context, reference=reference, hint=hint)
    return by_engine
