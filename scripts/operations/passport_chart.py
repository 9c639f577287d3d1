"""The picture of a passport: a bar for each library, its architectures as segments. SVG, by xml.etree. Pure.

Colours are the page's (classes and CSS variables); each answer has a sign and a pattern of its own beside its colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from xml.etree import ElementTree as ET

from scripts.model.target import ComputeCapability
from scripts.operations.passport_text import fatbins, fit_words, size_words
from scripts.wheels.passport import Fit, LibraryPassport, Passport, architecture_fit

SIGNS: Mapping[Fit, str] = {Fit.RUNS: "●", Fit.SAME_MAJOR: "◐", Fit.JIT: "◇", Fit.NO: "✕", Fit.UNKNOWN: "?"}
CLASSES: Mapping[Fit, str] = {
    Fit.RUNS: "runs",
    Fit.SAME_MAJOR: "major",
    Fit.JIT: "jit",
    Fit.NO: "no",
    Fit.UNKNOWN: "unknown",
}
PART_SIGN, PART_CLASS = "◔", "part"
"""Of what runs, but not all of it."""

_WIDTH, _BAR, _ROW, _TOP = 960, 34, 74, 6
_GAP = 3
_NARROWEST = 66
"""Pixels: what the label of an architecture needs."""
_MOST = 13
"""Segments in a row; a library with more has several rows."""


def chart(passport: Passport) -> str:
    """Draw the libraries that hold device code; an empty string where none does."""
    libraries = [one for one in passport.libraries if one.cubins or one.ptx]
    if not libraries:
        return ""
    capability = ComputeCapability.parse(passport.capability)
    rows = [(one, row) for one in libraries for row in _rows(one, capability)]
    height = _TOP + len(rows) * _ROW
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "aria-labelledby": "chart-title chart-desc",
            "class": "chart",
        },
    )
    ET.SubElement(svg, "title", {"id": "chart-title"}).text = f"Device code of {passport.file} for {capability}"
    ET.SubElement(svg, "desc", {"id": "chart-desc"}).text = "; ".join(_described(one, capability) for one in libraries)
    _patterns(svg)
    for number, (library, row) in enumerate(rows):
        group = ET.SubElement(svg, "g", {"transform": f"translate(0 {_TOP + number * _ROW})"})
        _heading(group, library, first=number == 0 or rows[number - 1][0] is not library)
        _bar(group, row, library, capability)
    return ET.tostring(svg, encoding="unicode")


def _rows(library: LibraryPassport, capability: ComputeCapability) -> list[dict[str, int]]:
    """Part a library's architectures into rows that hold their labels: what runs first, for narrow screens."""
    fits = list(Fit)
    every = sorted(_counts(library).items(), key=lambda one: fits.index(architecture_fit(one[0], capability)))
    return [dict(every[start : start + _MOST]) for start in range(0, len(every), _MOST)]


def _described(library: LibraryPassport, capability: ComputeCapability) -> str:
    """Say in words what the bar shows."""
    parts = (f"{arch} {count}, {architecture_fit(arch, capability)}" for arch, count in _counts(library).items())
    return f"{library.library}: {'; '.join(parts)}"


def _counts(library: LibraryPassport) -> dict[str, int]:
    return {**library.cubins, **library.ptx}


def _patterns(svg: ET.Element) -> None:
    """What does not run is hatched, PTX is dotted: seen without colour too."""
    definitions = ET.SubElement(svg, "defs")
    hatch = ET.SubElement(
        definitions,
        "pattern",
        {
            "id": "hatch",
            "width": "7",
            "height": "7",
            "patternUnits": "userSpaceOnUse",
            "patternTransform": "rotate(45)",
        },
    )
    ET.SubElement(hatch, "rect", {"width": "7", "height": "7", "class": "no"})
    ET.SubElement(hatch, "rect", {"width": "2", "height": "7", "class": "hatch"})
    dots = ET.SubElement(
        definitions, "pattern", {"id": "dots", "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"}
    )
    ET.SubElement(dots, "rect", {"width": "8", "height": "8", "class": "jit"})
    ET.SubElement(dots, "circle", {"cx": "4", "cy": "4", "r": "1.1", "class": "dot"})


