"""What an engine's client is asked while an image is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from scripts.environments.engine_client import EngineClient, require_architecture
from scripts.environments.engines import ImageFacts, engine_named
from scripts.errors import BuildError, EngineError, NoCandidateError
from scripts.model.target import Architecture
from scripts.shell import Completed, ProgramNotFoundError


@dataclass
class Client:
    """An engine that has what was pulled, and pulls as it is told."""

    pulls: int | None = 0
    words: str = ""
    there: bool = True
    here: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)

    def __call__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = (), **_: object
    ) -> Completed:
        if not self.there:
            raise ProgramNotFoundError("no", reference="program-not-found")
        assert (env, tuple(pass_fds)) == ({"A": "1"}, (7,))
        self.seen.append(argv[1])
        code, out, err = self.pulls, "", self.words
        if argv[1] == "image":
            code = 0 if argv[-1] in self.here else 1
            out = json.dumps([{"Id": "ab", "Os": "linux", "Architecture": "amd64"}]) if code == 0 else ""
            err = "No such image"
        elif code == 0:
            self.here.add(argv[-1])
        return Completed(argv=tuple(argv), returncode=code, stdout=out, stderr=err, seconds=0)


def made(client: Client) -> EngineClient:
    return EngineClient(engine=engine_named("docker"), run=client, environ={"A": "1"}, lock_descriptor=7)


def test_a_base_is_pulled_once() -> None:
    client = Client()
    assert made(client).obtain("b:1").id == "sha256:ab"
    assert client.seen == ["image", "pull", "image"]
    made(client).obtain("b:1")
    assert client.seen == ["image", "pull", "image", "image"]


def test_what_is_not_here() -> None:
    assert made(Client()).find("b:1") is None
    with pytest.raises(NoCandidateError) as told:
        made(Client()).inspect("b:1")
    assert told.value.reference == "image-gone"


def test_a_pull_that_fails() -> None:
    with pytest.raises(EngineError) as told:
        made(Client(pulls=1, words="unauthorized")).obtain("b:1")
    assert told.value.reference == "pull-refused"
    with pytest.raises(BuildError) as ended:
        made(Client(pulls=-9)).obtain("b:1")
    assert ended.value.reference == "engine-killed"


def test_no_client() -> None:
    with pytest.raises(EngineError) as told:
        made(Client(there=False)).ask(["docker", "x"])
    assert told.value.reference == "engine-missing"


def test_another_processor() -> None:
    found = ImageFacts(id="sha256:ab", architecture="arm64", os="linux", digests=())
    require_architecture(found, "b:1", Architecture.AARCH64)
    with pytest.raises(NoCandidateError) as told:
        require_architecture(found, "b:1", Architecture.X86_64)
    assert told.value.reference == "wrong-architecture"
    assert "linux/arm64" in told.value.context
