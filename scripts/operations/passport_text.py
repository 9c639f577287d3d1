"""A passport as lines of text. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from scripts.redaction import redact
from scripts.wheels.passport import NOT_READ, Fit, LibraryPassport, Passport
from scripts.wheels.record import RecordReport

_WIDTH = 118
_LABEL = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What a terminal would obey: a name in a wheel may hold anything."""


def passport_lines(passport: Passport) -> list[str]:
    """Write the whole passport."""
    lines = [
        passport.file,
        *(line for label, text in passport_facts(passport) for line in _labelled(label, text)),
        *_libraries(passport),
        *_missing(passport.libraries),
        *_block("problems", passport.problems),
        *_block("notes", passport.notes),
    ]
    return [_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", redact(line)) for line in lines]


def passport_facts(passport: Passport) -> list[tuple[str, str]]:
    """Give everything but the libraries as (label, text)."""
    rows = [("GPU", f"{passport.capability}: {verdict(passport)}")]
    if judged(passport.fit):
        rows.append(("", f"rule: {passport.rule}"))
    if passport.fits is not None:
        rows += [
            ("wheel", f"{passport.name or 'no name'} {passport.version or 'without a version'}"),
            ("target", f"{passport.target}: {'fits' if passport.fits else f'does not fit, {passport.fits_why}'}"),
            ("tags", ", ".join(passport.tags) or "none"),
            ("CUDA", _cuda(passport)),
            ("NVRTC", _nvrtc(passport)),
            ("Triton", _triton(passport)),
            ("driver", _driver(passport)),
        ]
        if passport.built_for is not None:
            rows.append(("built for", f"{passport.built_for} (torch.cuda.get_arch_list())"))
    size = "not known" if passport.size is None else size_words(passport.size)
    rows += [
        ("size", size if passport.fits is None else f"{size}{_unpacked(passport.libraries)}"),
        ("sha256", f"{passport.sha256} ({passport.sha256_from})" if passport.sha256 else "not known"),
        ("source", passport.source),
    ]
    if passport.requests:
        rows.append(("read", f"{size_words(passport.bytes_read)} in {counted(passport.requests, 'request')}"))
    if passport.fits is not None:
        rows.append(("RECORD", record_words(passport.record)))
    return rows


def judged(fit: Fit | None) -> bool:
    """Tell whether there is device code that the rule was applied to."""
    return fit not in {None, Fit.UNKNOWN}


def verdict(passport: Passport) -> str:
    """Say in one line whether it runs."""
    if passport.fit is None:
        return passport.why
    if passport.decided_by is None:
        return f"{passport.fit}: {passport.why}"
    return f"{fit_words(passport)} ({passport.decided_by}: {passport.why})"


def fit_words(one: Passport | LibraryPassport) -> str:
    """`runs`, or where that is not true of all of its fatbins: `runs, in part: 317 of 609`."""
    return f"{one.fit}, in part: {one.part}" if one.part else str(one.fit)


def size_words(size: int) -> str:
    """`483.7 MB`; what is below a tenth of that, `32.6 kB`."""
    return f"{size / 1e3:,.1f} kB" if size < 100_000 else f"{size / 1e6:,.1f} MB"


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 request`, `1,200 requests`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def fatbins(library: LibraryPassport) -> str:
    """`476 fatbins`."""
    return counted(sum(library.fatbins.values()), "fatbin")


def record_words(record: RecordReport | None) -> str:
    """Say whether RECORD is right."""
    if record is None:
        return "there is not one"
    what = "names, sizes and hashes" if record.hashes_read else "names and sizes (hashes were not read)"
    state = f"agrees with the wheel's directory: {what}"
    if record.disagreements:
        state = counted(record.disagreements, "disagreement")
    return f"{counted(record.entries, 'entry', 'entries')} for {counted(record.files, 'file')}: {state}"


def _cuda(passport: Passport) -> str:
    if passport.cuda_needed is not None:
        return f"{passport.cuda_needed} by {passport.cuda_needed_by}, which it needs"
    if not passport.cuda_told:
        return "not known, for its metadata does not say which release"
    if passport.cuda is None:
        return "none required by its metadata" if passport.lane != "cpu" else "none required: a CPU-only build"
    return f"{passport.cuda} (lane {passport.lane})"


def _driver(passport: Passport) -> str:
    if passport.cuda_needed is not None:
        return f"{passport.driver} or newer" if passport.driver else f"not known for CUDA {passport.cuda_needed}"
    if passport.cuda is None:
        return "not told, for no release of CUDA is required"
    if passport.driver is None:
        return f"not known for CUDA {passport.cuda}"
    packaged = passport.driver_packaged
    also = f"; where it has to compile PTX, {packaged}, which came with CUDA {passport.cuda}" if packaged else ""
    return f"{passport.driver} or newer{also}"


def _nvrtc(passport: Passport) -> str:
    sm = f"sm_{passport.capability.replace('.', '')}"
    if passport.nvrtc is None:
        return "none pinned"
    words = {True: f"compiles for {sm}", False: f"refuses {sm}", None: f"{sm}: not known"}[passport.nvrtc_compiles]
    return f"{passport.nvrtc}: {words} ({passport.nvrtc_how})" if passport.nvrtc_how else f"{passport.nvrtc}: {words}"


def _triton(passport: Passport) -> str:
    if passport.triton is None:
        return "none pinned"
    return f"{passport.triton}: {passport.triton_how or 'its ptxas was not measured'}"


def _unpacked(libraries: Sequence[LibraryPassport]) -> str:
    if not libraries:
        return ", no libraries"
    count = counted(len(libraries), "library", "libraries")
    return f", {count} of {size_words(sum(one.size for one in libraries))} unpacked"


def _labelled(label: str, text: str) -> list[str]:
    return _wrapped(text, f"  {label:<{_LABEL}}", " " * (_LABEL + 2))


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Fold a text; paths, links and hashes stay whole."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]


def architectures_words(library: LibraryPassport) -> str:
    """`sm_80 x476, sm_121a x1, PTX compute_120 x3`."""
    cubins = [f"{arch} x{count}" for arch, count in library.cubins.items()]
    ptx = [f"PTX {arch} x{count}" for arch, count in library.ptx.items()]
    return ", ".join((*cubins, *(ptx or ["no PTX"])))


def _libraries(passport: Passport) -> list[str]:
    """One block for each library with device code; the others by name."""
    lines = []
    holding = [one for one in passport.libraries if one.fatbins]
    if holding:
        lines.append("device code: in how many fatbins of a library there is a cubin, or PTX, for an architecture")
    for one in holding:
        lines.append(f"  {one.library}: {size_words(one.size)}, {fatbins(one)}, {one.known}")
        lines += _wrapped(architectures_words(one), "    ", "    ")
        lines += _wrapped(
            f"{one.fit}{', in part' if one.part else ''}: {one.why}" if one.fit else one.why, "    -> ", "       "
        )
    silent = [one for one in passport.libraries if not one.fatbins and not one.problem]
    for what in dict.fromkeys(map(_silent, silent)):
        lines += _wrapped(f"{what}: {', '.join(one.library for one in silent if _silent(one) == what)}", "  ", "    ")
    return ["", *lines] if lines else []


def _silent(library: LibraryPassport) -> str:
    """Say of a library without fatbins how that is known."""
    if library.known == NOT_READ:
        return "device code not read"
    return f"no ELF library ({library.foreign})" if library.foreign else f"no fatbins, {library.known}"


def _missing(libraries: Iterable[LibraryPassport]) -> list[str]:
    wanted: dict[str, list[str]] = {}
    for one in libraries:
        for soname in one.missing:
            wanted.setdefault(soname, []).append(one.library.rpartition("/")[2])
    return _block(
        "needed, and neither in the wheel nor required by it (its extras apart)",
        [f"{k}: by {', '.join(v)}" for k, v in wanted.items()],
    )


def _block(title: str, lines: Iterable[str]) -> list[str]:
    folded = [line for text in lines for line in _wrapped(text, "  - ", "    ")]
    return ["", title, *folded] if folded else []
