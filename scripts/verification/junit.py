"""A report as JUnit XML: the verdict and each observation is a test case. Pure."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from scripts.model.evidence import Observation, Outcome, Report, VerdictKind
from scripts.verification.census import mode_words
from scripts.verification.report import headline, prediction_line
from scripts.verification.summary import summarise

_FAILURES = frozenset({VerdictKind.BROKEN, VerdictKind.NEEDED})
# XML 1.0 has no way to write these, and libraries print them (colours, progress bars).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """Write the report as one test suite.

    The verdict's own case fails on `broken` and `needed`, and is skipped where nothing was verified (`undecided`, a
    simulated device). An observation that did not pass is a failure where a probe answered so, an error where it died.
    The suite's properties say whether the device is simulated, and hold the census and what a simulation proves.
    """
    cases = [_verdict(report), *(_observation(one) for one in report.observations)]
    suite = ET.Element(
        "testsuite",
        name="kokoro-spark verify",
        hostname=_clean(report.environment),
        timestamp=report.created,
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{sum(one.seconds for one in report.observations):.3f}",
    )
    suite.append(_properties(report))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _properties(report: Report) -> ET.Element:
    properties = ET.Element("properties")
    pairs = [
        ("verdict", str(report.verdict.kind)),
        ("predicted", str(report.verdict.prediction.kind)),
        ("simulated", "true" if report.verdict.simulated else "false"),
    ]
    pairs += [(f"census.{one.mode}", mode_words(one)) for one in report.census or ()]
    for row in report.simulation or ():
        pairs.append((f"simulation.{'proves' if row.proved else 'does-not-prove'}.{row.subject}", row.text))
    for name, value in pairs:
        ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    return properties


def _verdict(report: Report) -> ET.Element:
    case = ET.Element("testcase", classname="verdict", name=report.verdict.kind, time="0")
    text = f"{headline(report)}; {prediction_line(report)}"
    reasons = "\n".join(f"{reason.text} [{reason.evidence}]" for reason in report.verdict.reasons)
    if report.verdict.simulated or report.verdict.kind is VerdictKind.UNDECIDED:
        ET.SubElement(case, "skipped", message=_clean(text)).text = _clean(reasons)
    elif report.verdict.kind in _FAILURES:
        ET.SubElement(case, "failure", message=_clean(text)).text = _clean(reasons)
    else:
        ET.SubElement(case, "system-out").text = _clean(f"{text}\n{reasons}")
    return case


def _observation(one: Observation) -> ET.Element:
    case = ET.Element("testcase", classname="observation", name=one.probe, time=f"{one.seconds:.3f}")
    detail = json.dumps(one.detail, ensure_ascii=False, indent=1)
    if one.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=_clean(one.error))
    elif one.outcome is Outcome.FAILED:
        ET.SubElement(case, "failure", message=_clean(summarise(one))).text = _clean(detail)
    elif one.outcome is not Outcome.PASSED:
        message = _clean(f"{one.outcome}: {summarise(one)}")
        ET.SubElement(case, "error", message=message).text = _clean(detail)
    else:
        ET.SubElement(case, "system-out").text = _clean(f"{summarise(one)}\n{detail}")
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
