from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.wheels.index import Index
from scripts.wheels.index_page import DEFAULT_INDEX
from tests.support.pages import Page, ScriptedWeb

URL = "https://index.example/whl/cu130"
JSON = {"content-type": "application/vnd.pypi.simple.v1+json"}
HTML = {"content-type": "text/html; charset=utf-8"}
WHEEL = "demo-1.0-py3-none-any.whl"


def project(page: Page | None, url: str = URL, name: str = "demo") -> Any:
    web = ScriptedWeb({} if page is None else {f"{url}/demo/": page})
    return Index(url, web.get).project(name)


def json_page(name: str = "demo", /, **file: Any) -> Page:
    data = {
        "meta": {"api-version": "1.0"},
        "name": name,
        "files": [{"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {}, **file}],
    }
    return Page(url=f"{URL}/demo/", headers=JSON, body=json.dumps(data).encode())


def html_page(body: str) -> Page:
    return Page(url=f"{URL}/demo/", headers=HTML, body=f"<!DOCTYPE html><html><body>{body}</body></html>".encode())


def test_json() -> None:
    announced: dict[str, Any] = {"yanked": "old", "requires-python": ">=3.10", "core-metadata": True}
    page = json_page("demo", hashes={"sha256": "ab"}, size=7, **announced)
    (file,) = project(page, name="Demo")
    assert file.project == "demo"
    assert file.url == f"https://index.example/files/{WHEEL}"
    assert (file.sha256, file.size, file.yanked, file.requires_python) == ("ab", 7, "old", ">=3.10")
    assert file.metadata_url == f"{file.url}.metadata"
    assert file.metadata_announced


def test_html() -> None:
    link = f'<a href="../../../files/{WHEEL}#sha256=ab" data-requires-python="&gt;=3.10" data-yanked="">{WHEEL}</a>'
    (file,) = project(html_page(f'<a href="../">up</a>{link}'))
    assert file.url == f"https://index.example/files/{WHEEL}"
    assert (file.sha256, file.size, file.yanked, file.requires_python) == ("ab", None, "", ">=3.10")
    assert not file.metadata_announced


def test_a_page_is_asked_for_once_and_json_is_asked_for() -> None:
    asked: list[Any] = []

    def fetch(url: str, *, headers: Any = None) -> Page:
        asked.append(headers["Accept"])
        return json_page()

    index = Index(f"{URL}/", fetch)
    assert index.project("demo") == index.project("Demo")
    assert len(asked) == 1
    assert JSON["content-type"] in asked[0]
    assert "text/html" in asked[0]


@pytest.mark.parametrize(
    ("page", "kind", "reference"),
    [
        (None, NoCandidateError, "project-not-found"),
        (Page(status=403), NetworkError, "access-denied"),
        (Page(status=418), NetworkError, "http-error"),
        (Page(headers=JSON, body=b"{"), NetworkError, "not-an-index"),
        (Page(headers=JSON, body=b"[]"), NetworkError, "not-an-index"),
        (Page(headers=JSON, body=b'{"name": "demo"}'), NetworkError, "not-an-index"),
        (
            Page(headers=JSON, body=b'{"meta": {"api-version": "9.0"}, "name": "demo", "files": []}'),
            NetworkError,
            "not-an-index",
        ),
        (Page(headers={"content-type": "image/png"}), NetworkError, "not-an-index"),
        (html_page('<h1>Sign in</h1><a href="/login">here</a>'), NetworkError, "not-an-index"),
        (
            html_page('<a href="/other-2.0-py3-none-any.whl">other-2.0-py3-none-any.whl</a>'),
            IntegrityError,
            "wrong-project",
        ),
        (json_page("other"), IntegrityError, "wrong-project"),
    ],
)
def test_bad_pages(page: Page | None, kind: type[SparkError], reference: str) -> None:
    with pytest.raises(kind) as caught:
        project(page)
    assert caught.value.reference == reference
    assert caught.value.hint


def test_an_empty_json_page_is_an_empty_project() -> None:
    page = Page(headers=JSON, body=b'{"meta": {"api-version": "1.0"}, "name": "demo", "files": []}')
    assert project(page) == ()


def test_credentials_go_to_the_same_host_only_and_are_not_printed() -> None:
    url = URL.replace("//", "//user:secret@")
    (here,) = project(json_page(), url)
    (there,) = project(json_page(url=f"https://elsewhere.example/{WHEEL}"), url)
    assert here.url == f"https://user:secret@index.example/files/{WHEEL}"
    assert there.url == f"https://elsewhere.example/{WHEEL}"
    with pytest.raises(NoCandidateError) as caught:
        project(None, url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Index(url, ScriptedWeb().get))


def test_the_default_index_is_a_simple_index() -> None:
    assert DEFAULT_INDEX.startswith("https://")
    assert DEFAULT_INDEX.endswith("/simple")
