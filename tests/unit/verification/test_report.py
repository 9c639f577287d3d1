"""The three forms of a report."""

from __future__ import annotations

import copy
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from scripts.home import CHECKOUT
from scripts.model.evidence import ModeCensus, Outcome, Report, VerdictKind
from scripts.model.target import GB10
from scripts.serial import from_data, to_json
from scripts.verification.census import mode_words, take_census
from scripts.verification.evidence import ALL_MODES, CANARIES, Evidence, kokoro_name, sound_name
from scripts.verification.judge import Case, judge
from scripts.verification.junit import to_junit
from scripts.verification.report import SCHEMA, render
from scripts.verification.simulation import ROWS
from scripts.verification.summary import summarise
from tests.unit.verification.cases import device, device_code, ended, failing_nvrtc, nvrtc, passed, spoke, working

SCHEMA_FILE = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())


def report(evidence: Evidence, census: tuple[ModeCensus, ...] | None = None) -> Report:
    return Report(
        schema=SCHEMA,
        created="2026-11-22T16:00:00+00:00",
        environment="cu130-0123456789ab",
        python="/home/me/envs/cu130/bin/python",
        torch="2.15.0+cu132",
        cuda="13.2",
        weights="synthetic (seeded random)",
        verdict=judge(Case(evidence=evidence, target=GB10)),
        observations=evidence.observations,
        variables=({"name": "CUDA_HOME", "value": "/usr/local/cuda", "meaning": "for builds only"},),
        notes=("a note",),
        census=census,
        simulation=ROWS if evidence.simulated else None,
    )


NO_GPU = Evidence.of([device(None), device_code(cc12_1="cubin sm_120"), nvrtc(), spoke("stock", "cpu")])
ALL = {
    "not-needed": working(),
    "needed": failing_nvrtc(),
    "undecided": NO_GPU,
    "broken": failing_nvrtc(kokoro_bridged_cuda=ended("kokoro.bridged.cuda", Outcome.CRASHED, "died of SIGSEGV")),
}


@pytest.fixture(params=list(ALL.values()), ids=list(ALL))
def any_report(request: pytest.FixtureRequest) -> Report:
    return report(request.param)


def test_the_json_is_of_the_published_schema_and_reads_back(any_report: Report) -> None:
    data = json.loads(to_json(any_report))
    jsonschema.Draft202012Validator(SCHEMA_FILE).validate(data)
    assert from_data(Report, data, what="report") == any_report


KERNELS = [f"{name}_kernel_vectorized2_arch12.1_nvrtc13.2_sass_1_{'0' * 40}" for name in ("abs", "angle", "exp")]


def simulated_report() -> Report:
    """A simulated device, its census taken."""
    stock = spoke("stock", "cuda", kernels=KERNELS)
    evidence = working(device=device(simulated=True), kokoro_stock_cuda=stock)
    return report(evidence, take_census(evidence))


def test_a_census_and_a_simulation_are_of_the_schema_and_read_back() -> None:
    made = simulated_report()
    data = json.loads(to_json(made))
    jsonschema.Draft202012Validator(SCHEMA_FILE).validate(data)
    assert from_data(Report, data, what="report") == made
    assert [kernel["operation"] for kernel in data["census"][0]["kernels"]] == ["abs", "angle", "exp"]
    assert (data["verdict"]["simulated"], len(data["simulation"])) == (True, len(ROWS))


def test_a_report_from_before_there_was_a_census_is_still_of_the_schema() -> None:
    data = json.loads(to_json(report(working())))
    del data["census"], data["simulation"]
    jsonschema.Draft202012Validator(SCHEMA_FILE).validate(data)
    assert from_data(Report, data, what="report") == report(working())


def test_every_observation_that_verify_makes_is_of_the_schema() -> None:
    pattern = re.compile(SCHEMA_FILE["$defs"]["observation"]["properties"]["probe"]["pattern"])
    names = ["installed", "integrity", "device", "device-code", "nvrtc", "kernel-cache", "triton", "compile"]
    names += [f"canary.{name}" for name in CANARIES]
    names += [
        name(mode, where) for name in (kokoro_name, sound_name) for mode in ALL_MODES for where in ("cpu", "cuda")
    ]
    assert all(pattern.match(name) for name in names)
    assert set(SCHEMA_FILE["$defs"]["modeCensus"]["properties"]["mode"]["enum"]) == set(ALL_MODES)


def test_the_text_holds_the_census_and_what_a_simulation_proves() -> None:
    text = render(simulated_report())
    words = " ".join(text.split())
    assert "- stock: abs (abs_kernel_vectorized2), angle" in words
    assert "- bridged: none" in words
    assert all(f"{row.subject}: {row.text}" in words for row in ROWS)
    plain = render(report(working()))
    assert "census" not in plain
    assert "simulated" not in plain


def properties(made: Report) -> dict[str, str]:
    suite = ET.fromstring(to_junit(made))[0]
    return {one.attrib["name"]: one.attrib["value"] for one in suite.findall("properties/property")}


def test_junit_properties() -> None:
    plain = properties(report(ALL["needed"]))
    assert plain == {"verdict": "needed", "predicted": "needed", "simulated": "false"}
    made = simulated_report()
    found = properties(made)
    assert (found["verdict"], found["simulated"]) == ("not-needed", "true")
    assert made.census is not None
    assert found["census.stock"] == mode_words(made.census[0])
    assert found["simulation.does-not-prove.speed"]
    assert len(found) == 3 + 3 + len(ROWS)


