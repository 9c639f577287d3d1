"""Build a plan's image: base image, context, engine; then ask the image what is in it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.environments.container import container_place
from scripts.environments.engine_client import EngineClient, require_architecture
from scripts.environments.engine_errors import engine_failure, engine_missing
from scripts.environments.engines import Engine, engine_named
from scripts.environments.executor import MakeWheel, describe
from scripts.environments.image_context import (
    RECIPE,
    PipSettings,
    clear_pip_settings,
    write_context,
    write_pip_settings,
)
from scripts.environments.image_errors import build_failure, killed
from scripts.environments.realising import realise
from scripts.environments.store import Store
from scripts.errors import IntegrityError
from scripts.model.environment import ContainerRecord, EnvironmentRecord
from scripts.model.plan import BuildImage, InstallMade, Plan, Step
from scripts.progress import step as showing
from scripts.shell import ProgramNotFoundError, Runner

REPOSITORY = "kokoro-spark/ngc"
"""Only images of this name are ever removed."""
ANSWER = Path("/opt/kokoro-spark/image.json")
"""In the image: what the check at the build's end found (docker/base_torch.py)."""
BUILD_LABEL = "kokoro-spark.build"


def image_tag(plan: Plan) -> str:
    """Name the image of a plan."""
    return f"{REPOSITORY}:{plan.digest}"


@dataclass(frozen=True, kw_only=True)
class ImageBuilder:
    """The effects that a plan with a BuildImage needs: an engine's client, and the maker of our own wheels."""

    store: Store
    run: Runner
    environ: Mapping[str, str]
    """The client's whole environment: it finds its engine and its logins by it."""
    pip: PipSettings
    uv_version: str
    make_wheel: MakeWheel
    lock_descriptor: int
    """Handed down to the client, so that the lock outlives us if we are killed."""

    def realise(self, plan: Plan) -> EnvironmentRecord:
        """Build the image from nothing. The environment's folder keeps the record, and the context without secrets.

        Raises the error of what failed; the record then says failed, and nothing of ours is left with the engine.
        """
        return realise(
            plan,
            store=self.store,
            uv_version=self.uv_version,
            describe=describe,
            perform=partial(self._perform, plan),
            finish=self._finish,
        )

    def _perform(self, plan: Plan, step: Step, folder: Path) -> None:
        match step:
            case InstallMade():
                self._made(step)
            case BuildImage():
                engine = engine_named(step.engine)
                require_architecture(self._client(engine).obtain(step.base), step.base, plan.architecture)
                context = folder / "context"
                own = [(self._made(one), one.sha256) for one in plan.steps if isinstance(one, InstallMade)]
                write_context(context, step.lock, own)
                self._build(engine, step, context, plan)
            case _:
                raise AssertionError(f"{type(step).__name__} is no step of an image")

    def _made(self, step: InstallMade) -> Path:
        return self.make_wheel(step.name, self.store.home.cache / "made" / step.sha256[:12])

    def _build(self, engine: Engine, step: BuildImage, context: Path, plan: Plan) -> None:
        command = engine.build(
            context,
            dockerfile=context / RECIPE,
            tag=image_tag(plan),
            arguments={"BASE": step.base, "BUILD": plan.digest},
            # The index may be one that only this machine reaches: by its name server, its proxy, its loopback.
            network="host",
        )
        doing = f"building the image on {step.base}"
        try:
            write_pip_settings(context, self.pip)
            with showing(doing):
                done = self._client(engine).ask(command, tee=True)
        finally:
            clear_pip_settings(context)
            self._forget_stages(engine, plan)
        if done.returncode is not None and done.returncode < 0:
            raise killed(done.returncode, doing=doing, engine=engine.name)
        if not done.ok:
            raise build_failure(done.stdout + done.stderr, doing=doing, engine=engine.name)

    def _forget_stages(self, engine: Engine, plan: Plan) -> None:
        """Delete what the engine kept of this build beside the image: pip's configuration is in it.

        By the label of this one build; an image that has a name stays. What fails here fails nothing.
        """
        for command in forgetting(engine, plan):
            self._client(engine).ask(command)

    def _finish(self, record: EnvironmentRecord, folder: Path) -> EnvironmentRecord:
        """Put down what the image is. What the table did not know of the base is known now."""
        del folder
        step = build_step(record.plan)
        engine, tag = engine_named(step.engine), image_tag(record.plan)
        client = self._client(engine)
        base = client.inspect(step.base)
        container = ContainerRecord(
            engine=engine.name,
            image=tag,
            image_id=client.inspect(tag).id,
            base=by_digest(step.base, base.digests),
            base_id=base.id,
            torch="",
            cuda=None,
            python="",
        )
        found = self._asked(container)
        container = dataclasses.replace(container, torch=found["torch"], cuda=found["cuda"], python=found["python"])
        plan = dataclasses.replace(record.plan, torch=container.torch, cuda=container.cuda)
        return dataclasses.replace(record, plan=plan, container=container)

    def _asked(self, container: ContainerRecord) -> dict[str, str]:
        """Read what the build's own check found, out of the image."""
        place = container_place(container, run=self.run, gpu=False, environ=self.environ)
        with tempfile.TemporaryDirectory(prefix="kokoro-spark-image-") as name:
            path = place.fetch(ANSWER, Path(name))
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                return {key: str(found[key]) for key in ("torch", "cuda", "python")}
            except (ValueError, KeyError, TypeError) as error:
                raise IntegrityError(
                    f"{ANSWER} in the image is not what the build writes: {error}", reference="bad-image"
                ) from error

    def _client(self, engine: Engine) -> EngineClient:
        # BuildKit would keep pip's configuration in its cache, where no label finds it.
        environ = {**self.environ, "DOCKER_BUILDKIT": "0"}
        return EngineClient(engine=engine, run=self.run, environ=environ, lock_descriptor=self.lock_descriptor)


