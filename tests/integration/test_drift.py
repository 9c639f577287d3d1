"""drift against real indexes on loopback: what is as pinned, what moved, what cannot be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, UsageError
from scripts.model.drift import Drift, DriftKind
from scripts.model.evidence import Prediction, Reason, VerdictKind
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.drift import Foresee, find_drift
from scripts.operations.drift_text import drift_lines
from scripts.serial import to_json
from tests.support.index_server import Behaviour, make_wheel
from tests.support.world import CLOSED, TORCH, World, make_torch, pin
from tests.unit.runtime.test_bridge import STOCK

pytestmark = pytest.mark.integration

SILENT = {"cu126", "cu128", "cu129", "cu132"}
"""The world's lanes at which nothing listens."""
NEWER = "2.16.0"


def forecast(request: ForecastRequest, kind: VerdictKind) -> Forecast:
    reasons = (Reason(text=f"scripted for torch {request.torch}", evidence="nvrtc"),)
    return Forecast(
        schema=1,
        created="2026-11-24",
        strategy=request.strategy,
        wheel="",
        torch=request.torch or "",
        size=None,
        sha256=None,
        target=str(request.target),
        cuda="13.2",
        nvrtc=None,
        nvrtc_package=None,
        triton=None,
        built_for="",
        prediction=Prediction(target=request.capability, kind=kind, reasons=reasons),
        requests=0,
        bytes_read=0,
    )


def scripted(asked: list[ForecastRequest], after: VerdictKind = VerdictKind.NOT_NEEDED) -> Foresee:
    """Foresee that the patch is needed with the pinned torch, and `after` with any other."""

    def foresee(request: ForecastRequest, _context: Context) -> Forecast:
        asked.append(request)
        pinned = str(request.torch).partition("+")[0] == TORCH
        return forecast(request, VerdictKind.NEEDED if pinned else after)

    return foresee


def unforeseen(request: ForecastRequest, _context: Context) -> Forecast:
    raise AssertionError(f"nobody asked for a prediction: {request}")


def look(world: World, *, only: str | None = None, foresee: Foresee = unforeseen) -> Drift:
    return find_drift(world.context(), sm=GB10, only=only, foresee=foresee)


def kinds(drift: Drift) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.what) for finding in drift.findings]


def not_reached(drift: Drift) -> set[str]:
    return {one.name for one in drift.not_reached}


def make_kokoro(world: World, version: str, source: str | None = STOCK) -> Path:
    files = {"kokoro/__init__.py": b""} | ({} if source is None else {"kokoro/istftnet.py": source.encode()})
    return make_wheel(world.root / "default", "kokoro", version, requires=["misaki[en]>=0.9.4"], files=files)


@pytest.fixture
def settled(world: World) -> World:
    """A world whose pins are what its indexes have, with a kokoro that the bridge knows."""
    make_kokoro(world, "0.9.4")
    world.write_lock("kokoro", *world.rest_pins())
    world.write_lock("cu130", *(pin(path) for path in (world.root / "cu130").glob("*.whl")))
    (world.constraints / "toolkit.txt").write_text(pin(world.root / "default" / "attrs-26.1.0-py3-none-any.whl"))
    silent = "".join(f'{name} = "cannot be reached"\n' for name in sorted(SILENT))
    (world.constraints / "lock.toml").write_text(f"[unlocked]\n{silent}")
    return world


def test_nothing_moved(settled: World) -> None:
    found = look(settled)
    assert (found.findings, found.exit_code) == ((), ExitCode.OK)
    assert not_reached(found) == SILENT
    assert found.checked.lanes == 3
    (fit,) = found.bridge
    assert (fit.kokoro, fit.pinned, fit.fits) == ("0.9.4", True, True)
    lines = drift_lines(found)
    assert "the bridge fits the pinned kokoro 0.9.4" in lines
    assert "no drift" in lines[-1]
    asked = settled.default.requests + settled.cpu.requests + settled.cu130.requests
    pages = [one for one in asked if "/files/" not in one]
    assert len(pages) == found.checked.projects == 6 + 1 + 4, "each page is read once"
    assert asked.count("GET /files/kokoro-0.9.4-py3-none-any.whl") == len(asked) - len(pages) == 1


def test_a_second_look_fetches_no_wheel_again(settled: World) -> None:
    look(settled)
    settled.default.requests.clear()
    look(settled)
    assert not any("/files/" in one for one in settled.default.requests)
    assert {path.name for path in settled.home.root.iterdir()} == {"cache"}


