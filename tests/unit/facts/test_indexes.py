from __future__ import annotations

from pathlib import Path

import pytest

from scripts.facts.indexes import config_paths, read_settings, settings
from scripts.model.facts import IndexSettings

HOME = {"HOME": "/home/ada"}
PIP = "/home/ada/.config/pip/pip.conf"
UV = "/home/ada/.config/uv/uv.toml"
UV_SYSTEM = "/etc/uv/uv.toml"
PIP_MIRROR = "[global]\nindex-url = https://pip.example/simple\n"


def decide(environ: dict[str, str] | None = None, **texts: str | None) -> IndexSettings:
    """Settings with the texts of the files named PIP, UV and UV_SYSTEM."""
    places = {"pip": PIP, "uv": UV, "uv_system": UV_SYSTEM}
    return settings(HOME | (environ or {}), {places[name]: text for name, text in texts.items()})


def variables(found: IndexSettings) -> dict[str, str]:
    return dict(found.environment)


def test_nothing_said() -> None:
    assert decide() == IndexSettings(default_index=None, environment=(("UV_NO_CONFIG", "1"),), notes=())


@pytest.mark.parametrize(
    ("environ", "texts", "expected"),
    [
        ({}, {"pip": PIP_MIRROR}, "https://pip.example/simple"),
        ({"PIP_INDEX_URL": "https://var.example/s"}, {"pip": PIP_MIRROR}, "https://var.example/s"),
        ({"PIP_INDEX_URL": "https://var.example/s"}, {"uv": 'index-url = "https://uv.example/s"'}, "https://uv.example/s"),
        ({}, {"uv": '[[index]]\nurl = "https://uv.example/s"\ndefault = true'}, "https://uv.example/s"),
        ({}, {"uv": '[[index]]\nurl = "https://uv.example/s"', "pip": PIP_MIRROR}, "https://pip.example/simple"),
        ({}, {"uv": '[pip]\nindex-url = "https://uv.example/s"'}, "https://uv.example/s"),
        ({}, {"uv_system": 'index-url = "https://system.example/s"'}, "https://system.example/s"),
        (
            {},
            {"uv": 'index-url = "https://uv.example/s"', "uv_system": 'index-url = "https://system.example/s"'},
            "https://uv.example/s",
        ),
        ({"UV_INDEX_URL": "https://old.example/s"}, {"uv": 'index-url = "https://uv.example/s"'}, "https://old.example/s"),
        (
            {"UV_INDEX_URL": "https://old.example/s", "UV_DEFAULT_INDEX": "https://new.example/s"},
            {},
            "https://new.example/s",
        ),
        ({"UV_DEFAULT_INDEX": "corp=https://new.example/s?a=b"}, {}, "https://new.example/s?a=b"),
        ({"UV_DEFAULT_INDEX": "https://new.example/s?a=b"}, {}, "https://new.example/s?a=b"),
        ({"UV_NO_CONFIG": "1"}, {"uv": 'index-url = "https://uv.example/s"'}, None),
    ],
)  # fmt: skip
def test_which_index_wins(environ: dict[str, str], texts: dict[str, str], expected: str | None) -> None:
    found = decide(environ, **texts)
    assert found.default_index == expected
    assert variables(found).get("UV_DEFAULT_INDEX") == expected


def test_a_config_file_named_for_uv_takes_the_place_of_the_others() -> None:
    environ = HOME | {"UV_CONFIG_FILE": "/own.toml"}
    files = {"/own.toml": 'index-url = "https://own.example/s"', UV: 'index-url = "https://uv.example/s"'}
    assert settings(environ, files).default_index == "https://own.example/s"