def test_the_schema_is_itself_valid_and_of_this_version() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA_FILE)
    assert SCHEMA_FILE["properties"]["schema"] == {"const": SCHEMA}
    assert set(SCHEMA_FILE["$defs"]["kind"]["enum"]) == set(VerdictKind)


def broken_documents() -> dict[str, Any]:
    good = json.loads(to_json(report(NO_GPU)))

    def changed(*path: Any, value: Any) -> dict[str, Any]:
        document = copy.deepcopy(good)
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return dict(document)

    return {
        "another version": changed("schema", value=2),
        "an unknown field": changed("extra", value=1),
        "an unknown verdict": changed("verdict", "kind", value="maybe"),
        "a bool for a verdict": changed("verdict", "kind", value=True),
        "no reasons": changed("verdict", "reasons", value=[]),
        "an unknown probe": changed("observations", 0, "probe", value="guess"),
        "passed with an error": changed("observations", 0, "error", value="oops"),
        "failed without one": changed("observations", 0, "outcome", value="failed"),
        "nothing observed": changed("observations", value=[]),
    }


@pytest.mark.parametrize("document", broken_documents().values(), ids=broken_documents().keys())
def test_the_schema_refuses(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA_FILE).validate(document)


def test_the_text_says_everything(any_report: Report) -> None:
    text = render(any_report)
    words = " ".join(text.split())
    assert text.startswith(f"verdict    {any_report.verdict.kind}: ")
    for reason in any_report.verdict.reasons + any_report.verdict.prediction.reasons:
        assert " ".join(reason.text.split()) in words
    for one in any_report.observations:
        assert f"  {one.probe} " in text
    assert "CUDA_HOME=/usr/local/cuda" in text
    assert "a note" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_simulated_verdict_says_so_first() -> None:
    text = render(report(working(device=device(simulated=True))))
    assert text.startswith("verdict    SIMULATED, not verified: ")
    assert "SIMULATED NVIDIA GB10" in text


def test_a_prediction_is_labelled() -> None:
    assert "predicted for compute capability 12.1 (sm_121): not-needed" in render(report(NO_GPU))


def verdict_case(made: Report) -> ET.Element:
    return ET.fromstring(to_junit(made))[0].findall("testcase")[0]


def test_junit_counts_what_it_holds(any_report: Report) -> None:
    suite = ET.fromstring(to_junit(any_report))[0]
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases) == len(any_report.observations) + 1
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[kind]) == len(suite.findall(f"testcase/{tag}"))


@pytest.mark.parametrize(
    ("name", "tag"),
    [("not-needed", "system-out"), ("needed", "failure"), ("undecided", "skipped"), ("broken", "failure")],
)
def test_junit_verdict(name: str, tag: str) -> None:
    case = verdict_case(report(ALL[name]))
    assert case.attrib["name"] == name
    assert [child.tag for child in case] == [tag]


def test_junit_of_a_simulated_device_is_never_a_pass() -> None:
    case = verdict_case(report(working(device=device(simulated=True))))
    assert [child.tag for child in case] == ["skipped"]


def test_junit_tells_a_dead_probe_from_a_failing_one() -> None:
    suite = ET.fromstring(to_junit(report(ALL["broken"])))[0]
    tags = {case.attrib["name"]: [child.tag for child in case] for case in suite.findall("testcase")}
    assert tags["kokoro.bridged.cuda"] == ["error"]
    assert tags["kokoro.stock.cuda"] == ["failure"]
    assert tags["sound.stock.cuda"] == ["skipped"]


def test_junit_survives_what_xml_cannot_hold() -> None:
    evidence = Evidence.of([ended("device", Outcome.FAILED, "\x1b[31mred\x00 \ud800")])
    ET.fromstring(to_junit(report(evidence)))


SUMMARIES = {
    "Python 3.12.1 in /env": passed("installed", python="3.12.1", prefix="/env"),
    "3 files of torch 2.15.0 match their RECORD and the environment's record": passed(
        "integrity", files=3, distributions=["torch 2.15.0"], compared_with_record=True
    ),
    "torch 2.15.0+cu132, CUDA 13.2; NVIDIA GB10, compute capability 12.1, driver 580.126.09": device(),
    "for 12.1: cubin sm_120": device_code(cc12_1="cubin sm_120"),
    "Triton 3.9.0 compiles for sm_121 (PTX target sm_121a)": passed(
        "triton", triton="3.9.0", target="sm_121", ptx_target="sm_121a"
    ),
    "torch.compile works on cuda:0, first call 4.2 s": passed("compile", device="cuda:0", first_call_seconds=4.2),
    "within 1.0e-06 of the CPU, 1 kernel(s) compiled": passed("canary.abs", max_error=1e-6, kernels=["abs"]),
    "0.70 s of sound in 0.50 s, bridge 0.1.0 from kokoro_spark.bridge": spoke(
        "bridged", "cpu", bridge={"bridge": "0.1.0", "module": "kokoro_spark.bridge"}
    ),
    "it failed": ended("nvrtc", Outcome.FAILED, "it failed\n  for good reasons"),
    "no GPU here": ended("canary.abs", Outcome.SKIPPED, "no GPU here"),
}


@pytest.mark.parametrize(("text", "observation"), SUMMARIES.items())
def test_summarise(text: str, observation: Any) -> None:
    assert summarise(observation) == text


def test_summarise_a_refusal() -> None:
    text = summarise(nvrtc(ok=False))
    assert "sm_121 refused (nvrtc: error: invalid value for --gpu-architecture (-arch))" in text
    assert "/env/lib/libnvrtc.so" in text
