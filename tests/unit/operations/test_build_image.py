"""The image to build in: when it is built, with which arguments, what it is named by, and what its failures mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.environments.engine_client import EngineClient
from scripts.environments.engines import engine_named
from scripts.environments.image_context import DOCKER
from scripts.errors import BuildError, DiskError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.target import Architecture
from scripts.operations.build_image import RECIPE, REPOSITORY, BuilderImage, builder_image
from scripts.shell import Completed

BASE = "host.example/cuda:13"
DIGEST = "sha256:" + "d" * 64


@dataclass
class Engine:
    """An engine with a base image; what it builds it keeps by its tag."""

    code: int = 0
    words: str = ""
    images: dict[str, str] = field(default_factory=lambda: {BASE: "sha256:ba5e"})
    digests: tuple[str, ...] = ()
    built: list[list[str]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], **_: object) -> Completed:
        out, code = "", 0
        if argv[1] == "build":
            self.built.append(list(argv))
            code = self.code
            self.images[argv[argv.index("--tag") + 1]] = f"sha256:{len(self.built)}"
        elif argv[-1] in self.images:
            one = {"Id": self.images[argv[-1]], "Os": "linux", "Architecture": "amd64", "RepoDigests": self.digests}
            out = json.dumps([one])
        else:
            code = 1
        return Completed(argv=tuple(argv), returncode=code, stdout=out, stderr=self.words, seconds=0)

    def image(
        self,
        *packages: str,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
        base: str = BASE,
        make: bool = True,
    ) -> BuilderImage:
        client = EngineClient(engine=engine_named("docker"), run=self, environ=environ or {}, lock_descriptor=7)
        return builder_image(base, packages, client, Architecture.X86_64, make=make, folder=folder or DOCKER)

    def arguments(self) -> list[str]:
        argv = self.built[-1]
        return [after for word, after in pairwise(argv) if word == "--build-arg"]


def test_a_dry_run_neither_pulls_nor_builds() -> None:
    engine = Engine()
    with pytest.raises(NoCandidateError) as told:
        engine.image(make=False)
    assert told.value.reference == "no-builder-image"
    assert "--in host" in told.value.hint
    assert engine.built == []
    made = engine.image()
    assert engine.image(make=False) == made


def test_it_is_built_once() -> None:
    engine = Engine()
    first = engine.image("ninja-build", "git")
    assert engine.image("git", "ninja-build", "git") == first
    (argv,) = engine.built
    assert argv[argv.index("--network") + 1] == "host"
    assert first.tag.startswith(f"{REPOSITORY}:")
    assert engine.arguments() == [f"BASE={BASE}", f"BUILD={first.tag[-12:]}", "PACKAGES=git ninja-build"]


def test_what_it_is_made_of_is_its_name_and_the_same_on_every_machine(tmp_path: Path) -> None:
    (tmp_path / RECIPE).write_text("FROM scratch\n")
    first, other = Engine().image(folder=tmp_path), Engine(images={BASE: "sha256:0ther"}).image(folder=tmp_path)
    assert first.inputs.startswith(f"{BASE} sha256:ba5e ")
    assert first.tag != other.tag, "the base's tag was moved"
    assert first.inputs != other.inputs
    assert Engine().image("git", folder=tmp_path).inputs != first.inputs
    (tmp_path / RECIPE).write_text("FROM scratch\nUSER root\n")
    changed = Engine().image(folder=tmp_path)
    assert changed.tag != first.tag
    assert changed.inputs != first.inputs
    known = Engine(digests=(f"host.example/cuda@{DIGEST}",)).image(folder=tmp_path)
    assert known.inputs.startswith(f"{BASE}@{DIGEST} ")
    assert "ba5e" not in known.inputs
    exact = f"{BASE}@{DIGEST}"
    assert Engine(images={exact: "sha256:1"}).image(folder=tmp_path, base=exact).inputs == known.inputs


def test_proxies_are_passed_on_by_name() -> None:
    engine = Engine()
    engine.image(environ={"HTTPS_PROXY": "http://user:secret@proxy.example", "PATH": "/bin"})
    assert engine.arguments()[-1] == "HTTPS_PROXY"
    assert "secret" not in str(engine.built)


@pytest.mark.parametrize("name", ["", "a b", "--allow", "a;b", "$(x)", "UPPER", "a"])
def test_what_is_no_package(name: str) -> None:
    engine = Engine()
    with pytest.raises(UsageError) as told:
        engine.image(name)
    assert told.value.reference == "bad-package"
    assert engine.built == []


@pytest.mark.parametrize(
    ("words", "kind", "reference"),
    [
        ("E: Unable to locate package nothing\nreturned a non-zero code: 100", NoCandidateError, "no-such-package"),
        ("E: Package 'x' has no installation candidate", NoCandidateError, "no-such-package"),
        ("Err:1 Temporary failure resolving 'mirror.example'", NetworkError, "apt-failed"),
        (
            "E: Failed to fetch http://mirror.example/x  Write error - write (28: No space left)",
            NetworkError,
            "apt-failed",
        ),
        ("E: Failed to fetch x\nno space left on device", DiskError, "disk-full"),
        ("g++: not found\nreturned a non-zero code: 127", BuildError, "image-build-failed"),
    ],
)
def test_a_build_that_fails(words: str, kind: type[SparkError], reference: str) -> None:
    with pytest.raises(kind) as told:
        Engine(code=1, words=words).image()
    assert told.value.reference == reference
    assert told.value.context


def test_a_build_whose_client_is_killed() -> None:
    with pytest.raises(BuildError) as told:
        Engine(code=-9).image()
    assert told.value.reference == "engine-killed"
