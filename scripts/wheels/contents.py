"""What a wheel's zip says of itself: its directory, METADATA, WHEEL, and RECORD against the directory."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field

from scripts.wheels.archive import info_file, is_library, read_text
from scripts.wheels.record import RecordReport, check_record, parse_record, record_problems


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A zip's directory, and the texts that say what it is."""

    members: tuple[zipfile.ZipInfo, ...]
    metadata: str
    wheel: str
    record: RecordReport | None
    hashes: dict[str, str] = field(repr=False)
    """RECORD's, by name."""
    problems: tuple[str, ...]

    @property
    def libraries(self) -> tuple[zipfile.ZipInfo, ...]:
        """The members that are shared libraries, or device code alone, by their names."""
        return tuple(one for one in self.members if is_library(one.filename) or one.filename.endswith(".fatbin"))


def read_contents(archive: zipfile.ZipFile) -> Contents:
    """Read the texts. Raises as open_archive's block does; without WHEEL or RECORD there is still a passport."""
    members = tuple(archive.infolist())
    metadata = read_text(archive, info_file(archive, "METADATA"))
    texts: dict[str, str] = {}
    problems: list[str] = []
    record = None
    hashes: dict[str, str] = {}
    for name in ("WHEEL", "RECORD"):
        try:
            member = info_file(archive, name)
        except ValueError as error:
            problems.append(str(error))
            continue
        texts[name] = read_text(archive, member)
        if name == "RECORD":
            sizes = [(one.filename, one.file_size) for one in members]
            record = check_record(texts[name], sizes, record=member.filename)
            hashes = {line.name: line.hash for line in parse_record(texts[name])[0]}
            problems += record_problems(record)
    return Contents(
        members=members,
        metadata=metadata,
        wheel=texts.get("WHEEL", ""),
        record=record,
        hashes=hashes,
        problems=tuple(problems),
    )