def test_a_newer_torch_and_what_is_predicted_of_it(settled: World) -> None:
    make_torch(settled.root / "default", NEWER)
    make_torch(settled.root / "default", "2.17.0rc1")
    make_torch(settled.root / "cpu", f"{NEWER}+cpu")
    asked: list[ForecastRequest] = []
    found = look(settled, foresee=scripted(asked))
    assert kinds(found) == [("verdict-change", "torch"), ("newer-torch", "torch"), ("newer-torch", "torch")]
    assert found.exit_code is ExitCode.DRIFT
    verdict, *newer = found.findings
    assert {(one.pinned, one.offered) for one in newer} == {(TORCH, NEWER), (f"{TORCH}+cpu", f"{NEWER}+cpu")}
    assert {one.where for one in newer} == {"the default index", "the index of lane cpu"}
    assert f"with torch {NEWER} from pypi the patch is no longer needed on 12.1 (predicted" in verdict.text
    assert [one.torch for one in asked] == [TORCH, NEWER], "a CPU build has no such question"
    assert {(one.strategy, one.capability) for one in asked} == {("pypi", GB10)}


def test_a_prediction_that_stays_or_cannot_be_made(settled: World) -> None:
    make_torch(settled.root / "default", NEWER)
    assert kinds(look(settled, foresee=scripted([], VerdictKind.NEEDED))) == [("newer-torch", "torch")]

    def fails(_request: ForecastRequest, _context: Context) -> Forecast:
        raise NoCandidateError("no such torch", reference="no-torch")

    found = look(settled, foresee=fails)
    assert kinds(found) == [("newer-torch", "torch")]
    assert f"the prediction for torch {TORCH} from pypi" in not_reached(found)


def test_what_is_predicted_in_earnest(settled: World) -> None:
    gpu = ["nvidia-cuda-nvrtc==13.2.86"]
    make_wheel(settled.root / "default", "nvidia-cuda-nvrtc", "13.2.86")
    settled.write_lock("pypi", pin(make_torch(settled.root / "default", TORCH, requires=gpu)))
    make_torch(settled.root / "default", NEWER, requires=gpu)
    found = find_drift(settled.context(), sm=GB10)
    assert kinds(found) == [("newer-torch", "torch")]


def test_lanes_that_vanish_and_return(settled: World) -> None:
    settled.lock_path("cpu").unlink()
    with (settled.constraints / "lock.toml").open("a") as stream:
        stream.write('cpu = "cannot be reached"\n')
    settled.cu130.behaviours = {"torch": Behaviour(missing=True)}
    found = look(settled)
    assert kinds(found) == [("vanished-lane", "cu130"), ("returned-lane", "cpu")]
    assert not_reached(found) == SILENT
    settled.cu130.behaviours = {"torch": Behaviour(status=403)}
    found = look(settled)
    assert kinds(found) == [("returned-lane", "cpu")], "some indexes deny what they do not have: nobody can tell"
    assert not_reached(found) == {*SILENT, "cu130"}


def test_pins_that_are_yanked_gone_or_altered(settled: World) -> None:
    default = settled.root / "default"
    make_wheel(default, "attrs", "26.2.0")
    make_wheel(default, "filelock", "3.21.0")
    (default / "filelock-3.20.0-py3-none-any.whl").unlink()
    make_wheel(default, "misaki", "0.9.4", extras=["en", "ja"])
    make_wheel(settled.root / "cu130", "triton", "3.9.0", requires=["filelock"])
    settled.default.behaviours = {"attrs": Behaviour(yanked="breaks everything")}
    found = look(settled)
    assert kinds(found) == [
        ("altered-pin", "misaki"),
        ("altered-pin", "triton"),
        ("vanished-pin", "filelock"),
        ("yanked", "attrs"),
    ], "two locks that pin alike are one pin"
    assert [finding.offered for finding in found.findings] == [None, None, "3.21.0", None]
    assert "breaks everything" in found.findings[-1].text
    assert found.findings[1].where == "the index of lane cu130"


