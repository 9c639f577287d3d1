from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from invoke.program import Program

import tasks
from scripts.errors import ExitCode, NetworkError, UsageError
from scripts.home import CHECKOUT
from scripts.model.evidence import VerdictKind
from scripts.model.facts import IndexSettings
from scripts.model.target import GB10, ComputeCapability
from scripts.model.timeline import Timeline, TimelineRow
from scripts.operations.context import Context
from scripts.operations.timeline import make_timeline, write_timeline
from scripts.operations.timeline_text import timeline_markdown
from scripts.serial import from_data, to_json
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.pages import ScriptedWeb
from tests.support.recorded import INDEX, recorded_pages
from tests.unit.operations.worlds import UnreachableWeb

FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=INDEX))
DOCS = CHECKOUT / "docs"


def published() -> Timeline:
    return from_data(Timeline, json.loads((DOCS / "timeline.json").read_text()), what="docs/timeline.json")


def again(tmp_path: Path, capability: ComputeCapability = GB10) -> Timeline:
    """Make the timeline from what was recorded on its day: the lanes are out of reach, as they were then."""
    given: Context = context(tmp_path, FACTS, web=UnreachableWeb(recorded_pages()))
    return make_timeline(given, capability, created=published().created)


def test_the_published_page_is_what_the_command_writes(tmp_path: Path) -> None:
    made = again(tmp_path)
    written = write_timeline(made, tmp_path / "docs")
    for path in written:
        assert path.read_bytes() == (DOCS / path.name).read_bytes(), (
            f"docs/{path.name}: python -m tests.support.recorded"
        )


def row(timeline: Timeline, torch: str, platform: str) -> TimelineRow:
    (found,) = [one for one in timeline.rows if (one.torch, one.platform) == (torch, platform)]
    return found


@pytest.mark.parametrize(
    ("torch", "platform", "cuda", "nvrtc", "verdict"),
    [
        ("2.5.1", "x86_64", "12.4", "12.4.127", "broken"),
        ("2.6.0", "x86_64", "12.4", "12.4.127", "broken"),
        ("2.7.1", "x86_64", "12.6", "12.6.77", "broken"),
        ("2.8.0", "x86_64", "12.8", "12.8.93", "needed"),
        ("2.9.1", "x86_64", "12.8", "12.8.93", "needed"),
        ("2.10.0", "x86_64", "12.8", "12.8.93", "needed"),
        ("2.11.0", "x86_64", "13.0", "13.0.88", "not-needed"),
        ("2.15.0", "x86_64", "13.2", "13.2.86", "not-needed"),
        ("2.5.1", "aarch64", None, None, "not-applicable"),
        ("2.9.1", "aarch64", None, None, "not-applicable"),
        ("2.10.0", "aarch64", None, None, "not-applicable"),
        ("2.11.0", "aarch64", "13.0", "13.0.88", "not-needed"),
        ("2.13.0", "aarch64", "13.0", "13.0.88", "not-needed"),
        ("2.14.1", "aarch64", "13.0", "13.0.88", "not-needed"),
        ("2.15.0", "aarch64", "13.2", "13.2.86", "not-needed"),
    ],
)
def test_what_was_measured_by_hand(
    torch: str, platform: str, cuda: str | None, nvrtc: str | None, verdict: str
) -> None:
    found = row(published(), torch, platform)
    assert (found.cuda, found.nvrtc, found.verdict) == (cuda, nvrtc, verdict)


def test_another_gpu_is_another_table(tmp_path: Path) -> None:
    made = again(tmp_path, ComputeCapability(7, 0))
    assert row(made, "2.9.1", "x86_64").verdict is VerdictKind.NOT_NEEDED  # sm_70 cubins, and an NVRTC that knows it
    assert row(made, "2.15.0", "x86_64").verdict is VerdictKind.BROKEN  # CUDA 13 dropped it


def test_what_did_not_answer_is_marked() -> None:
    lanes = {one.name: one for one in published().lanes}
    assert set(lanes) == {"cu126", "cu128", "cu129", "cu130", "cu132"}
    assert all(one.source.startswith("not reached: ") for one in lanes.values())
    assert lanes["cu126"].verdict is VerdictKind.BROKEN
    assert lanes["cu128"].verdict is VerdictKind.NEEDED
    text = timeline_markdown(published())
    assert "Read on 20" in text
    assert "**Predicted, not verified:**" in text
    assert "not pulled, not run" in text


def test_one_wheel_that_cannot_be_read_is_told_and_left_out(tmp_path: Path) -> None:
    pages = recorded_pages()
    broken = next(url for url in pages if "torch-2.15.0-cp312" in url and "aarch64" in url)
    pages[broken] = b"Metadata-Version: 2.1\nName: other\nVersion: 1\n"
    made = make_timeline(context(tmp_path, FACTS, web=UnreachableWeb(pages)), GB10)
    assert [one for one in made.failures if "is that of something else" in one]
    assert len(made.rows) == len(published().rows) - 1
    assert "## What could not be read" in timeline_markdown(made)


