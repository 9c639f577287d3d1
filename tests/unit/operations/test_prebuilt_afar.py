"""Planning around a wheel of a URL, a folder or an index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.errors import ExitCode, SparkError
from scripts.model.plan import InstallWheel, Plan
from scripts.operations.fetching import cached_wheel
from tests.support.index_server import JSON
from tests.support.pages import Page
from tests.unit.operations.prebuilt_wheels import FILES, INDEX, SIMPLE, Bench, digest_of, torch
from tests.unit.operations.wheel_web import PC_TAG, SPARK_TAG

CU130 = "2.14.0+cu130"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refused(bench: Bench, wheel: str | Path, **options: object) -> SparkError:
    with pytest.raises(SparkError) as caught:
        bench.plan(wheel, **options)
    error = caught.value
    assert error.hint
    assert bench.uv.seen == []
    assert bench.web.downloads == []
    assert "secret" not in str(error.to_dict())
    return error


def installed(plan: Plan) -> InstallWheel:
    return next(step for step in plan.steps if isinstance(step, InstallWheel))


def test_a_url_is_planned_with_and_not_downloaded(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    plan = bench.plan(f"{FILES}/{wheel.name}", sha256=digest_of(wheel))
    assert bench.web.downloads == []
    place = cached_wheel(digest_of(wheel), wheel.name, bench.context)
    assert installed(plan).path == str(place)
    assert not place.exists()
    assert any("is downloaded when the environment is built" in note for note in plan.notes)
    assert plan.digest == Bench(tmp_path / "other").plan(wheel).digest
    assert (plan.cuda, plan.nvrtc) == ("13.0", "13.0.88")


def test_a_url_may_bring_the_hash_itself(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    assert installed(bench.plan(f"{FILES}/{wheel.name}#sha256={digest_of(wheel)}")).sha256 == digest_of(wheel)


def test_what_names_no_cuda_in_its_metadata_is_asked_for_it(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels", requires=SIMPLE, cuda="12.9")
    bench.web.serve(wheel)
    assert bench.plan(f"{FILES}/{wheel.name}", sha256=digest_of(wheel)).cuda == "12.9"


def test_device_code_that_nobody_read_is_a_note(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels", "2.9.0a0+gitabc", library="hopper.so")
    bench.web.serve(wheel)
    plan = bench.plan(f"{FILES}/{wheel.name}", sha256=digest_of(wheel))
    assert any("its device code is not known, and is read once the wheel is here" in note for note in plan.notes)


def test_the_hash_is_asked_for_last(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    error = refused(bench, f"{FILES}/{wheel.name}")
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "hash-needed")
    assert "the server gives no hash for it" in error.context


def test_what_a_server_says_of_the_hash_is_no_proof(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    bench.web.told = {"x-checksum-sha256": digest_of(wheel)}
    error = refused(bench, f"{FILES}/{wheel.name}")
    assert error.reference == "hash-needed"
    assert digest_of(wheel) in error.context
    assert "no proof" in error.context


@pytest.mark.parametrize(
    "name", [f"torch-2.15.0-{SPARK_TAG}.whl", "torch-2.15.0-cp310-cp310-manylinux_2_28_x86_64.whl"]
)
def test_a_name_that_does_not_fit_costs_no_request(bench: Bench, name: str) -> None:
    error = refused(bench, f"https://user:secret@wheels.example/files/{name}")
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "wheel-does-not-fit")
    assert bench.web.seen == []


@pytest.mark.parametrize("name", ["numpy-2.5.5-cp312-cp312-manylinux_2_28_x86_64.whl", "torch.whl"])
def test_what_is_no_torch_costs_no_request(bench: Bench, name: str) -> None:
    assert refused(bench, f"{FILES}/{name}").exit_code == ExitCode.USAGE
    assert bench.web.seen == []


@pytest.mark.parametrize(
    "changes", [{"requires": SIMPLE, "cuda": None, "library": None}, {"requires": ["setuptools<82"]}]
)
def test_what_will_not_do_is_refused_before_the_download(
    bench: Bench, tmp_path: Path, changes: dict[str, object]
) -> None:
    wheel = torch(tmp_path / "wheels", **changes)  # type: ignore[arg-type]
    bench.web.serve(wheel)
    assert refused(bench, f"{FILES}/{wheel.name}").exit_code == ExitCode.NO_CANDIDATE


def test_a_server_that_gives_no_parts(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel).ranges = False
    error = refused(bench, f"{FILES}/{wheel.name}", sha256=digest_of(wheel))
    assert (error.exit_code, error.reference) == (ExitCode.NETWORK, "no-range-support")
    assert "--wheel PATH" in error.hint


@pytest.mark.parametrize(
    "what", ["ftp://user:secret@host/torch-2.15.0-py3-none-any.whl", "http://user:secret@[bad/x.whl"]
)
def test_what_is_no_url(bench: Bench, what: str) -> None:
    assert refused(bench, what).reference == "bad-url"


def test_the_best_of_a_folder(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    best = torch(folder, CU130)
    torch(folder, "2.15.0+cpu", requires=SIMPLE, cuda=None)
    torch(folder, "2.15.0", tag=SPARK_TAG)
    torch(folder, "2.14.1", library="hopper.so")
    torch(folder, "2.13.0")
    torch(folder, "2.16.0a0+gitabc")
    torch(folder, "0.1", name="torchaudio")
    plan = bench.plan(folder)
    assert installed(plan).filename == best.name
    assert any("passed over torch-2.14.1" in note and "no device code" in note for note in plan.notes)
    assert installed(bench.plan(folder, torch="2.13.0")).version == "2.13.0"
    assert installed(bench.plan(folder, nightly=True)).version == "2.16.0a0+gitabc"


def test_a_pre_release_is_taken_where_nothing_else_fits(bench: Bench, tmp_path: Path) -> None:
    torch(tmp_path / "wheels", "2.16.0a0+gitabc")
    assert installed(bench.plan(tmp_path / "wheels")).version == "2.16.0a0+gitabc"


def test_a_folder_that_has_none(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    assert refused(bench, folder).reference == "no-torch"
    torch(folder, "0.1", name="torchaudio")
    assert "torchaudio" in refused(bench, folder).context
    torch(folder, tag=SPARK_TAG)
    torch(folder, "2.15.0+cpu", requires=SIMPLE, cuda=None)
    error = refused(bench, folder)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-torch")
    assert "a CPU-only build, by its name" in error.context
    assert "wrong platform" in error.context
    torch(folder, "2.14.0", library="hopper.so")
    error = refused(bench, folder)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-device-code"), "the only one that fits"
    assert "wrong platform" in error.context
    torch(folder, "2.13.0", library="hopper.so")
    error = refused(bench, folder)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-usable-wheel")
    assert "torch-2.14.0" in error.message
    assert [line.split()[2] for line in error.context.splitlines()[:2]] == [
        f"torch-{version}-{PC_TAG}.whl" for version in ("2.14.0", "2.13.0")
    ]
    assert "wrong platform" in error.context


def test_a_hash_chooses_among_the_wheels_of_a_folder(bench: Bench, tmp_path: Path) -> None:
    older, _ = torch(tmp_path / "wheels", "2.14.0"), torch(tmp_path / "wheels", "2.15.0")
    assert installed(bench.plan(tmp_path / "wheels", sha256=digest_of(older))).version == "2.14.0"
    error = refused(Bench(tmp_path / "other"), tmp_path / "wheels", sha256="5" * 64)
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "wrong-hash")
    assert digest_of(older) in error.context


def test_a_damaged_wheel_of_a_folder_is_not_passed_over(bench: Bench, tmp_path: Path) -> None:
    torch(tmp_path / "wheels", "2.14.0")
    best = torch(tmp_path / "wheels", "2.15.0")
    best.write_bytes(best.read_bytes()[:1000])
    assert refused(bench, tmp_path / "wheels").exit_code == ExitCode.INTEGRITY


@pytest.mark.parametrize("url", [INDEX, f"{INDEX}/", f"{INDEX}/torch/", f"{INDEX}/torch"])
def test_an_index_by_its_root_or_by_torchs_page(bench: Bench, tmp_path: Path, url: str) -> None:
    wheels = [torch(tmp_path / "wheels", version) for version in ("2.13.0", CU130, "2.15.0+cpu")]
    bench.web.serve(*wheels)
    plan = bench.plan(url, sha256=digest_of(wheels[1]))
    assert installed(plan).version == CU130
    assert bench.web.seen[0] == f"{INDEX}/torch/"


def test_what_an_index_says_of_the_hash_is_no_proof(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    error = refused(bench, INDEX)
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "hash-needed")
    assert f"the index says that it is {digest_of(wheel)}: that is no proof" in error.context


def test_a_hash_that_the_index_gives_to_none(bench: Bench, tmp_path: Path) -> None:
    bench.web.serve(torch(tmp_path / "wheels"))
    error = refused(bench, INDEX, sha256="5" * 64)
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "wrong-hash")


def test_an_index_without_hashes_is_taken_at_the_given_one(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel, hashed=False)
    assert installed(bench.plan(INDEX, sha256=digest_of(wheel))).sha256 == digest_of(wheel)


def test_an_index_without_torch(bench: Bench, tmp_path: Path) -> None:
    bench.web.serve(torch(tmp_path / "wheels", name="torchaudio"))
    error = refused(bench, INDEX, sha256="5" * 64)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "project-not-found")


def test_an_index_that_cannot_be_reached(bench: Bench) -> None:
    assert refused(bench, "https://gone.example/whl", sha256="5" * 64).exit_code == ExitCode.NETWORK


@pytest.mark.parametrize("link", ["https://wheels.example/files/evil-1.0-py3-none-any.whl", "file:///etc/{name}"])
def test_a_link_that_leads_elsewhere_is_not_followed(bench: Bench, tmp_path: Path, link: str) -> None:
    wheel = torch(tmp_path / "wheels")
    entry = {"filename": wheel.name, "url": link.format(name=wheel.name), "hashes": {}}
    body = {"meta": {"api-version": "1.1"}, "name": "torch", "versions": [], "files": [entry]}
    url = f"{INDEX}/torch/"
    bench.web.pages = {url: Page(url=url, headers={"content-type": JSON}, body=json.dumps(body).encode())}
    error = refused(bench, INDEX, sha256=digest_of(wheel))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-torch")
    assert "leads to another file" in error.context
    assert bench.web.seen == [url]


def test_only_so_many_of_an_index_are_looked_into(bench: Bench, tmp_path: Path) -> None:
    wheels = [torch(tmp_path / "wheels", f"2.{minor}.0", requires=["setuptools<82"]) for minor in range(1, 9)]
    bench.web.serve(*wheels)
    error = refused(bench, INDEX)
    assert "3 older ones were not looked into" in error.context
    assert error.reference == "no-usable-wheel"
