"""The first fatbins of a library that comes as a stream: enough to know what a wheel was built for.

A library inside a wheel is deflated, so it can only be read from its start, and its section headers are at its end.
So fatbins are found by their magic number and believed where all their entries fit. In each wheel of torch that was
measured (constraints/devicecode.toml) the first fatbins hold what is common to all.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.fatbin import HEADER, MAGIC, architectures, span

_STEP = 1 << 20
"""Bytes inflated at once: a hostile stream grows a thousandfold."""
_LARGEST = 256 << 20
"""Bytes of one fatbin that are waited for: torch's have some hundreds of kilobytes, NCCL's tens of megabytes."""
_LONGEST = 1 << 30
"""Bytes looked through in all."""


def sample_device_code(chunks: Iterable[bytes], *, library: str, method: int, wanted: int) -> DeviceCode:
    """Read the first `wanted` fatbins of a zip member that arrives in chunks; stop asking for more then.

    `method` is the zip's compression method. There may be fewer, or none, where the chunks end before.

    Raises ValueError where the stream is damaged or its compression is not known.
    """
    found: Counter[str] = Counter()
    scanner = _Scanner()
    try:
        for data in _inflated(chunks, method):
            for content in scanner.feed(data):
                found[content] += 1
                if found.total() == wanted:
                    return _sampled(library, found)
    except zlib.error as error:
        raise ValueError(f"{library} cannot be inflated: {error}") from error
    return _sampled(library, found)


def _sampled(library: str, found: Counter[str]) -> DeviceCode:
    return DeviceCode(library=library, fatbins=dict(sorted(found.items())), complete=False)


def _inflated(chunks: Iterable[bytes], method: int) -> Iterator[bytes]:
    if method == zipfile.ZIP_STORED:
        yield from chunks
        return
    if method != zipfile.ZIP_DEFLATED:
        raise ValueError(f"compression method {method} is not known here")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in chunks:
        data = inflater.decompress(chunk, _STEP)
        while data:
            yield data
            data = inflater.decompress(inflater.unconsumed_tail, _STEP)
        if inflater.eof:
            return


@dataclass(kw_only=True)
class _Scanner:
    """Finds fatbins in what is fed to it, keeping no more than the fatbin it is in."""

    kept: bytearray = field(default_factory=bytearray)
    passed: int = 0
    """Bytes that went by before what is kept."""

    def feed(self, data: bytes) -> Iterator[str]:
        """Take more of the stream; give the content of each fatbin that is now whole."""
        self.kept += data
        if self.passed > _LONGEST:
            raise ValueError("no fatbin in the first gigabyte")
        while (start := self.kept.find(MAGIC)) >= 0:
            self._drop(start)
            if len(self.kept) < HEADER.size:
                return
            content = self._content()
            if content is None:
                return
            if content:
                yield content
        self._drop(max(0, len(self.kept) - len(MAGIC) + 1))

    def _content(self) -> str | None:
        """Read the fatbin that `kept` begins with; None: more is to come. Empty: it is none, or holds no code."""
        try:
            first, end = span(bytes(self.kept[: HEADER.size]), 0)
            if len(self.kept) < end <= _LARGEST:
                return None
            content = architectures(lambda position, length: bytes(self.kept[position : position + length]), first, end)
        except (ValueError, struct.error):
            self._drop(len(MAGIC))  # four bytes that look like one
            return ""
        self._drop(end)
        return content

    def _drop(self, count: int) -> None:
        del self.kept[:count]
        self.passed += count
