from __future__ import annotations

import pytest

from scripts.redaction import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ada:secret@mirror.example/simple", "https://****@mirror.example/simple"),
        ("https://token@mirror.example/simple", "https://****@mirror.example/simple"),
        ("http://ada:s@cret@proxy:3128", "http://****@proxy:3128"),
        ("git+https://ada:secret@mirror.example/x.git", "git+https://****@mirror.example/x.git"),
        ("HTTPS://ADA:SECRET@MIRROR.EXAMPLE", "HTTPS://****@MIRROR.EXAMPLE"),
        ("--index-url=https://a:b@m/s --proxy 'http://c:d@p:1'", "--index-url=https://****@m/s --proxy 'http://****@p:1'"),
        ('{"url":"https://a:b@m/s","to":"x@y.example"}', '{"url":"https://****@m/s","to":"x@y.example"}'),
        ("two lines\nhttps://a:b@m\nhttps://c:d@n", "two lines\nhttps://****@m\nhttps://****@n"),
        ("https://ada:it's@mirror.example", "https://****@mirror.example"),
        ("https://:password@mirror.example", "https://****@mirror.example"),
    ],
)  # fmt: skip
def test_user_information_is_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://mirror.example/simple",
        "https://mirror.example/kokoro@0.9.4",
        "torch @ https://mirror.example/torch-2.15.0.whl",
        "mail ada@example.org",
        "https://mirror.example:8443/a?b=c@d",
    ],
)
def test_what_is_no_user_information_stays(text: str) -> None:
    assert redact(text) == text


def test_twice_is_once() -> None:
    once = redact("https://ada:secret@mirror.example")
    assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http:/user:secret@host/x.whl", "http:/****@host/x.whl"),  # a URL that was taken for a path
        ("foo @ ftp://user:secret@host/x.whl", "foo @ ftp://****@host/x.whl"),
        ("https://h/x.whl?token=secret", "https://h/x.whl?token=****"),
        (
            "https://h/x.whl?v=1&X-Amz-Signature=secret&n=2#sha256=ab",
            "https://h/x.whl?v=1&X-Amz-Signature=****&n=2#sha256=ab",
        ),
        ("https://h/x.whl?SIG=secret", "https://h/x.whl?SIG=****"),
        ("https://h/x.whl?version=2&page=3", "https://h/x.whl?version=2&page=3"),
        ("key=value", "key=value"),
    ],
)
def test_what_signs_a_link_and_what_lost_a_slash(text: str, shown: str) -> None:
    assert redact(text) == shown
