from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from scripts.operations.passport_chart import CLASSES, PART_SIGN, SIGNS, chart
from scripts.operations.passport_page import passport_page
from scripts.operations.passport_style import STYLE
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.passport import Fit
from tests.support.passports import CUDA, library, passport

_VOID = {"meta", "br"}


class Checker(HTMLParser):
    """Insists that every element is closed, and notes what is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def test_one_page_that_needs_nothing_else() -> None:
    page = passport_page(passport(notes=("look here",), problems=("a.so: broken",)))
    checker = checked(page)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(checker.tags)
    assert checker.links == []
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert checker.tags.count("svg") == 1
    for words in ("torch", "runs by the same-major rule", "libtorch_cuda.so", "look here", "a.so: broken", "13.2.86"):
        assert words in checker.text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"libraries": ()},
        {"fit": None, "why": "not read"},
        {"fits": None, "name": None, "version": None, "record": None},
        {"fit": Fit.NO},
    ],
)
def test_every_page_is_well_formed(changes: dict[str, Any]) -> None:
    checked(passport_page(passport(**changes)))


def test_what_a_wheel_says_is_escaped() -> None:
    evil = '"><script>alert(1)</script>&'
    page = passport_page(
        passport(
            library(f"{evil}.so", CUDA, problem=evil, known=evil),
            file=evil,
            name=evil,
            version=evil,
            source=evil,
            tags=(evil,),
            notes=(evil,),
            problems=(evil,),
            fits_why=evil,
            fits=False,
            built_for=evil,
        )
    )
    assert "<script" not in page
    assert "script" not in checked(page).tags


def test_light_and_dark_and_credentials() -> None:
    page = passport_page(passport(source="https://user:secret@wheels.example/a.whl"))
    assert "prefers-color-scheme: dark" in page
    assert "secret" not in page


def drawn(*codes: DeviceCode) -> ET.Element:
    return ET.fromstring(chart(passport(*(library(one.library, one) for one in codes))))


def test_a_bar_for_each_library_a_segment_for_each_architecture() -> None:
    svg = drawn(CUDA, DeviceCode(library="b.so", fatbins={"sm_90 compute_90": 4}))
    labels = [one.text for one in svg.iter("text")]
    assert [label for label in labels if label and re.match(r"sm_|PTX", label)] == [
        *("sm_121a", "sm_120", "sm_80", "sm_90", "sm_100", "sm_110"),  # what runs first
        *("PTX 90", "sm_90"),
    ]
    assert f"{SIGNS[Fit.SAME_MAJOR]} 476" in labels
    assert f"{SIGNS[Fit.RUNS]} 1" in labels
    assert f"{SIGNS[Fit.NO]} 4" in labels
    assert f"{SIGNS[Fit.JIT]} 4" in labels


def test_it_is_told_in_words_too() -> None:
    svg = drawn(CUDA)
    named = (svg.get("aria-labelledby") or "").split()
    assert svg.get("role") == "img"
    assert [one.get("id") for one in svg if one.tag in {"title", "desc"}] == named
    description = next(one.text for one in svg if one.tag == "desc")
    assert description is not None
    assert "sm_121a 1, runs" in description


def test_segments_stay_on_the_picture_and_hold_their_labels() -> None:
    many = {f"sm_{number}": number for number in range(50, 100)}
    svg = drawn(CUDA, DeviceCode(library="many.so", fatbins=many), DeviceCode(library="one.so", fatbins={"sm_120": 1}))
    _, _, width, height = (float(number) for number in (svg.get("viewBox") or "").split())
    bars = [one for one in svg.iter("rect") if one.get("rx")]
    assert len(bars) == 6 + 50 + 1
    for bar in bars:
        assert float(bar.get("width", 0)) >= 60
        assert float(bar.get("x", 0)) + float(bar.get("width", 0)) <= width + 0.1
    assert height > 7 * 60


def test_nothing_to_draw() -> None:
    assert chart(passport(library("a.so", DeviceCode(library="a.so", fatbins={"": 5})))) == ""
    assert "<svg" not in passport_page(passport(library("a.so", None)))


def test_each_answer_has_a_sign_and_a_colour_of_its_own() -> None:
    assert len(set(SIGNS.values())) == len(set(CLASSES.values())) == len(Fit)
    for name in CLASSES.values():
        assert f".key.{name}" in STYLE
        assert f".verdict.{name}" in STYLE


def test_what_runs_in_part_is_another_sign_and_colour() -> None:
    code = DeviceCode(library="a.so", fatbins={"sm_90 sm_121a": 317, "sm_90": 292})
    whole = passport_page(passport(library("a.so", DeviceCode(library="a.so", fatbins={"sm_121a": 317}))))
    part = passport_page(passport(library("a.so", code), part="317 of 609"))
    assert '<section class="verdict runs">' in whole
    assert "in part" not in checked(whole).text
    assert '<section class="verdict part">' in part
    assert "runs, in part: 317 of 609 on compute capability" in checked(part).text
    assert f'<span class="key part">{PART_SIGN}</span>' in part


def test_its_foot_says_by_what_and_when() -> None:
    assert "kokoro-spark 1.2, 2026-11-24; wheel.inspect, schema 1" in passport_page(
        passport(), made="kokoro-spark 1.2, 2026-11-24"
    )


def test_the_rule_only_where_there_is_something_to_judge() -> None:
    assert "The rule:" in passport_page(passport())
    for fit in (None, Fit.UNKNOWN):
        assert "The rule:" not in passport_page(passport(fit=fit, why="no libraries", decided_by=None))
