from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.evidence import VerdictKind
from scripts.model.facts import IndexSettings
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import GB10, ComputeCapability, Target
from scripts.operations.context import Context
from scripts.operations.predicting import foresee
from scripts.serial import from_data, to_json
from scripts.verification.foresee import DEVICE_CODE, METADATA, PROOF, STATED
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS
from scripts.wheels.nvrtc import TABLE
from tests.support.answering import AnsweringRunner, passed
from tests.support.contexts import context
from tests.support.machines import PC, PC_TARGET, SPARK_TARGET
from tests.support.pages import Page
from tests.unit.operations.wheel_web import PC_TAG, File, WheelWeb, nvrtc_file, torch_file
from tests.unit.operations.worlds import DEFAULT

FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=DEFAULT))
NVRTC = "nvidia-cuda-nvrtc==13.2.86"
OLD_NVRTC = "nvidia-cuda-nvrtc-cu12==12.8.93"
MEASURED = torch_file("2.15.0", NVRTC, states=None)
"""By its name; what it holds here is nothing."""
UNMEASURED = torch_file("2.15.7", NVRTC)


def made(tmp_path: Path, web: WheelWeb, **options: Any) -> Context:
    return context(tmp_path, FACTS, web=web, **options)


def ask(
    given: Context,
    torch: str | None = None,
    *,
    strategy: str = "pypi",
    target: Target = SPARK_TARGET,
    sm: ComputeCapability = GB10,
    index: str | None = None,
    nightly: bool = False,
    **options: bool,
) -> Forecast:
    request = ForecastRequest(
        strategy=strategy, torch=torch, target=target, capability=sm, index=index, nightly=nightly
    )
    return foresee(request, given, **options)


def sources(forecast: Forecast) -> list[str]:
    return [reason.evidence for reason in forecast.prediction.reasons]


def test_a_measured_wheel_takes_two_requests_and_then_none(tmp_path: Path) -> None:
    web = WheelWeb().add(MEASURED)
    found = ask(made(tmp_path, web))
    assert (found.wheel, found.torch, found.cuda, found.nvrtc) == (MEASURED.name, "2.15.0", "13.2", "13.2.86")
    assert (found.size, found.sha256, found.strategy) == (len(MEASURED.data), MEASURED.sha256, "pypi")
    assert (found.nvrtc_package, found.triton) == ("nvidia-cuda-nvrtc", None)
    assert found.prediction.kind is VerdictKind.NOT_NEEDED
    assert sources(found) == [DEVICE_CODE, TABLE]
    assert found.built_for == "sm_80 sm_90 sm_100 sm_110 sm_120"
    assert (found.requests, len(web.seen)) == (2, 2)
    assert found.bytes_read == sum(len(body) for body in (_page(web), (MEASURED.metadata or "").encode()))
    again = ask(made(tmp_path, web))
    assert (again.requests, again.bytes_read, len(web.seen)) == (0, 0, 2)
    assert again.prediction == found.prediction


def _page(web: WheelWeb) -> bytes:
    page = web.pages[f"{DEFAULT}/torch/"]
    return page if isinstance(page, bytes) else page.body


def test_with_an_etag_the_second_time_takes_one_request(tmp_path: Path) -> None:
    web = WheelWeb(etag='"v1"').add(MEASURED)
    ask(made(tmp_path, web))
    again = ask(made(tmp_path, web))
    assert (again.requests, again.bytes_read) == (1, 0)


def test_refresh_believes_nothing(tmp_path: Path) -> None:
    web = WheelWeb(etag='"v1"').add(UNMEASURED)
    first = ask(made(tmp_path, web))
    again = ask(made(tmp_path, web), refresh=True)
    assert (again.requests, again.bytes_read) == (first.requests, first.bytes_read)
    assert ask(made(tmp_path, web)).requests == 1


def test_one_that_nobody_measured_is_asked_what_it_was_built_for(tmp_path: Path) -> None:
    web = WheelWeb().add(UNMEASURED)
    found = ask(made(tmp_path, web))
    assert (found.prediction.kind, found.built_for) == (VerdictKind.NOT_NEEDED, "sm_80 sm_120")
    assert sources(found) == [STATED, TABLE]
    assert found.requests <= MAX_REQUESTS
    assert found.bytes_read <= MAX_BYTES
    assert ask(made(tmp_path, web)).requests == 0


def test_the_newest_that_fits_is_taken(tmp_path: Path) -> None:
    files = [
        torch_file("2.14.1", NVRTC),
        torch_file("2.15.7", NVRTC, tag=PC_TAG),
        torch_file("2.16.0rc1", NVRTC),
        MEASURED,
    ]
    given = made(tmp_path, WheelWeb().add(*files))
    assert ask(given).torch == "2.15.0"
    assert ask(given, target=PC_TARGET).torch == "2.15.7"
    assert ask(given, "<2.15").torch == "2.14.1"
    assert ask(given, "2.16.0rc1").torch == "2.16.0rc1"


