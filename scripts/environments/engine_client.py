"""What is asked of an engine's client while an image is made: base images brought here, images looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scripts.environments.engine_errors import engine_failure, engine_missing
from scripts.environments.engines import Engine, ImageFacts, read_image
from scripts.environments.image_errors import killed
from scripts.errors import NoCandidateError
from scripts.model.target import Architecture
from scripts.progress import step as showing
from scripts.shell import Completed, ProgramNotFoundError, Runner

_GO_NAMES = {Architecture.X86_64: "amd64", Architecture.AARCH64: "arm64"}


@dataclass(frozen=True, kw_only=True)
class EngineClient:
    """An engine's client, and how it is started."""

    engine: Engine
    run: Runner
    environ: Mapping[str, str] = field(repr=False)
    """Its whole environment: it finds its engine and its logins by it."""
    lock_descriptor: int
    """Handed down to the client, so that the lock outlives us if we are killed."""

    def ask(self, argv: Sequence[str], *, tee: bool = False) -> Completed:
        """Run the client to its end, however it ends. Raises EngineError (engine-missing) where there is none."""
        try:
            return self.run(argv, env=self.environ, tee=tee, pass_fds=(self.lock_descriptor,))
        except ProgramNotFoundError as error:
            raise engine_missing(argv[0], doing="building an image") from error

    def find(self, image: str) -> ImageFacts | None:
        """Look at an image; None: it is not here, or the engine does not answer."""
        return read_image(self.ask(self.engine.inspect_image(image)).stdout)

    def inspect(self, image: str) -> ImageFacts:
        """Look at an image that is here. Raises what engine_failure gives."""
        done = self.ask(self.engine.inspect_image(image))
        found = read_image(done.stdout)
        if found is None:
            raise engine_failure(done.stderr, doing=f"looking at {image}", engine=self.engine.name)
        return found

    def obtain(self, base: str) -> ImageFacts:
        """Give a base image, pulled if it is not here. Raises what engine_failure gives."""
        found = self.find(base)
        if found is not None:
            return found
        doing = f"pulling {base}"
        with showing(doing):
            done = self.ask(self.engine.pull(base))
        if done.returncode is not None and done.returncode < 0:
            raise killed(done.returncode, doing=doing, engine=self.engine.name)
        if not done.ok:
            raise engine_failure(done.stderr + done.stdout, doing=doing, engine=self.engine.name)
        return self.inspect(base)


def require_architecture(found: ImageFacts, base: str, wanted: Architecture) -> None:
    """Insist that an image is for this machine's processor. Raises NoCandidateError (wrong-architecture)."""
    if found.architecture != _GO_NAMES[wanted]:
        raise NoCandidateError(
            f"{base} was built for another kind of processor",
            context=f"the image that is here is for {found.os}/{found.architecture}, this machine is {wanted}",
            reference="wrong-architecture",
            hint="remove it from the engine if its tag has a build for this machine, or name another with --image",
        )