def test_credentials_of_a_named_index_are_put_into_its_url() -> None:
    environ = {"UV_INDEX_MY_CORP_USERNAME": "ada", "UV_INDEX_MY_CORP_PASSWORD": "s/c@t"}
    text = '[[index]]\nname = "my-corp"\nurl = "https://uv.example/s"\ndefault = true'
    found = decide(environ, uv=text)
    assert found.default_index == "https://ada:s%2Fc%40t@uv.example/s"
    assert not any("s%2Fc" in note for note in found.notes)


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({}, "cert = /ca.pem", {"SSL_CERT_FILE": "/ca.pem"}),
        ({"SSL_CERT_FILE": "/mine.pem"}, "cert = /ca.pem", {}),
        ({"REQUESTS_CA_BUNDLE": "/requests.pem"}, "", {"SSL_CERT_FILE": "/requests.pem"}),
        ({"REQUESTS_CA_BUNDLE": "/requests.pem"}, "cert = /ca.pem", {"SSL_CERT_FILE": "/ca.pem"}),
        ({}, "client-cert = /me.pem", {"SSL_CLIENT_CERT": "/me.pem"}),
        ({}, "proxy = http://p:3128", {"HTTPS_PROXY": "http://p:3128", "HTTP_PROXY": "http://p:3128"}),
        ({}, "proxy = ada:pw@p:3128", {"HTTPS_PROXY": "http://ada:pw@p:3128", "HTTP_PROXY": "http://ada:pw@p:3128"}),
        ({"https_proxy": "http://mine"}, "proxy = http://p:3128", {"HTTP_PROXY": "http://p:3128"}),
        ({}, "trusted-host =\n  a.example\n  b.example:8080", {"UV_INSECURE_HOST": "a.example b.example:8080"}),
        ({"UV_INSECURE_HOST": "mine"}, "trusted-host = a.example", {}),
    ],
)
def test_what_pip_is_told_uv_is_told(environ: dict[str, str], text: str, expected: dict[str, str]) -> None:
    found = decide(environ, pip=f"[global]\n{text}\n")
    assert variables(found) == {"UV_NO_CONFIG": "1", **expected}
    assert len(found.notes) == len(expected)


def test_uvs_own_settings_are_carried_over_and_win_over_pips() -> None:
    text = """
        https-proxy = "http://uv-proxy:1"
        native-tls = true
        allow-insecure-host = ["a.example", "b.example"]
        cache-dir = "/big/uv"
    """
    found = decide({"UV_CACHE_DIR": "/mine"}, uv=text, pip="[global]\nproxy = http://pip-proxy:2\n")
    assert variables(found) == {
        "UV_NO_CONFIG": "1",
        "HTTPS_PROXY": "http://uv-proxy:1",
        "HTTP_PROXY": "http://pip-proxy:2",
        "UV_SYSTEM_CERTS": "1",
        "UV_INSECURE_HOST": "a.example b.example",
    }


@pytest.mark.parametrize(
    ("environ", "texts", "words"),
    [
        ({}, {"pip": "[global]\nextra-index-url = https://x.example/s\n"}, "pip's extra-index-url (/home/ada/"),
        ({"PIP_FIND_LINKS": "/wheels"}, {}, "pip's find-links (PIP_FIND_LINKS)"),
        ({}, {"pip": "[install]\nno-index = true\n"}, "pip's no-index"),
        ({"UV_INDEX": "https://x.example/s"}, {}, "uv's UV_INDEX (the environment)"),
        ({}, {"uv": '[[index]]\nurl = "https://x.example/s"'}, "uv's index (/home/ada/.config/uv/uv.toml)"),
        ({}, {"uv": '[pip]\nfind-links = ["/wheels"]'}, "uv's find-links"),
    ],
)
def test_further_places_are_named_and_left(environ: dict[str, str], texts: dict[str, str], words: str) -> None:
    found = decide(environ, **texts)
    (note,) = found.notes
    assert words in note
    assert "not carried over" in note
    assert variables(found) == {"UV_NO_CONFIG": "1"}


def test_no_index_that_is_off_is_not_named() -> None:
    assert decide(pip="[global]\nno-index = false\n").notes == ()


def test_credentials_are_redacted_in_notes_and_hidden_in_the_repr() -> None:
    found = decide(
        {"PIP_PROXY": "http://ada:secret@proxy:1", "PIP_EXTRA_INDEX_URL": "https://secret@x.example"},
        pip="[global]\nindex-url = https://ada:secret@pip.example/s\n",
    )
    assert found.default_index == "https://ada:secret@pip.example/s"
    assert "secret" not in repr(found)
    assert any("https://****@pip.example/s" in note for note in found.notes)


@pytest.mark.parametrize(
    "texts",
    [{"uv": "index-url = "}, {"uv": None}, {"pip": "no section"}, {"pip": None}, {"uv": "[index]\nx = 1", "pip": "?"}],
)
def test_a_broken_file_is_a_note(texts: dict[str, str | None]) -> None:
    found = decide({}, **texts)
    assert found.default_index is None
    (note,) = found.notes
    assert "was not taken into account" in note


def test_files_are_read_where_they_are(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "etc"), "PIP_CONFIG_FILE": str(tmp_path / "p")}
    (tmp_path / "p").write_bytes(b"[global]\nindex-url = https://pip.example/\xff\n")
    toml = tmp_path / ".config" / "uv" / "uv.toml"
    toml.parent.mkdir(parents=True)
    toml.write_text('index-url = "https://uv.example/s"')
    assert {str(toml), str(tmp_path / "p")} <= set(config_paths(environ))
    found = read_settings(environ)
    assert found.default_index == "https://uv.example/s"
    assert any("cannot be read" in note for note in found.notes)