@pytest.mark.parametrize(
    ("requires", "sm", "kind"),
    [
        (OLD_NVRTC, "12.1", VerdictKind.NEEDED),
        (OLD_NVRTC, "12.0", VerdictKind.NOT_NEEDED),
        (OLD_NVRTC, "9.0", VerdictKind.BROKEN),
        (NVRTC, "12.1", VerdictKind.NOT_NEEDED),
    ],
)
def test_verdicts(tmp_path: Path, requires: str, sm: str, kind: VerdictKind) -> None:
    web = WheelWeb().add(torch_file("2.15.7", requires, states="sm_100 sm_120"))
    found = ask(made(tmp_path, web), sm=ComputeCapability.parse(sm))
    assert found.prediction.kind is kind
    assert found.settle == ()


def test_a_cpu_only_build(tmp_path: Path) -> None:
    web = WheelWeb().add(torch_file("2.9.1", "filelock"))
    found = ask(made(tmp_path, web))
    assert (found.prediction.kind, sources(found)) == (VerdictKind.NOT_APPLICABLE, [METADATA])
    assert (found.cuda, found.nvrtc, found.built_for, found.requests) == (None, None, "", 2)


def test_metadata_out_of_the_wheel(tmp_path: Path) -> None:
    web = WheelWeb().add(torch_file("2.15.7", NVRTC, beside=False, sized=False))
    found = ask(made(tmp_path, web))
    assert (found.prediction.kind, found.size) == (VerdictKind.NOT_NEEDED, None)
    assert found.requests == len(web.seen) <= MAX_REQUESTS


LIVES = "https://lane.example/whl/cu130"


def test_a_mirror_of_a_lane(tmp_path: Path) -> None:
    file = torch_file("2.15.7+cu130", "nvidia-cuda-nvrtc==13.0.88")
    web = WheelWeb().add(file, torch_file("2.15.8+cu132", NVRTC), index=LIVES)
    found = ask(made(tmp_path, web), strategy="cu130", index=LIVES)
    assert (found.strategy, found.torch, found.cuda) == ("cu130", "2.15.7+cu130", "13.0")


def test_nightly_builds_are_pre_releases(tmp_path: Path) -> None:
    web = WheelWeb().add(torch_file("2.16.0.dev20260101+cu130", "nvidia-cuda-nvrtc==13.0.88"), index=LIVES)
    given = made(tmp_path, web)
    assert ask(given, strategy="cu130", index=LIVES, nightly=True).strategy == "cu130-nightly"
    with pytest.raises(NoCandidateError) as caught:
        ask(given, strategy="cu130", index=LIVES)
    assert caught.value.reference == "no-torch"


class Refused(NamedTuple):
    """What is asked, and why it is refused."""

    options: dict[str, Any]
    reference: str
    kind: type[SparkError] = UsageError
    hint: str = ""


