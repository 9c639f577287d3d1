"""`setup --strategy ngc` by podman: one build, found again, used, removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.image import BUILD_LABEL, build_step, image_tag
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.environments import remove
from scripts.operations.setup import setup
from scripts.shell import run
from tests.containers.podman import PodmanEngine
from tests.containers.stub_base import StubWorld, stub_base
from tests.support.world import World, supported

pytestmark = pytest.mark.containers


def test_podman_builds_it_too(
    tmp_path: Path, podman: PodmanEngine, small_podman_image: str, containers_context: Context
) -> None:
    interpreter = supported(containers_context.facts.host.interpreters)
    if interpreter is None:
        pytest.skip("no Python here that setup takes")
    base = stub_base(podman, small_podman_image, tag="podman")
    with World(tmp_path, interpreter) as world:
        stub = StubWorld(world=world, engine=podman)
        results = [setup(stub.request(base), None, GB10, stub.context(), smoke=False) for _ in range(2)]
        assert [one.reused for one in results] == [False, True]
        plan = results[0].plan
        assert build_step(plan).engine == "podman"
        context = stub.context()
        place = context.place(context.store.find(None))
        done = place.run(
            [str(place.python), "-I", "-c", "import kokoro, torch; print(kokoro.__file__, torch.__file__)"]
        )
        assert done.ok, done.stderr
        kokoro, torch = done.stdout.split()
        assert kokoro.startswith("/opt/kokoro-spark")
        assert not torch.startswith("/opt/kokoro-spark")
        only = ["podman", "images", "--quiet", "--filter", f"label={BUILD_LABEL}={plan.digest}"]
        assert len(run(only, env=podman.environ()).stdout.split()) == 1
        assert run([*only, "--filter", "dangling=true"], env=podman.environ()).stdout.split() == []
        remove(results[0].environment, context)
        assert run(only, env=podman.environ()).stdout.split() == []
        assert not run(["podman", "image", "exists", image_tag(plan)], env=podman.environ()).ok