def by_digest(base: str, digests: Sequence[str]) -> str:
    """Add the digest under which its registry has an image, where the engine knows it: a tag can be moved."""
    name = base.rpartition(":")[0] if ":" in base.rpartition("/")[2] else base
    known = next((one for one in digests if one.startswith(f"{name}@")), None)
    return base if known is None or "@" in base else f"{base}@{known.partition('@')[2]}"


def build_step(plan: Plan) -> BuildImage:
    """Give the step of a plan that builds its image."""
    return next(step for step in plan.steps if isinstance(step, BuildImage))


def is_image(plan: Plan) -> bool:
    """Tell whether a plan ends in an image."""
    return any(isinstance(step, BuildImage) for step in plan.steps)


def image_stands(container: ContainerRecord, run: Runner, environ: Mapping[str, str]) -> bool:
    """Tell whether the image on record is still there, unaltered. Raises EngineError where the engine is not."""
    return container_place(container, run=run, gpu=False, environ=environ).image_id() == container.image_id


def forgetting(engine: Engine, plan: Plan) -> list[list[str]]:
    """Give the commands that delete the nameless leftovers of one build: a failed step's container holds its image."""
    only = ["--force", "--filter", f"label={BUILD_LABEL}={plan.digest}"]
    return [[engine.name, kind, "prune", *only] for kind in ("container", "image")]


def remove_image(plan: Plan, run: Runner, environ: Mapping[str, str]) -> None:
    """Remove the image of a plan, which we alone name so, and what a killed build of it left. None there is no error.

    Raises what engine_failure gives.
    """
    engine = engine_named(build_step(plan).engine)
    doing = f"removing the image {image_tag(plan)}"
    try:
        done = run(engine.remove_image(image_tag(plan)), env=environ)
    except ProgramNotFoundError as error:
        raise engine_missing(engine.name, doing=doing) from error
    if not done.ok:
        failure = engine_failure(done.stderr, doing=doing, engine=engine.name)
        if failure.reference != "image-gone":
            raise failure
    for command in forgetting(engine, plan):
        run(command, env=environ)