REFUSED = {
    "auto": Refused({"strategy": "auto"}, "auto-elsewhere", hint="--strategy pypi"),
    "auto, shouted": Refused({"strategy": " AUTO "}, "auto-elsewhere"),
    "no such strategy": Refused({"strategy": "cu999"}, "unknown-strategy", hint="cu130"),
    "nothing": Refused({"strategy": ""}, "unknown-strategy"),
    "no nightly of the default index": Refused({"nightly": True}, "no-nightly"),
    "no nightly of cpu": Refused({"strategy": "cpu", "nightly": True}, "no-nightly"),
    "no version": Refused({"torch": "newest"}, "bad-torch-version", hint="--torch 2.15.0"),
    "no such torch": Refused({"torch": "9.9.9"}, "no-torch", NoCandidateError, "--torch"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(tmp_path: Path, case: Refused) -> None:
    given = made(tmp_path, WheelWeb().add(MEASURED))
    with pytest.raises(case.kind) as caught:
        ask(given, **case.options)
    assert caught.value.reference == case.reference
    assert case.hint in caught.value.hint


def test_no_such_torch_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(NoCandidateError, match=r"pypi has no torch==9\.9\.9 for cp312 linux aarch64") as caught:
        ask(made(tmp_path, WheelWeb().add(MEASURED)), "9.9.9")
    assert "2.15.0" in caught.value.context


@pytest.mark.parametrize("strategy", ["cu126", "cu128", "cu129", "cu130", "cu132", "cpu"])
def test_a_lane_out_of_reach(tmp_path: Path, strategy: str) -> None:
    web = WheelWeb().add(MEASURED)
    with pytest.raises(NetworkError, match=f"strategy {strategy}: .* cannot be reached") as caught:
        ask(made(tmp_path, web), strategy=strategy)
    assert caught.value.reference == "network-unreachable"
    assert "--strategy pypi" in caught.value.hint
    assert "--index" in caught.value.hint
    assert ("predicted from data, not run" in caught.value.context) == (strategy != "cpu")


def test_the_default_index_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        ask(made(tmp_path, WheelWeb()))
    assert "UV_DEFAULT_INDEX" in caught.value.hint


def test_a_denied_index_is_told_what_to_check_first(tmp_path: Path) -> None:
    web = WheelWeb()
    web.pages = {f"{DEFAULT}/torch/": Page(url=f"{DEFAULT}/torch/", status=403)}
    with pytest.raises(NetworkError) as caught:
        ask(made(tmp_path, web))
    assert caught.value.reference == "access-denied"
    assert caught.value.hint.startswith("check the credentials")


@pytest.mark.parametrize("sized", [True, False])
def test_without_parts_of_files_it_says_what_a_download_costs(tmp_path: Path, *, sized: bool) -> None:
    file = torch_file("2.15.7", NVRTC, states="x" * 3_000_000, beside=False, sized=sized)
    web = WheelWeb(ranges=False).add(file)
    with pytest.raises(NetworkError) as caught:
        ask(made(tmp_path, web))
    assert caught.value.reference == "no-range-support"
    assert file.name in caught.value.message
    assert ("(3 MB)" in caught.value.message) is sized
    assert "--download" in caught.value.hint
    assert web.downloads == []


@pytest.mark.parametrize("beside", [True, False])
def test_with_download_it_is_fetched_whole(tmp_path: Path, *, beside: bool) -> None:
    file = torch_file("2.15.7", NVRTC, beside=beside)
    web = WheelWeb(ranges=False).add(file)
    found = ask(made(tmp_path, web), download=True)
    assert (found.prediction.kind, found.built_for) == (VerdictKind.NOT_NEEDED, "sm_80 sm_120")
    assert len(web.downloads) == 1
    assert f"the server gives no parts of files: {file.name} was downloaded whole" in found.notes
    assert found.bytes_read < 2 * len(_page(web)), "what came from the copy is no traffic"
    again = ask(made(tmp_path, web), download=True)
    assert (again.prediction, again.notes, len(web.downloads)) == (found.prediction, (), 1)


def test_without_parts_of_files_a_measured_wheel_is_no_matter(tmp_path: Path) -> None:
    web = WheelWeb(ranges=False).add(MEASURED)
    assert ask(made(tmp_path, web), download=True).prediction.kind is VerdictKind.NOT_NEEDED
    assert web.downloads == []


def test_a_server_that_does_give_parts_is_asked_for_no_whole_file(tmp_path: Path) -> None:
    web = WheelWeb().add(UNMEASURED)
    ask(made(tmp_path, web), download=True)
    assert web.downloads == []


def test_without_a_hash_nothing_is_downloaded_or_kept(tmp_path: Path) -> None:
    web = WheelWeb(ranges=False).add(torch_file("2.15.7", NVRTC, beside=False, hashed=False))
    with pytest.raises(IntegrityError) as caught:
        ask(made(tmp_path, web), download=True)
    assert caught.value.reference == "no-hash"
    assert caught.value.hint
    assert web.downloads == []


def test_a_page_without_end_is_given_up(tmp_path: Path) -> None:
    web = WheelWeb().add(dataclasses.replace(UNMEASURED, metadata="Metadata-Version: 2.1\n" + "x" * MAX_BYTES))
    with pytest.raises(NetworkError) as caught:
        ask(made(tmp_path, web))
    assert caught.value.reference == "too-large"


def test_a_directory_that_claims_the_whole_wheel_is_given_up(tmp_path: Path) -> None:
    data = bytearray(MAX_BYTES + 5_000_000)
    end = b"PK\x05\x06" + bytes(4) + b"\1\0\1\0" + (MAX_BYTES + 1).to_bytes(4, "little") + bytes(6)
    data[-len(end) :] = end
    web = WheelWeb().add(dataclasses.replace(UNMEASURED, data=bytes(data), metadata=None))
    with pytest.raises(NetworkError) as caught:
        ask(made(tmp_path, web))
    assert caught.value.reference == "too-much-traffic"
    assert len(web.seen) <= MAX_REQUESTS


UNKNOWN = {
    "no list": (torch_file("2.15.7", NVRTC, states="none"), "its torch does not say what it was built for"),
    "no such library": (torch_file("2.15.7", NVRTC, states=None), "its torch does not say what it was built for"),
    "no zip": (dataclasses.replace(UNMEASURED, data=b"no zip" * 999), f"{UNMEASURED.name} cannot be read as a wheel"),
}


@pytest.mark.parametrize(("file", "why"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_device_code_that_cannot_be_known_leaves_it_undecided(tmp_path: Path, file: File, why: str) -> None:
    found = ask(made(tmp_path, WheelWeb().add(file)))
    assert found.prediction.kind is VerdictKind.UNDECIDED
    assert why in found.prediction.reasons[0].text
    (command,) = found.settle
    assert command == (
        "invoke wheel.inspect torch==2.15.7 --strategy pypi --platform aarch64 --python 3.12 --sm 12.1 --download"
    )


def test_an_nvrtc_that_nobody_measured_is_settled_by_asking_it(tmp_path: Path) -> None:
    web = WheelWeb().add(torch_file("2.15.7", "nvidia-cuda-nvrtc==99.0.1"))
    found = ask(made(tmp_path, web))
    assert found.prediction.kind is VerdictKind.UNDECIDED
    (command,) = found.settle
    assert command == (
        "invoke predict --torch 2.15.7 --strategy pypi --platform aarch64 --python 3.12 --sm 12.1 --prove"
    )
    broken = ask(made(tmp_path, web), sm=ComputeCapability(7, 5))
    assert (broken.prediction.kind, broken.settle) == (VerdictKind.BROKEN, ())


def answering(*, ok: bool) -> AnsweringRunner:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        result = {"ok": ok, "code": 0 if ok else 5, "name": "" if ok else "NVRTC_ERROR_INVALID_OPTION", "log": ""}
        names = ["sm_" + one.replace(".", "") for one in request["targets"]]
        return passed(compiles={name: {**result, "cubin_bytes": 999 if ok else 0} for name in names})

    return AnsweringRunner(answer)


@pytest.mark.parametrize(("ok", "kind"), [(True, VerdictKind.NOT_NEEDED), (False, VerdictKind.NEEDED)])
def test_prove_asks_the_pinned_nvrtc_for_this_machine(tmp_path: Path, kind: VerdictKind, *, ok: bool) -> None:
    web = WheelWeb().add(torch_file("2.15.7", "nvidia-cuda-nvrtc==99.0.1.*"), nvrtc_file("99.0.1"))
    run = answering(ok=ok)
    found = ask(made(tmp_path, web, run=run), prove=True)
    assert found.prediction.kind is kind
    assert sources(found) == [STATED, PROOF]
    assert found.settle == ()
    assert run.requests[0]["targets"] == ["12.1"]
    assert web.downloads == [f"https://default.example/files/{nvrtc_file('99.0.1').name}"]


def test_proved_but_device_code_unknown_is_settled_by_the_wheel_alone(tmp_path: Path) -> None:
    web = WheelWeb().add(torch_file("2.15.7", "nvidia-cuda-nvrtc==99.0.1", states=None), nvrtc_file("99.0.1"))
    found = ask(made(tmp_path, web, run=answering(ok=True)), prove=True)
    assert found.prediction.kind is VerdictKind.UNDECIDED
    assert [command.split()[1] for command in found.settle] == ["wheel.inspect"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (torch_file("2.15.7", "filelock"), "it is a CPU-only build"),
        (torch_file("2.15.7", "nvidia-cuda-runtime==13.0.96"), "it brings that of CUDA 13.0 with it"),
    ],
)
def test_there_may_be_no_nvrtc_to_prove_it_by(tmp_path: Path, file: File, why: str) -> None:
    with pytest.raises(NoCandidateError, match="pins no NVRTC") as caught:
        ask(made(tmp_path, WheelWeb().add(file)), prove=True)
    assert (caught.value.reference, caught.value.context) == ("no-nvrtc", why)
    assert "--prove" in caught.value.hint


def test_credentials_are_kept_nowhere(tmp_path: Path) -> None:
    index = "https://user:secret@lane.example/whl/cu130"
    web = WheelWeb().add(torch_file("2.15.7+cu130", "nvidia-cuda-nvrtc==99.0.1", states=None), index=index)
    given = made(tmp_path, web)
    found = ask(given, strategy="cu130", index=index)
    assert "secret" not in to_json(found)
    assert "****@lane.example" in found.settle[0]
    kept = [path.read_bytes() for path in given.home.root.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"secret" in one for one in kept)
    with pytest.raises(SparkError) as caught:
        ask(given, "9.9.9", strategy="cu130", index=index)
    assert "secret" not in str(caught.value)


def test_a_damaged_table_is_told(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints"
    shutil.copytree(CONSTRAINTS, constraints)
    (constraints / "devicecode.toml").write_text("[[")
    with pytest.raises(IntegrityError) as caught:
        ask(made(tmp_path, WheelWeb().add(MEASURED), constraints=constraints))
    assert caught.value.reference == "bad-table"


def test_json_is_the_same_forecast(tmp_path: Path) -> None:
    found = ask(made(tmp_path, WheelWeb().add(UNMEASURED)))
    assert from_data(Forecast, json.loads(to_json(found)), what="it") == found