def test_without_the_default_index_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        make_timeline(context(tmp_path, FACTS, web=UnreachableWeb({})), GB10)
    assert caught.value.reference == "network-unreachable"


def test_a_lane_that_answers_has_rows_of_its_own(tmp_path: Path) -> None:
    given = context(tmp_path, FACTS, web=ScriptedWeb(recorded_pages()))
    lane = given.lanes.named("cu130").index
    pages = recorded_pages()
    name = "torch-2.14.1%2Bcu130-cp312-cp312-manylinux_2_28_aarch64.whl"
    pages[f"{lane}/torch/"] = f'<a href="/files/{name}">{name.replace("%2B", "+")}</a>'.encode()
    origin = "/".join((lane or "").split("/")[:3])
    metadata = b"Metadata-Version: 2.1\nName: torch\nVersion: 2.14.1+cu130\nRequires-Dist: nvidia-cuda-nvrtc==13.0.88\n"
    pages[f"{origin}/files/{name}.metadata"] = metadata
    made = make_timeline(context(tmp_path, FACTS, web=ScriptedWeb(pages)), GB10)
    (found,) = [one for one in made.rows if one.index == "cu130"]
    assert (found.torch, found.verdict) == ("2.14.1+cu130", VerdictKind.NOT_NEEDED)
    assert "the same build for another Python or index" in found.reasons[0]
    assert "cu130" not in {one.name for one in made.lanes}
    assert found.code_of == "torch-2.14.1-cp312-cp312-manylinux_2_28_aarch64.whl"
    text = timeline_markdown(made)
    assert "\n| 2.14.1+cu130 | not-needed | cu130 |" in text, "by another wheel's device code: not bold"
    assert "are CPU-only. torch 2.14.1 from lane cu130 (the newest read) needs no patch." in text


def test_refresh_believes_nothing_and_is_remembered(tmp_path: Path) -> None:
    pages = recorded_pages()
    changed = next(url for url in pages if "torch-2.15.0-cp312" in url and "aarch64" in url)
    text = pages[changed]
    assert isinstance(text, bytes)
    pages[changed] = text.rstrip() + b"\nRequires-Dist: nvidia-cuda-nvrtc==12.8.93\n"
    assert (
        row(make_timeline(context(tmp_path, FACTS, web=UnreachableWeb(pages)), GB10), "2.15.0", "aarch64").nvrtc
        == "12.8.93"
    )
    given = context(tmp_path, FACTS, web=UnreachableWeb(recorded_pages()))
    for refresh, nvrtc in ((False, "12.8.93"), (True, "13.2.86"), (False, "13.2.86")):
        assert row(make_timeline(given, GB10, refresh=refresh), "2.15.0", "aarch64").nvrtc == nvrtc


def test_json_is_the_same_timeline(tmp_path: Path) -> None:
    made = again(tmp_path)
    assert from_data(Timeline, json.loads(to_json(made)), what="it") == made


def test_what_the_tables_know_stands_in_the_rows() -> None:
    old, new = row(published(), "2.9.1", "x86_64"), row(published(), "2.11.0", "aarch64")
    assert (old.driver, old.triton, old.triton_assembles) == ("525", "3.5.1", False)
    assert (new.driver, new.triton, new.triton_assembles) == ("580", "3.6.0", True)
    none = row(published(), "2.9.1", "aarch64")
    assert (none.driver, none.triton, none.triton_assembles, none.code_of) == (None, None, None, "")
    assert none.claim == "claimed of cu130: Supported (aarch64: fragile)"
    assert "cp314t" in none.pythons
    assert {one.name: one.driver for one in published().lanes}["cu132"] == "580"
    assert {one.driver for one in published().containers} == {None}


def test_the_published_page_is_about_one_gpu(tmp_path: Path) -> None:
    made = dataclasses.replace(published(), capability=ComputeCapability(9, 0))
    with pytest.raises(UsageError) as caught:
        write_timeline(made, tmp_path / "docs")
    assert caught.value.reference == "timeline-of-another-gpu"
    assert not (tmp_path / "docs").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_write_for_another_gpu_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    argv = ["invoke", "timeline", "--write", "--sm", "9.0", *more]
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(tasks, "_context", lambda verbose=False: pytest.fail("it went on"))
    monkeypatch.setattr(tasks, "_handle_signals", lambda: None)
    with pytest.raises(SystemExit) as caught:
        Program(namespace=tasks.ns, version="1").run(argv)
    assert caught.value.code == ExitCode.USAGE
    assert "--sm 9.0 > timeline-9.0.md" in capsys.readouterr().err
