"""A wheel's RECORD against the zip's own directory. Pure.

The binary distribution format (PEP 427): RECORD lists every file but the signatures RECORD.jws and RECORD.p7s; its own
line has neither hash nor size.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_MOST_LINES = 200_000
"""Lines that are read; torch 2.15.0 has 12,627."""
_HASH = re.compile(r"sha(?:256|384|512)=[A-Za-z0-9_-]+=*")


@dataclass(frozen=True, kw_only=True)
class RecordReport:
    """What RECORD and the directory say of each other. Names are sorted; empty tuples: sound."""

    entries: int
    """Lines of RECORD."""
    files: int
    """Files of the zip, folders not counted."""
    unlisted: tuple[str, ...] = ()
    """In the zip, not in RECORD."""
    absent: tuple[str, ...] = ()
    """In RECORD, not in the zip."""
    listed_twice: tuple[str, ...] = ()
    zipped_twice: tuple[str, ...] = ()
    """Which of the two an installer writes is its own affair."""
    outside: tuple[str, ...] = ()
    """Names, of either, that are absolute or lead out of the wheel."""
    wrong_sizes: tuple[str, ...] = ()
    """`NAME: 10 bytes in RECORD, 12 in the wheel`."""
    unhashed: tuple[str, ...] = ()
    """Lines without a hash of sha256 or better."""
    unreadable: tuple[str, ...] = ()
    """Lines that are none."""
    hashes_read: bool = False
    """True: every file was read, and its hash compared."""
    wrong_hashes: tuple[str, ...] = ()
    """Files whose hash is not RECORD's, libraries among them."""
    damaged: tuple[str, ...] = ()
    """`NAME: why it cannot be unpacked`; libraries say so themselves."""

    @property
    def disagreements(self) -> int:
        """How many there are, of all kinds."""
        return sum(len(getattr(self, field)) for field, _ in _WORDS)


@dataclass(frozen=True, kw_only=True)
class RecordLine:
    """One line. `size` None: it gives none."""

    name: str
    hash: str
    size: int | None


def parse_record(text: str) -> tuple[tuple[RecordLine, ...], tuple[str, ...]]:
    """Read RECORD: its lines, and what is wrong with those that cannot be read."""
    lines = []
    unreadable = []
    for count, (number, row) in enumerate(_rows(text)):
        if count >= _MOST_LINES:
            unreadable.append(f"line {number}: more than {_MOST_LINES:,} are not read")
            break
        if isinstance(row, str):
            unreadable.append(f"line {number}: {row}")
        elif len(row) != 3 or not row[0] or not (row[2] == "" or re.fullmatch(r"[0-9]{1,19}", row[2])):
            unreadable.append(f"line {number}: {','.join(row)[:200]}")
        else:
            lines.append(RecordLine(name=row[0], hash=row[1], size=int(row[2]) if row[2] else None))
    return tuple(lines), tuple(unreadable)


def _rows(text: str) -> Iterator[tuple[int, list[str] | str]]:
    """Read CSV; a line that csv refuses comes as what it says of it, and ends the reading."""
    reader = csv.reader(io.StringIO(text, newline=""))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, str(error)
            return
        if row:
            yield reader.line_num, row


def check_record(
    lines: Sequence[RecordLine], members: Sequence[tuple[str, int]], *, record: str, unreadable: tuple[str, ...] = ()
) -> RecordReport:
    """Compare RECORD's lines with the zip's (name, size) pairs; `record` is RECORD's own name in the zip.

    `unreadable` is what parse_record said of lines that are none.
    """
    files = [(name, size) for name, size in members if not name.endswith("/")]
    folder = record.rpartition("/")[0]
    exempt = {f"{folder}/{signature}" for signature in _SIGNATURES}
    listed = Counter(line.name for line in lines)
    zipped = Counter(name for name, _ in files)
    names = {*listed, *zipped}
    return RecordReport(
        entries=len(lines),
        files=len(files),
        unlisted=tuple(sorted(zipped.keys() - listed.keys() - exempt)),
        absent=tuple(sorted(listed.keys() - zipped.keys())),
        listed_twice=_twice(listed),
        zipped_twice=_twice(zipped),
        outside=tuple(sorted(name for name in names if _leads_out(name))),
        wrong_sizes=tuple(sorted(_wrong_sizes(lines, dict(files)))),
        unhashed=tuple(sorted({one.name for one in lines if one.name != record and not _HASH.fullmatch(one.hash)})),
        unreadable=unreadable,
    )


def _twice(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, count in counts.items() if count > 1))


def _leads_out(name: str) -> bool:
    """Tell an absolute name, here or on Windows, and one with `..` in it."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or re.match(r"[A-Za-z]:", plain) is not None or ".." in plain.split("/")


def _wrong_sizes(lines: Sequence[RecordLine], sizes: Mapping[str, int]) -> Iterator[str]:
    for line in lines:
        there = sizes.get(line.name)
        if there is not None and line.size is not None and line.size != there:
            yield f"{line.name}: {line.size} bytes in RECORD, {there} in the wheel"


_WORDS = (
    ("unlisted", "in the wheel, not in RECORD"),
    ("absent", "in RECORD, not in the wheel"),
    ("listed_twice", "more than once in RECORD"),
    ("zipped_twice", "more than once in the wheel"),
    ("outside", "a name that leads out of the wheel"),
    ("wrong_sizes", "a wrong size"),
    ("unhashed", "no hash in RECORD"),
    ("unreadable", "a line of RECORD that is none"),
    ("wrong_hashes", "a hash that is not RECORD's"),
    ("damaged", "cannot be unpacked"),
)


def record_problems(report: RecordReport, limit: int = 5) -> tuple[str, ...]:
    """Say what is wrong, a line for each kind, with the first names of it; nothing: RECORD is right."""
    found = []
    for field, words in _WORDS:
        names: tuple[str, ...] = getattr(report, field)
        if names:
            more = f" and {len(names) - limit} more" if len(names) > limit else ""
            found.append(f"{words}: {', '.join(names[:limit])}{more}")
    return tuple(found)
