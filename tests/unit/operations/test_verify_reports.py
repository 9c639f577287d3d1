"""What `invoke verify` leaves behind: four reports and the environment's record, all with the same labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from scripts.errors import ExitCode, NoCandidateError
from scripts.home import CHECKOUT
from scripts.operations.context import Context
from scripts.operations.environments import listing
from scripts.operations.judging import Judged, Manner, judge_environment
from scripts.operations.rendering import listing_rows
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import put, record
from tests.unit.verification.cases import device
from tests.unit.verification.test_verify import ScriptedPython

NAME = "cu130-0123456789ab"


@pytest.fixture
def python(tmp_path: Path) -> ScriptedPython:
    site = tmp_path / "site"
    site.mkdir()
    return ScriptedPython(site=site)


@pytest.fixture
def given(tmp_path: Path, python: ScriptedPython) -> Context:
    made = context(tmp_path, PC, run=python, environ={"PATH": "/bin"})
    put(made.store, record(NAME, weights="synthetic"))
    return made


def judged(given: Context, **said: Any) -> Judged:
    options: dict[str, Any] = {
        "env": NAME,
        "python": None,
        "sm": "12.1",
        "require_gpu": False,
        "weights": "auto",
    }
    manner: dict[str, Any] = {"expect": None, "timeout": "", "report_folder": None, "census": False}
    for name, value in said.items():
        (manner if name in manner else options)[name] = value
    return judge_environment(given, Manner.checked(**manner), **options)


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_every_form_says_whether_the_device_is_simulated(
    given: Context, python: ScriptedPython, *, simulated: bool
) -> None:
    python.answers["device"] = device("12.1", simulated=simulated).detail
    made = judged(given, census=True)
    assert made.exit_code is (ExitCode.UNDECIDED if simulated else ExitCode.OK)
    assert {path.name for path in made.folder.iterdir()} == {"report.json", "report.xml", "report.html", "report.txt"}
    forms = {path.suffix: path.read_text() for path in made.folder.iterdir()}
    document = json.loads(forms[".json"])
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["verdict"]["simulated"] is simulated
    assert (document["simulation"] is not None) is simulated
    assert [one["mode"] for one in document["census"]] == ["stock", "bridged", "disable_complex"]
    suite = ET.fromstring(forms[".xml"])[0]
    properties = {one.attrib["name"]: one.attrib["value"] for one in suite.findall("properties/property")}
    assert properties["simulated"] == ("true" if simulated else "false")
    assert (suite.find("testcase/skipped[@message]") is not None) is simulated
    assert ("SIMULATED, not verified" in forms[".txt"]) is simulated
    assert ("<b>SIMULATED</b>" in forms[".html"]) is simulated
    (listed,) = listing(given)
    assert listed.verdict == ("simulated not-needed" if simulated else "not-needed")
    assert listed.verdict in listing_rows([listed])[0]


def test_expect_is_about_the_verdict_on_a_simulated_device_too(given: Context, python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1", simulated=True).detail
    assert judged(given, expect="not-needed").exit_code is ExitCode.OK
    assert judged(given, expect="needed").exit_code is ExitCode.DRIFT


def test_a_census_without_a_gpu_leaves_the_record_and_the_reports_alone(given: Context, python: ScriptedPython) -> None:
    with pytest.raises(NoCandidateError):
        judged(given, census=True)
    assert python.asked == ["installed", "device"]
    assert not given.home.reports.exists()
    assert listing(given)[0].verdict is None


def test_the_time_for_each_probe_reaches_every_probe(given: Context, python: ScriptedPython) -> None:
    judged(given, timeout="7")
    assert set(python.timeouts) == {7.0}
