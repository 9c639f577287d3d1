from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts.errors import ExitCode, NetworkError
from scripts.wheels.metering import MeteredRemote
from tests.support.pages import ScriptedWeb

URL = "https://user:secret@index.example/files/demo.whl"
PAGE = "https://index.example/simple/demo/"


def metered(*, requests: int = 3, size: int = 1000) -> tuple[ScriptedWeb, MeteredRemote]:
    web = ScriptedWeb({URL: bytes(5000), PAGE: bytes(700)})
    return web, MeteredRemote(web, max_requests=requests, max_bytes=size)


def test_what_was_read_is_counted() -> None:
    _, remote = metered()
    assert remote.size(URL) == 5000
    assert len(remote.read_range(URL, 100, 300)) == 200
    assert len(remote.get(PAGE).body) == 700
    assert (remote.requests, remote.bytes) == (3, 901)
    assert (remote.requests_left, remote.bytes_left) == (0, 99)


def test_a_part_that_is_not_all_there_counts_as_what_came() -> None:
    _, remote = metered()
    assert len(remote.read_range(URL, 4950, 5100)) == 50
    assert remote.bytes == 50


def test_a_page_that_is_not_there_is_a_request() -> None:
    _, remote = metered()
    assert remote.get("https://index.example/nothing").status == 404
    assert (remote.requests, remote.bytes) == (1, 0)


Act = Callable[[MeteredRemote], object]
ACTS: list[Act] = [
    lambda remote: remote.get(PAGE),
    lambda remote: remote.size(URL),
    lambda remote: remote.read_range(URL, 0, 1),
]


@pytest.mark.parametrize("act", ACTS)
def test_one_request_too_many_is_not_made(act: Act) -> None:
    web, remote = metered(requests=0)
    with pytest.raises(NetworkError) as caught:
        act(remote)
    assert caught.value.reference == "too-much-traffic"
    assert caught.value.exit_code is ExitCode.NETWORK
    assert web.seen == []


def test_a_part_beyond_the_limit_is_not_asked_for() -> None:
    web, remote = metered()
    remote.read_range(URL, 0, 600)
    with pytest.raises(NetworkError, match=r"more than 3 requests or 0\.0 MB") as caught:
        remote.read_range(URL, 600, 1001)
    assert len(web.seen) == 1
    assert (remote.requests, remote.bytes) == (1, 600)
    assert "secret" not in str(caught.value)
    assert "600 bytes so far" in caught.value.context
    assert caught.value.hint
    assert len(remote.read_range(URL, 600, 1000)) == 400


def test_a_page_is_read_no_further_than_what_is_left() -> None:
    _, remote = metered()
    remote.read_range(URL, 0, 600)
    with pytest.raises(NetworkError, match="more than 400 bytes") as caught:
        remote.get(PAGE)
    assert caught.value.reference == "too-large"
    _, remote = metered()
    with pytest.raises(NetworkError, match="more than 10 bytes"):
        remote.get(PAGE, limit=10)


class Generous(ScriptedWeb):
    """Sends more than it was asked for."""

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        return bytes(5000)


def test_a_server_that_sends_too_much_is_given_up() -> None:
    remote = MeteredRemote(Generous(), max_requests=3, max_bytes=1000)
    with pytest.raises(NetworkError) as caught:
        remote.read_range(URL, 0, 10)
    assert caught.value.reference == "too-much-traffic"
    assert remote.bytes_left == 0
