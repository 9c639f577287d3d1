"""A passport as one HTML page that needs nothing else: no script, no font, no image from elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from scripts.operations.page import document, facts, listing
from scripts.operations.passport_chart import CLASSES, PART_CLASS, PART_SIGN, SIGNS, chart, class_of, sign_of
from scripts.operations.passport_style import STYLE
from scripts.operations.passport_text import architectures_words, counted, fit_words, judged, passport_facts, size_words
from scripts.wheels.passport import READ_HERE, Fit, LibraryPassport, Passport

_LEGEND = {
    Fit.RUNS: "a cubin for exactly this capability",
    Fit.SAME_MAJOR: "a cubin for the same major and a lower minor",
    Fit.JIT: "no cubin, but PTX that the driver compiles when it is first used",
    Fit.NO: "code for other GPUs",
}


def passport_page(passport: Passport, *, made: str = "kokoro-spark") -> str:
    """Write the page; every text of the wheel is escaped. `made`: by what, and when, for its foot."""
    body = f"""<header>
<p class="eyebrow">wheel passport</p>
<h1>{_name(passport)}</h1>
<p class="file">{escape(passport.file)}</p>
</header>
{_verdict(passport)}
{_picture(passport)}
{_facts(passport)}
{_libraries(passport.libraries)}
{_missing(passport.libraries)}
{listing("Problems", passport.problems, "problem")}
{listing("Notes", passport.notes, "note")}
<footer>{escape(made)}; wheel.inspect, schema {passport.schema}</footer>"""
    return document(title=f"{passport.file}: wheel passport", style=STYLE, body=body)


def _name(passport: Passport) -> str:
    if passport.name is None:
        return escape(passport.file)
    return f"{escape(passport.name)} <span>{escape(passport.version or '')}</span>"


def _verdict(passport: Passport) -> str:
    """The answer, in the colour of the chart and with its sign."""
    words = "not judged" if passport.fit is None else fit_words(passport)
    rule = f'<p class="rule">The rule: {_code_marks(passport.rule)}.</p>\n' if judged(passport.fit) else ""
    who = f"<code>{escape(passport.decided_by)}</code>: " if passport.decided_by else ""
    unsound = (
        f'<p class="unsound">Unsound, whatever it runs on: {counted(len(passport.problems), "problem")}, below</p>'
        if passport.problems
        else ""
    )
    return f"""<section class="verdict {class_of(passport)}">
<p class="sign" aria-hidden="true">{sign_of(passport)}</p>
<div>
<h2>{escape(words)} <span>on compute capability {escape(passport.capability)}</span></h2>
<p>{who}{escape(passport.why)}</p>
{rule}{unsound}
</div>
</section>"""


def _code_marks(text: str) -> str:
    """Escape a text; what stands between backquotes is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _picture(passport: Passport) -> str:
    drawn = chart(passport)
    if not drawn:
        return ""
    signs = [(CLASSES[fit], SIGNS[fit], str(fit), words) for fit, words in _LEGEND.items()]
    if any(one.part for one in passport.libraries):
        signs.append(
            (PART_CLASS, PART_SIGN, "in part", "of a whole library: not all of its fatbins hold code that runs")
        )
    legend = "".join(
        f'<li><span class="key {kind}">{sign}</span><span><b>{name}</b>: {words}</span></li>'
        for kind, sign, name, words in signs
    )
    return f"""<section>
<h2>Device code</h2>
<p class="lead">A bar for each library, a segment for each architecture: the number says how many of the library's
fatbins hold code for it. What runs stands first.</p>
<div class="scroll">{drawn}</div>
<ul class="legend">{legend}</ul>
</section>"""


def _facts(passport: Passport) -> str:
    return facts("What it is", ((label, text) for label, text in passport_facts(passport) if label not in {"GPU", ""}))


def _libraries(libraries: Sequence[LibraryPassport]) -> str:
    """A table of those with device code or a problem; the others by name."""
    told = [one for one in libraries if one.fatbins or one.problem]
    rest = [one for one in libraries if not one.fatbins and not one.problem]
    if not libraries:
        return ""
    return f"<section>\n<h2>Libraries</h2>\n{_table(told)}\n{_others(rest)}\n</section>"


def _table(libraries: Iterable[LibraryPassport]) -> str:
    rows = "".join(
        f"""<tr><th scope="row"><code>{escape(one.library)}</code>{_soname(one)}</th>
<td class="number">{size_words(one.size)}</td><td>{_code(one)}</td><td>{escape(one.known)}</td></tr>
"""
        for one in libraries
    )
    if not rows:
        return ""
    return f"""<div class="scroll"><table>
<thead><tr><th scope="col">library</th><th scope="col" class="number">size</th><th scope="col">device code</th>
<th scope="col">known how</th></tr></thead>
<tbody>
{rows}</tbody>
</table></div>"""


def _others(libraries: Sequence[LibraryPassport]) -> str:
    """Libraries of which there is little to say, folded up by what that is."""
    found = []
    for why, known in dict.fromkeys((one.why, one.known) for one in libraries):
        same = [one for one in libraries if (one.why, one.known) == (why, known)]
        items = "".join(f"<li><code>{escape(one.library)}</code> {size_words(one.size)}</li>\n" for one in same)
        words = why if known == READ_HERE else f"{why} ({known})"
        found.append(
            f"<details open>\n<summary>{len(same)} more: {escape(words)}</summary>\n"
            f'<ul class="plain">\n{items}</ul>\n</details>'
        )
    return "\n".join(found)


def _soname(library: LibraryPassport) -> str:
    machine = f"<small>{escape(library.machine)}" if library.machine else ""
    needed = f", needs {counted(len(library.needed), 'library', 'libraries')}" if library.needed else ""
    return f"{machine}{needed}</small>" if machine else ""


def _code(library: LibraryPassport) -> str:
    if library.problem:
        return f'<strong class="bad">{escape(library.problem)}</strong>'
    if not library.fatbins:
        return f'<span class="quiet">{escape(library.why)}</span>'
    words = fit_words(library) if library.fit is not None else "not judged"
    sign = f'<span class="key {class_of(library)}">{sign_of(library)}</span> ' if library.fit is not None else ""
    detail = f"{architectures_words(library)}. {library.why}"
    return f"{sign}<b>{escape(words)}</b><small>{escape(detail)}</small>"


def _missing(libraries: Iterable[LibraryPassport]) -> str:
    lines = [f"{soname}, needed by {one.library}" for one in libraries for soname in one.missing]
    return listing("Needed, and neither in the wheel nor required by it (its extras apart)", lines, "note")
