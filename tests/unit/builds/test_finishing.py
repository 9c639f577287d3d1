"""What is done to a wheel after its build: version, SBOM, provenance, and the wheel packed again."""

from __future__ import annotations

import json
import stat
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.builds.finishing import own_version
from scripts.builds.provenance import provenance
from scripts.builds.rewriting import pack, parse_name, unpack_wheel
from scripts.builds.running import BuildRun
from scripts.builds.sbom import sbom_text
from scripts.errors import BuildError, UsageError
from scripts.model.builds import TagChoice
from scripts.wheels.record import parse_record
from scripts.wheels.writer import metadata_text, write_wheel
from tests.support.machines import PC
from tests.unit.builds.plans import RECIPE, plan


@pytest.mark.parametrize(
    ("version", "local", "own"),
    [
        ("1.0", "pt{torch}cu{cuda}sm{sm}", "1.0+pt2150cu132sm121a"),
        ("1.0+git1", "sm{sm}", "1.0+git1.sm121a"),
        ("1.0", "", "1.0"),
    ],
)
def test_a_version_of_its_own(version: str, local: str, own: str) -> None:
    assert own_version(version, plan(recipe=replace(RECIPE, local_version=local))) == own


def test_several_architectures() -> None:
    assert own_version("1.0", plan(recipe=replace(RECIPE, local_version="sm{sm}"), sm="9.0;12.1a")) == "1.0+sm90.121a"


@pytest.mark.parametrize(("local", "kind"), [("sm {sm}", BuildError), ("{nothing}", UsageError)])
def test_a_version_that_is_none(local: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        own_version("1.0", plan(recipe=replace(RECIPE, local_version=local)))


def made(folder: Path) -> Path:
    files = {"demo/__init__.py": b"1\n", "demo/lib.so": b"\x7fELF" * 1000}
    return write_wheel(
        folder,
        name="demo-ext",
        version="1.0",
        files=files,
        metadata=metadata_text("demo-ext", "1.0"),
        tag="py3-none-any",
    )


def test_unpacked_and_packed_again(tmp_path: Path) -> None:
    path, folder = made(tmp_path), tmp_path / "folder"
    unpack_wheel(path, folder)
    (folder / "demo" / "lib.so").chmod(0o755)
    (folder / "demo" / "comma, in its name.txt").write_text("x")
    one, two = (pack(folder, parse_name(path), tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes(), "the same content is the same wheel"
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        lines, unreadable = parse_record(archive.read("demo_ext-1.0.dist-info/RECORD").decode())
        mode = archive.getinfo("demo/lib.so").external_attr >> 16
    assert names[-1] == "demo_ext-1.0.dist-info/RECORD"
    assert all("dist-info" in name for name in names[-3:])
    assert stat.S_IMODE(mode) == 0o755
    assert unreadable == ()
    assert {line.name for line in lines} == set(names)
    assert all(line.hash.startswith("sha256=") for line in lines if not line.name.endswith("RECORD"))


@pytest.mark.parametrize("name", ["demo.whl", "demo-1.0.whl", "demo-x-py3-none-any.whl"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BuildError) as caught:
        parse_name(Path(name))
    assert caught.value.reference == "not-a-wheel"


def test_a_build_number() -> None:
    name = parse_name(Path("demo-1.0-2-cp312-cp312-linux_aarch64.whl"))
    assert (name.version, name.build, name.tags) == ("1.0", "2", "cp312-cp312-linux_aarch64")
    assert name.filename == "demo-1.0-2-cp312-cp312-linux_aarch64.whl"


def test_the_sbom_is_the_same_for_the_same_build() -> None:
    text = sbom_text(plan(), version="1.0+sm121a")
    assert text == sbom_text(plan(), version="1.0+sm121a")
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part for part in document["components"]}
    assert parts["torch"]["version"] == "2.15.0"
    assert parts["nvcc"]["version"] == "13.2.86"
    assert parts["the source of demo-ext"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/demo-ext@1.0+sm121a"
    assert json.loads(sbom_text(plan(sm="9.0"), version="1.0"))["serialNumber"] != document["serialNumber"]


@pytest.mark.parametrize(
    ("source", "digest"),
    [
        ("git:" + "c" * 40, {"gitCommit": "c" * 40}),
        ("sha256:" + "a" * 64, {"sha256": "a" * 64}),
        ("tree:" + "d" * 64, {"dirHash": "d" * 64}),
    ],
)
def test_the_provenance(source: str, digest: dict[str, str]) -> None:
    statement = provenance(
        plan(source=source),
        wheel=Path("/somewhere/demo.whl"),
        sha256="e" * 64,
        run=BuildRun(attempts=(), cache=None, slowest=()),
        tag=TagChoice(tag="linux_aarch64", reason="made up"),
        began=datetime(2026, 12, 1, 10, tzinfo=UTC),
        ended=datetime(2026, 12, 1, 11, tzinfo=UTC),
        host=PC.host,
    )
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "demo.whl", "digest": {"sha256": "e" * 64}}]
    predicate = statement["predicate"]
    assert predicate["buildDefinition"]["resolvedDependencies"][0]["digest"] == digest
    assert predicate["buildDefinition"]["externalParameters"]["architectures"] == ["12.1a"]
    assert predicate["runDetails"]["byproducts"][0]["annotations"]["seconds"] == 3600.0
    assert "/somewhere" not in json.dumps(statement)


def test_credentials_are_in_no_provenance() -> None:
    source = replace(RECIPE.source, location="https://me:secret@host.example/x.git")
    given = plan(recipe=replace(RECIPE, source=source), source="git:" + "c" * 40)
    told = json.dumps(
        provenance(
            given,
            wheel=Path("demo.whl"),
            sha256="e" * 64,
            run=BuildRun(attempts=(), cache=None, slowest=()),
            tag=TagChoice(tag="linux_aarch64", reason="made up"),
            began=datetime(2026, 12, 1, tzinfo=UTC),
            ended=datetime(2026, 12, 1, tzinfo=UTC),
            host=PC.host,
        )
    )
    assert "secret" not in told
    assert "host.example" in told
