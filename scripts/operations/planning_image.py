"""The plan of an environment in a container: its base image, the pins for that image's Python, the engine."""

from __future__ import annotations

import dataclasses

from scripts.environments.engines import choose_engine
from scripts.environments.image_context import recipe_sha256
from scripts.errors import NoCandidateError, UsageError
from scripts.model.plan import BuildImage, InstallMade, Plan, Request, Step
from scripts.model.target import SUPPORTED_PYTHONS, PythonVersion
from scripts.operations.context import Context
from scripts.operations.site import Site
from scripts.operations.torch_plan import rest_lock
from scripts.strategies.assembly import digest
from scripts.strategies.base import require_supported
from scripts.strategies.images import BaseImage, load_images
from scripts.strategies.ngc import engine_gives_gpu
from scripts.wheels.made import made_wheels

SOURCE = "ngc"


def plan_image(request: Request, site: Site, context: Context) -> Plan:
    """Plan the image. The engine is asked for nothing, so what is not in constraints/images.toml is not known yet.

    Raises EngineError where no engine can be used here, UsageError for options that are for other strategies,
    NoCandidateError where the image has no build for the platform or there are no pins for its Python.
    """
    _refuse_options(request)
    base = load_images(context.constraints / "images.toml").base(request.image)
    target = site.target
    if base.platforms is not None and str(target.architecture) not in base.platforms:
        raise NoCandidateError(
            f"{base.reference} was not built for {target.architecture}",
            context=f"it was for: {', '.join(base.platforms)}",
            reference="wrong-architecture",
            hint="name another image with --image",
        )
    local = target.architecture == context.facts.host.architecture
    engine = choose_engine(context.facts.engines)[0].name if local else "docker"
    # Not refused: an image can be built where it cannot run yet.
    no_gpu = engine_gives_gpu(context.facts.engines) if local and context.facts.gpu.gpus else ()
    python = python_of(base, request.python)
    made = (InstallMade(name=one.name, version=one.version, sha256=one.sha256) for one in made_wheels())
    build = BuildImage(
        engine=engine,
        base=base.reference,
        recipe_sha256=recipe_sha256(),
        lock=rest_lock(dataclasses.replace(target, python=python), context.constraints),
    )
    steps: tuple[Step, ...] = (*made, build)  # our own wheels first: the build finds them in its context
    return Plan(
        strategy=SOURCE,
        source=SOURCE,
        architecture=target.architecture,
        python=python,
        torch=base.torch or "",
        cuda=base.cuda or "",
        nvrtc=None,
        steps=steps,
        digest=digest(SOURCE, SOURCE, str(target.architecture), steps),
        notes=(
            *_notes(base, python, engine),
            *(f"{one.reason}; {one.hint}" for one in no_gpu),
            *context.facts.index.notes,
        ),
        image=base.reference,
    )


def python_of(base: BaseImage, wanted: PythonVersion | None) -> PythonVersion:
    """Say which Python the pins are for: the image's own, as far as it is known; the build insists on it.

    Raises UsageError where `wanted` is another, or none that Kokoro runs on.
    """
    require_supported(wanted)
    if base.python is None:
        return wanted or SUPPORTED_PYTHONS[0]
    own = PythonVersion.parse(base.python)
    if wanted is not None and wanted != own:
        raise UsageError(
            f"{base.reference} has Python {own}, and --python {wanted} asks for another",
            reference="python-mismatch",
            hint="leave --python out, or name another image with --image",
        )
    return own


def _refuse_options(request: Request) -> None:
    """Say which options are not for this strategy."""
    given = {
        "--torch": (request.torch, "the image brings its own torch: name another image with --image"),
        "--index": (request.index, "nothing comes from a lane's index: the image brings its own torch"),
        "--source": (request.source, "it belongs to --strategy cpu"),
        "--nightly": (request.nightly or None, "choose a lane of the PyTorch index, e.g. --strategy cu130 --nightly"),
    }
    for option, (value, hint) in given.items():
        if value is not None:
            raise UsageError(f"{option} is not for strategy ngc", reference="option-not-for-strategy", hint=hint)


def _notes(base: BaseImage, python: PythonVersion, engine: str) -> tuple[str, ...]:
    known = f"torch {base.torch}, CUDA {base.cuda}" if base.torch and base.cuda else "its torch is not known yet"
    size = "" if base.download is None else f", about {base.download / 1e9:.0f} GB ({base.download_basis})"
    assumed = "" if base.python else f"; Python {python} is assumed, and the build says if it has another"
    by_digest = "" if "@sha256:" in base.reference else "; taken by its tag, for no digest is known"
    return (f"{engine} takes {base.reference}: {known}{size}{assumed}{by_digest}",)
