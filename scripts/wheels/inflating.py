"""Members of a zip as streams of bytes: what zipfile does, for bytes that come from afar and for several at once."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator

STEP = 1 << 20
"""Bytes inflated at once: a hostile stream grows a thousandfold."""


def inflate(chunks: Iterable[bytes], method: int) -> Iterator[bytes]:
    """Inflate a member that comes in chunks; no chunk is asked for before those before it are used up.

    `method` is the zip's compression method. Raises ValueError where the stream is damaged or its compression is not
    known; that it ends early is for the caller to see.
    """
    if method == zipfile.ZIP_STORED:
        yield from chunks
        return
    if method != zipfile.ZIP_DEFLATED:
        raise ValueError(f"compression method {method} is not known here")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            data = inflater.decompress(chunk, STEP)
            while data:
                yield data
                data = inflater.decompress(inflater.unconsumed_tail, STEP)
            if inflater.eof:
                return
    except zlib.error as error:
        raise ValueError(f"it cannot be inflated: {error}") from error