def _heading(group: ET.Element, library: LibraryPassport, *, first: bool) -> None:
    """Name the library, and at the right say what the whole of it does."""
    if not first:
        ET.SubElement(group, "text", {"x": "0", "y": "16", "class": "quiet"}).text = "continued"
        return
    name = ET.SubElement(group, "text", {"x": "0", "y": "16"})
    ET.SubElement(name, "tspan", {"class": "strong"}).text = _short(library.library.rpartition("/")[2])
    ET.SubElement(
        name, "tspan", {"class": "quiet", "dx": "10"}
    ).text = f"{fatbins(library)}, {size_words(library.size)}"
    answer = ET.SubElement(group, "text", {"x": str(_WIDTH), "y": "16", "text-anchor": "end", "class": "quiet"})
    answer.text = f"{sign_of(library)} {fit_words(library)}" if library.fit is not None else "not judged"


def sign_of(one: Passport | LibraryPassport) -> str:
    """Give the sign of an answer; that of one in part is another."""
    if one.fit is None:
        return SIGNS[Fit.UNKNOWN]
    return PART_SIGN if one.part else SIGNS[one.fit]


def class_of(one: Passport | LibraryPassport) -> str:
    """Give its class, for the colour."""
    if one.fit is None:
        return CLASSES[Fit.UNKNOWN]
    return PART_CLASS if one.part else CLASSES[one.fit]


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."


def _bar(group: ET.Element, row: Mapping[str, int], library: LibraryPassport, capability: ComputeCapability) -> None:
    total = sum(library.fatbins.values())
    widths = _widths(list(row.values()))
    lefts = accumulate((width + _GAP for width in widths), initial=0.0)
    for (arch, count), left, width in zip(row.items(), lefts, widths, strict=False):
        fit = architecture_fit(arch, capability)
        segment = ET.SubElement(group, "g")
        kind = "PTX" if arch.startswith("compute_") else "cubin"
        ET.SubElement(segment, "title").text = f"{kind} {arch}: in {count} of {total} fatbins; alone it {_alone(fit)}"
        place = {"x": f"{left:.1f}", "y": "24", "width": f"{width:.1f}", "height": str(_BAR), "rx": "4"}
        fill = {Fit.NO: "url(#hatch)", Fit.JIT: "url(#dots)"}.get(fit)
        ET.SubElement(segment, "rect", {**place, **({"fill": fill} if fill else {"class": CLASSES[fit]})})
        middle = f"{left + width / 2:.1f}"
        label = {"x": middle, "text-anchor": "middle", "class": f"on-{CLASSES[fit]}"}
        ET.SubElement(segment, "text", {**label, "y": "38"}).text = arch.replace("compute_", "PTX ")
        ET.SubElement(segment, "text", {**label, "y": "52"}).text = f"{SIGNS[fit]} {count}"


def _alone(fit: Fit) -> str:
    return str(fit)


def _widths(counts: Sequence[int]) -> list[float]:
    """Share the bar out by count; none is narrower than its label, and the wide ones give what that takes."""
    room = _WIDTH - _GAP * (len(counts) - 1)
    fixed: set[int] = set()
    while True:
        free = [number for number in range(len(counts)) if number not in fixed]
        left = room - _NARROWEST * len(fixed)
        share = left / max(1, sum(counts[number] for number in free))
        narrow = {number for number in free if counts[number] * share < _NARROWEST}
        if not narrow or narrow == set(free):
            break
        fixed |= narrow
    return [_NARROWEST if number in fixed else max(_NARROWEST, count * share) for number, count in enumerate(counts)]
