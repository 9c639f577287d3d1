"""What a wheel's zip says of itself: its directory, METADATA, WHEEL, and RECORD against the directory."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from scripts.wheels.archive import foreign_bytes, info_file, is_library, read_text
from scripts.wheels.hashing import HashReport
from scripts.wheels.record import RecordReport, check_record, parse_record, record_problems

_ALSO = (".fatbin", ".dylib", ".dll", ".pyd")
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A zip's directory, and the texts that say what it is."""

    members: tuple[zipfile.ZipInfo, ...]
    metadata: str
    wheel: str
    record: RecordReport | None
    hashes: dict[str, str] = field(repr=False)
    """RECORD's, by name."""
    odd: tuple[str, ...]
    """What is wrong with it but for RECORD."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        return (*self.odd, *(() if self.record is None else record_problems(self.record)))

    @property
    def libraries(self) -> tuple[zipfile.ZipInfo, ...]:
        """The members that are shared libraries, of any system, or device code alone, by their names."""
        return tuple(one for one in self.members if is_library(one.filename) or one.filename.endswith(_ALSO))

    def with_hashes(self, report: HashReport, libraries: Sequence[str] = ()) -> Contents:
        """Add what was found of the members' hashes; `libraries` are those whose hash is wrong."""
        if self.record is None:
            shown = [f"it cannot be unpacked: {one}" for one in report.damaged[:_NAMED]]
            rest = len(report.damaged) - _NAMED
            more = [f"and {rest:,} more cannot be"] if rest > 0 else []
            return replace(self, odd=(*self.odd, *shown, *more))
        wrong = tuple(sorted((*report.wrong, *libraries)))
        return replace(self, record=replace(self.record, hashes_read=True, wrong_hashes=wrong, damaged=report.damaged))


def read_contents(archive: zipfile.ZipFile) -> Contents:
    """Read the texts. Raises as open_archive's block does; without WHEEL or RECORD there is still a passport."""
    members = tuple(archive.infolist())
    metadata = read_text(archive, info_file(archive, "METADATA"))
    texts: dict[str, str] = {}
    odd = _foreign(archive)
    record = None
    hashes: dict[str, str] = {}
    for name in ("WHEEL", "RECORD"):
        try:
            member = info_file(archive, name)
        except ValueError as error:
            odd.append(str(error))
            continue
        texts[name] = read_text(archive, member)
        if name == "RECORD":
            sizes = [(one.filename, one.file_size) for one in members]
            lines, unreadable = parse_record(texts[name])
            record = check_record(lines, sizes, record=member.filename, unreadable=unreadable)
            hashes = {line.name: line.hash for line in lines}
    return Contents(
        members=members,
        metadata=metadata,
        wheel=texts.get("WHEEL", ""),
        record=record,
        hashes=hashes,
        odd=tuple(odd),
    )


def _foreign(archive: zipfile.ZipFile) -> list[str]:
    before, after = foreign_bytes(archive)
    found = [(before, "before its first member"), (after, "after its end record")]
    return [f"{count:,} {'byte' if count == 1 else 'bytes'} {where}" for count, where in found if count]
