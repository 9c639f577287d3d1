"""The list of architectures that torch states, found in a stream that is not read further than needed."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator

import pytest

from scripts.errors import IntegrityError, NetworkError
from scripts.wheels import builtfor
from scripts.wheels.builtfor import MEMBER, built_for_in, find_built_for, read_built_for
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.writer import metadata_text
from tests.support.pages import ScriptedWeb

LIST = "sm_80 sm_90 sm_100 sm_110 sm_120"
URL = "https://index.example/torch.whl"
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
NOISE = random.Random(20260101).randbytes(300_000)
"""What does not deflate."""


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def packed(data: bytes, method: int) -> bytes:
    return deflated(data) if method == DEFLATED else data


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def found(data: bytes, method: int = STORED, *, size: int = 1000) -> str | None:
    return find_built_for(chunked(packed(data, method), size), method)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_wherever_chunks_end(method: int, size: int) -> None:
    data = b"\x7fELF" + NOISE[:5000] + b"\0" + LIST.encode() + b"\0" + NOISE[:5000]
    assert found(data, method, size=size) == LIST


@pytest.mark.parametrize("offset", range(0, 40, 3))
def test_across_a_border(offset: int) -> None:
    data = b"\0" + LIST.encode() + b"\0"
    assert find_built_for(iter([NOISE[:9000] + data[:offset], data[offset:] + NOISE[:9000]]), STORED) == LIST


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0sm_120\0", "sm_120"),  # one name alone is a whole string
        (b"\0compute_90\0", "compute_90"),
        (b"xsm_120\0", None),
        (b" sm_120\0", None),
        (b"-gencode=arch=compute_120,code=sm_120\0", None),
        (b"sm_120 is not supported\0", None),
        (b"xyzsm_80 sm_90a compute_120f\0", "sm_80 sm_90a compute_120f"),  # behind a constant without an end
        (b"\0sm_80  sm_90\0", None),
        (b"\0sm_80,sm_90\0", None),
        (b"\0sm_8 sm_9\0", None),
        (b"\0sm_1200\0", None),
        (b"\0sm_%d%d\0sm_75\0", "sm_75"),
        (b"\0SM_80 SM_90\0", None),
        (b"\0sm_80 sm_90", None),  # it never ends
        (b"", None),
    ],
)
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_what_is_a_list(data: bytes, expected: str | None, method: int) -> None:
    assert found(data, method) == expected


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_no_list(method: int) -> None:
    assert found(NOISE, method, size=10_000) is None


def counted(chunks: Iterable[bytes], seen: list[int]) -> Iterator[bytes]:
    for chunk in chunks:
        seen.append(len(chunk))
        yield chunk


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_no_chunk_is_asked_for_beyond_it(method: int) -> None:
    data = NOISE[:50_000] + b"\0" + LIST.encode() + b"\0" + NOISE
    seen: list[int] = []
    assert find_built_for(counted(chunked(packed(data, method), 10_000), seen), method) == LIST
    assert len(seen) in {6, 7}


def test_what_follows_the_deflated_stream_is_not_read() -> None:
    seen: list[int] = []
    chunks = [deflated(b"nothing"), b"\0sm_120\0" * 100, b"more"]
    assert find_built_for(counted(chunks, seen), DEFLATED) is None
    assert len(seen) == 1


@pytest.mark.parametrize("data", [b"\xff" * 100, b"\x07", deflated(b"text " * 500)[:-5] + b"\xff" * 5000])
def test_a_damaged_stream(data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be inflated"):
        find_built_for(iter([data]), DEFLATED)


def test_a_stream_that_breaks_off_has_no_list() -> None:
    assert find_built_for(iter([deflated(NOISE)[:1000]]), DEFLATED) is None


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 93])
def test_a_method_that_nobody_uses(method: int) -> None:
    with pytest.raises(ValueError, match=f"compression method {method}"):
        find_built_for(iter([b"x"]), method)


def test_a_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtfor, "_LIMIT", 8 << 20)
    seen: list[int] = []
    bomb = deflated(bytes(64 << 20))
    with pytest.raises(ValueError, match="no list of architectures in the first"):
        find_built_for(counted(chunked(bomb, 1000), seen), DEFLATED)
    assert sum(seen) < len(bomb) // 4


def test_names_without_an_end_take_no_time() -> None:
    """Without a bound on a list this takes minutes: each name is tried as the first of all that follow. And no name may
    be looked for again in all of the rest because another was found.
    """
    assert find_built_for(iter([b"sm_80 " * 100_000]), STORED) is None
    assert find_built_for(iter([b"sm_80 " * 100_000 + b"sm_120\0"]), STORED) == " ".join(["sm_80"] * 31 + ["sm_120"])


def wheel(content: bytes | None, *, method: int = DEFLATED, before: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("torch/lib/libtorch_cpu.so", before)
        if content is not None:
            archive.writestr(MEMBER, content)
        archive.writestr("torch-2.15.0.dist-info/METADATA", metadata_text("torch", "2.15.0"))
    return buffer.getvalue()


def remote_of(data: bytes, *, requests: int = 30, size: int = 20_000_000) -> MeteredRemote:
    return MeteredRemote(ScriptedWeb({URL: data}), max_requests=requests, max_bytes=size)


def read(data: bytes, remote: MeteredRemote) -> str | None:
    return read_built_for(URL, len(data), remote, name="torch.whl", where=URL)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_remote_wheel_is_read_as_far_as_the_list(method: int) -> None:
    noise = NOISE * 40  # 12 MB; deflate's window is too short to see that it repeats
    data = wheel(noise[:5_500_000] + b"\0" + LIST.encode() + b"\0" + noise, method=method, before=noise)
    remote = remote_of(data)
    assert read(data, remote) == LIST
    assert remote.requests == 5  # the end with its directory, the local header, 4 MB, and twice 1 MB
    assert 6_000_000 < remote.bytes < 6_600_000 < len(data) // 4


def test_a_small_one_takes_what_it_has() -> None:
    data = wheel(NOISE + b"\0" + LIST.encode() + b"\0", before=NOISE)
    remote = remote_of(data)
    assert read(data, remote) == LIST
    assert remote.bytes <= len(data) + (1 << 17)


@pytest.mark.parametrize("content", [None, NOISE])
def test_a_wheel_that_says_nothing(content: bytes | None) -> None:
    data = wheel(content)
    assert read(data, remote_of(data)) is None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert built_for_in(archive) is None


def test_the_traffic_is_limited() -> None:
    data = wheel(NOISE * 40)
    remote = remote_of(data, size=7_000_000)
    with pytest.raises(NetworkError) as caught:
        read(data, remote)
    assert caught.value.reference == "too-much-traffic"
    assert remote.bytes <= 7_000_000


def lying(data: bytes, field: int, layout: str, value: int) -> bytes:
    """Change one number in the directory's entry of MEMBER (APPNOTE.TXT 4.3.12)."""
    start = data.rindex(MEMBER.encode()) - 46
    changed = bytearray(data)
    struct.pack_into(layout, changed, start + field, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("field", "layout", "value"),
    [
        (20, "<I", 0),  # its compressed size
        (42, "<I", 5),  # where it begins
        (42, "<I", 0x7FFFFFFF),
        (8, "<H", 1),  # encrypted
        (10, "<H", 14),  # compressed by LZMA
        (10, "<H", 8),  # deflated, which it is not
    ],
)
def test_a_directory_that_lies(field: int, layout: str, value: int) -> None:
    data = lying(wheel(b"\xff" * 1000 + b"\0" + LIST.encode() + b"\0", method=STORED), field, layout, value)
    remote = remote_of(data)
    with pytest.raises(IntegrityError) as caught:
        read(data, remote)
    assert caught.value.reference == "bad-wheel"
    assert remote.requests <= 4


def test_a_size_beyond_the_end_is_read_to_the_limit_at_most() -> None:
    data = lying(wheel(NOISE, method=STORED), 20, "<I", 0xFFFFFFF0)
    remote = remote_of(data, requests=12)
    with pytest.raises(NetworkError):
        read(data, remote)
    assert remote.requests <= 12


@pytest.mark.parametrize("data", [b"", b"no zip at all" * 9000, wheel(NOISE)[:-30], wheel(NOISE)[30_000:]])
def test_what_is_no_zip(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(data, remote_of(data))


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_out_of_a_wheel_that_is_here(method: int) -> None:
    data = wheel(NOISE * 8 + b"\0" + LIST.encode() + b"\0" + NOISE, method=method)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert built_for_in(archive) == LIST
