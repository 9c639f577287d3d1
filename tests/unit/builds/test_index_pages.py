"""The wheelhouse's pages, by themselves."""

from __future__ import annotations

import json

from scripts.builds.index_pages import Listed, hashes_text, project_html, project_json, root_html, root_json
from scripts.model.builds import Published


def listed(version: str = "1.0+sm121a", requires: str = ">=3.10") -> Listed:
    filename = f"demo_ext-{version}-cp312-cp312-linux_aarch64.whl"
    published = Published(
        project="demo-ext",
        version=version,
        filename=filename,
        sha256="a" * 64,
        stamp="b" * 64,
        size=3,
        wheel=f"wheels/{filename}",
        provenance="",
    )
    return Listed(published=published, metadata_sha256="c" * 64, requires_python=requires)


def test_a_link_is_quoted_and_hashed() -> None:
    page = project_html("demo-ext", [listed()])
    assert f'href="../../wheels/demo_ext-1.0%2Bsm121a-cp312-cp312-linux_aarch64.whl#sha256={"a" * 64}"' in page
    assert 'data-requires-python="&gt;=3.10"' in page
    assert f'data-core-metadata="sha256={"c" * 64}"' in page


def test_what_is_not_said_is_left_out() -> None:
    assert "data-requires-python" not in project_html("demo-ext", [listed(requires="")])
    assert "requires-python" not in project_json("demo-ext", [listed(requires="")])


def test_json_says_the_same() -> None:
    page = json.loads(project_json("demo-ext", [listed(), listed("1.1"), listed("1.1")]))
    assert page["versions"] == ["1.0+sm121a", "1.1"]
    assert page["files"][0]["url"] == "../../wheels/demo_ext-1.0%2Bsm121a-cp312-cp312-linux_aarch64.whl"
    assert page["files"][0]["hashes"] == {"sha256": "a" * 64}
    assert page["files"][0]["requires-python"] == ">=3.10"


def test_the_list_of_projects_is_sorted() -> None:
    assert [one["name"] for one in json.loads(root_json({"b", "a"}))["projects"]] == ["a", "b"]
    page = root_html(["b", "a<"])
    assert page.index('href="a%3C/">a&lt;<') < page.index('href="b/"')


def test_sums_are_sorted_by_file() -> None:
    text = hashes_text([listed("1.1").published, listed("1.0").published])
    assert [line.partition("  ")[2].split("-")[1] for line in text.splitlines()] == ["1.0", "1.1"]
