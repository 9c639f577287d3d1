"""A base image whose torch is one module with two numbers in it: for builds of seconds, and for what fails in them.

The packages come from an index on loopback (tests.support.world), which a build reaches by --network host.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.home import CONSTRAINTS
from scripts.model.plan import Request
from scripts.operations.context import Context
from scripts.shell import Runner, run
from tests.containers.daemon import DockerEngine
from tests.containers.podman import PodmanEngine
from tests.support.world import World

STUB = "host.example/torch"
"""Of no registry: it is here or nowhere."""
TORCH = '''"""A stub: what the build looks at."""


class version:  # noqa: N801 - as in torch
    cuda = {cuda!r}
'''
DOCKERFILE = """FROM {image}
USER root
RUN rm -rf /opt/kokoro-spark
COPY site/ /tmp/site/
RUN cp -r /tmp/site/. "$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/"
"""


def stub_base(
    engine: DockerEngine | PodmanEngine,
    image: str,
    *,
    tag: str,
    torch: str | None = "2.10.0",
    cuda: str | None = "13.1",
) -> str:
    """Put the stub over an image that has a Python; `torch` None: no torch at all. Gives the new image's name."""
    name = f"{STUB}:{tag}"
    with tempfile.TemporaryDirectory(prefix="stub-base-") as folder:
        site = Path(folder, "site")
        site.mkdir()
        (site / "marker.py").touch()
        if torch is not None:
            (site / "torch").mkdir()
            (site / "torch" / "__init__.py").write_text(TORCH.format(cuda=cuda), encoding="utf-8")
            info = site / f"torch-{torch}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {torch}\n", encoding="utf-8")
        Path(folder, "Dockerfile").write_text(DOCKERFILE.format(image=image), encoding="utf-8")
        built = run([engine.name, "build", "--network", "host", "--tag", name, folder], env=engine.environ())
    assert built.ok, built.stdout + built.stderr
    return name


@dataclass(frozen=True, kw_only=True)
class StubWorld:
    """A data root, an index of stub wheels and an engine, for setups of stub bases."""

    world: World
    engine: DockerEngine | PodmanEngine

    def environ(self) -> dict[str, str]:
        """Give a task's environment, with the engine's client in it."""
        given = self.engine.environ(self.world.environ())
        client = shutil.which(self.engine.name)
        assert client is not None
        return given | {"PATH": os.pathsep.join([given["PATH"], str(Path(client).parent)])}

    def context(self, runner: Runner = run) -> Context:
        """Make a task's context, on a machine that has this engine alone."""
        table = self.world.constraints / "images.toml"
        shutil.copyfile(CONSTRAINTS / table.name, table)
        context = Context(home=self.world.home, run=runner, constraints=self.world.constraints, environ=self.environ())
        context.uv = self.world.uv
        engines = tuple(one for one in context.facts.engines if one.name == self.engine.name)
        context.__dict__["facts"] = replace(context.facts, engines=engines)
        return context

    def request(self, image: str) -> Request:
        """Ask for the image."""
        return Request(strategy="ngc", image=image, python=self.world.interpreter.minor)