def test_a_project_that_is_gone(settled: World) -> None:
    settled.default.behaviours = {"filelock": Behaviour(missing=True)}
    (finding,) = look(settled).findings
    assert (finding.kind, finding.what) == (DriftKind.VANISHED_PIN, "filelock")
    assert "no project filelock any more" in finding.text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (STOCK, "the bridge still fits its source"),
        (STOCK.replace("torch.abs(", "torch.norm("), "does not fit its source: TorchSTFT.transform does not use abs"),
        (None, "does not fit its source: it has no kokoro/istftnet.py"),
        ("def (", "could not be told: istftnet.py cannot be compiled"),
    ],
)
def test_a_newer_kokoro(settled: World, source: str | None, said: str) -> None:
    make_kokoro(settled, "0.9.5", source)
    make_wheel(settled.root / "default", "misaki", "0.9.5")
    found = look(settled)
    assert kinds(found) == [("newer-kokoro", "kokoro"), ("newer-misaki", "misaki")]
    assert said in found.findings[0].text
    pinned, newest = found.bridge
    assert (pinned.kokoro, pinned.fits, newest.kokoro) == ("0.9.4", True, "0.9.5")


def test_a_kokoro_wheel_that_cannot_be_read(settled: World) -> None:
    path = make_kokoro(settled, "0.9.5")
    path.write_bytes(path.read_bytes()[:100])
    settled.default.behaviours = {"kokoro": Behaviour(metadata=False)}
    found = look(settled)
    assert kinds(found) == [("newer-kokoro", "kokoro")]
    assert "could not be told: kokoro-0.9.5-py3-none-any.whl cannot be read as a wheel" in found.findings[0].text
    assert "whether the bridge fits kokoro 0.9.5" in not_reached(found)


def test_a_bridge_that_does_not_fit_the_pinned_kokoro(world: World) -> None:
    found = look(world)
    assert kinds(found)[0] == ("bridge-misfit", "kokoro"), "this world's kokoro has no istftnet.py at all"
    assert found.exit_code is ExitCode.DRIFT


def damaged(settled: World, how: Behaviour) -> Drift:
    settled.default.behaviours = {"attrs": how}
    return look(settled)


@pytest.mark.parametrize(
    "how",
    [
        Behaviour(status=403),
        Behaviour(body=b"<html><a href='/login'>Sign in</a></html>"),
        Behaviour(json_body=b"{'no': json}"),
        Behaviour(page_of="filelock"),
    ],
)
def test_a_page_that_cannot_be_read_is_no_drift(settled: World, how: Behaviour) -> None:
    found = damaged(settled, how)
    assert not found.findings
    assert not_reached(found) == {*SILENT, "attrs"}


def test_no_default_index(settled: World) -> None:
    settled.variables["UV_DEFAULT_INDEX"] = f"{CLOSED.replace('//', '//user:secret@')}/simple"
    with pytest.raises(NetworkError) as caught:
        look(settled)
    assert caught.value.reference == "network-unreachable"
    assert "nothing was compared" in caught.value.message
    assert "--index" not in caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_default_index_that_has_nothing_of_ours(settled: World, tmp_path: Path) -> None:
    settled.default.folder = tmp_path / "empty"
    with pytest.raises(NetworkError) as caught:
        look(settled)
    assert caught.value.reference == "not-an-index"


def test_only_a_part(settled: World) -> None:
    make_torch(settled.root / "default", NEWER)
    found = look(settled, only="cu130")
    assert (found.findings, found.not_reached, found.bridge) == ((), (), ())
    assert not settled.default.requests
    with pytest.raises(NetworkError):
        look(settled, only="cu126")
    with pytest.raises(UsageError):
        look(settled, only="cu999")


def test_damaged_constraints_are_named(settled: World) -> None:
    (settled.constraints / "toolkit.txt").write_text("attrs>=26\n")
    with pytest.raises(IntegrityError) as caught:
        look(settled)
    assert caught.value.reference == "bad-lock"


def test_credentials_stay_where_they_are(settled: World) -> None:
    lanes = settled.constraints / "lanes.toml"
    lanes.write_text(lanes.read_text().replace("http://127", "http://user:secret@127"))
    settled.cu130.behaviours = {"torch": Behaviour(missing=True)}
    settled.cpu.behaviours = {"torch": Behaviour(status=403)}
    found = look(settled)
    assert kinds(found) == [("vanished-lane", "cu130")]
    document = to_json(found)
    assert "secret" not in document + "\n".join(drift_lines(found))
    assert "\n" not in document
    assert json.loads(document)["schema"] == 1
