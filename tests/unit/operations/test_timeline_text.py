from __future__ import annotations

import dataclasses

import pytest

from scripts.model.evidence import VerdictKind
from scripts.model.target import GB10, ComputeCapability
from scripts.model.timeline import Timeline, TimelineRow
from scripts.operations.timeline_text import answer, timeline_markdown
from tests.unit.operations.test_timeline import published

ROW = TimelineRow(
    torch="2.15.0",
    platform="aarch64",
    index="pypi",
    wheel="torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl",
    pythons=("cp39", "cp311", "cp312", "cp313", "cp313t"),
    cuda="13.2",
    nvrtc="13.2.86",
    driver="580",
    triton="3.9.0",
    triton_assembles=True,
    built_for="sm_80 sm_120",
    code_of="torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl",
    verdict=VerdictKind.NOT_NEEDED,
    reasons=(),
    claim="",
)


def told(
    *verdicts: str,
    platform: str = "aarch64",
    capability: ComputeCapability = GB10,
    failures: tuple[str, ...] = (),
) -> list[str]:
    """The answer for releases given as `2.15.0 needed`, newest first."""
    rows = []
    for one in verdicts:
        torch, kind = one.split()
        rows.append(dataclasses.replace(ROW, torch=torch, platform=platform, verdict=VerdictKind(kind)))
    made = Timeline(
        schema=2,
        created="2026-11-24",
        capability=capability,
        rows=tuple(rows),
        lanes=(),
        nightlies=(),
        containers=(),
        failures=failures,
    )
    return answer(made)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ("2.15.0 not-needed", "2.11.0 not-needed", "2.10.0 not-applicable", "2.5.0 not-applicable"),
            (
                "torch 2.11.0 and newer from the default index (2.15.0 is the newest read) need no patch; "
                "2.5.0 to 2.10.0 are CPU-only"
            ),
        ),
        (
            ("2.15.0 broken", "2.14.0 needed", "2.13.0 undecided", "2.12.0 needed"),
            (
                "torch 2.15.0 from the default index (the newest read) holds no code that runs there; "
                "2.14.0 needs the patch; 2.13.0 is undecided; 2.12.0 needs the patch"
            ),
        ),
        (
            ("2.15.0 broken", "2.14.0 broken"),
            "torch 2.14.0 and newer from the default index (2.15.0 is the newest read) hold no code that runs there",
        ),
        (("2.15.0 not-needed",), "torch 2.15.0 from the default index (the newest read) needs no patch"),
        ((), "no wheel of torch was read"),
    ],
)
def test_the_answer_follows_from_the_rows(verdicts: tuple[str, ...], said: str) -> None:
    spark, other = told(*verdicts)
    assert spark == f"- **On a DGX Spark (aarch64):** {said}."
    assert other == "- **On x86_64 with a GPU of compute capability 12.1:** no wheel of torch was read."


def test_the_answer_for_another_gpu_names_no_spark() -> None:
    spark, other = told("2.15.0 needed", platform="x86_64", capability=ComputeCapability(9, 0))
    assert spark == "- **On aarch64 with a GPU of compute capability 9.0:** no wheel of torch was read."
    assert other.endswith("torch 2.15.0 from the default index (the newest read) needs the patch.")


def test_the_answer_says_what_it_leaves_out() -> None:
    assert told("2.15.0 needed", failures=("x: no",))[-1].startswith("- Left out: 1 wheel that could not be read")
    assert told(failures=("x: no", "y: no"))[-1].startswith("- Left out: 2 wheels that")
    assert answer(published())[-1] == (
        "- **PyTorch's own lanes** were not reached; predicted by less than a wheel of theirs: cu126 holds "
        "no code that runs there; cu128 needs the patch; cu129, cu130, cu132 need no patch."
    )


def test_the_published_answer() -> None:
    """Every sentence of it by hand, from what was measured by hand above."""
    spark, other, _ = answer(published())
    assert "(aarch64):** torch 2.11.0 and newer from the default index" in spark
    assert spark.endswith("need no patch; 2.5.0 to 2.10.0 are CPU-only.")
    assert other.endswith("need no patch; 2.8.0 to 2.10.0 need the patch; 2.5.0 to 2.7.1 hold no code that runs there.")


def page(*rows: TimelineRow, capability: ComputeCapability = GB10) -> str:
    return timeline_markdown(dataclasses.replace(published(), rows=rows, capability=capability))


def test_the_page_names_the_spark_and_only_where_it_is_meant() -> None:
    spark, other = page(ROW), page(ROW, capability=ComputeCapability(9, 0))
    assert spark.startswith("# Which torch would run Kokoro on a DGX Spark (GB10), and would it need the patch?\n")
    assert "the GPU of a DGX Spark, the GB10: compute capability 12.1 (sm_121)." in spark
    assert other.startswith("# Which torch would run Kokoro on compute capability 9.0, and would it need the patch?\n")
    assert "Spark" not in other
    assert "GB10" not in other
    assert "--write" not in other
    assert "predict --torch 2.15.0 --platform aarch64 --sm 9.0`" in other
    assert "timeline --sm 9.0` prints" in other


def test_the_spark_comes_first() -> None:
    text = page(dataclasses.replace(ROW, platform="x86_64"), ROW)
    assert text.index("## Wheels for aarch64") < text.index("## Wheels for x86_64")
    assert text.count("| 2.15.0 | **not-needed** |") == 2
    assert "## Wheels for x86_64, read on their index\n\nNone was read." in page(ROW)


def test_commands_can_be_typed() -> None:
    assert "`invoke" not in timeline_markdown(published())
    assert "`sh scripts/bootstrap.sh predict --platform aarch64`" in page(), "no release was read: the newest is asked"


@pytest.mark.parametrize(
    ("changed", "cell"),
    [
        ({}, " 3.11 3.12 + 3 others "),
        ({"pythons": ("cp310", "cp311", "cp312")}, " 3.10 3.11 3.12 "),
        ({"pythons": ("cp312", "cp314")}, " 3.12 + 1 other "),
        ({"pythons": ("cp313", "cp314t")}, " 2 others "),
        ({}, " 580 "),
        ({}, " 3.9.0 "),
        ({"triton_assembles": False}, " 3.9.0 (not for 12.1) "),
        ({"triton_assembles": None}, " 3.9.0 (not measured) "),
        ({"triton": None, "triton_assembles": None}, " 80 120 | – "),  # noqa: RUF001 - an empty cell
        ({"code_of": ""}, " not-needed "),
        ({"verdict": VerdictKind.NOT_APPLICABLE}, " CPU-only "),
        ({"verdict": VerdictKind.UNDECIDED}, " undecided "),
        ({"claim": "claimed of cu130: Supported"}, " claimed of cu130: Supported "),
    ],
)
def test_a_cell_of_a_row(changed: dict[str, object], cell: str) -> None:
    text = page(dataclasses.replace(ROW, **changed))  # type: ignore[arg-type]
    (line,) = [line for line in text.splitlines() if line.startswith("| 2.15.0 |")]
    assert f"|{cell}|" in line


def test_only_a_wheel_of_its_own_makes_bold() -> None:
    text = timeline_markdown(published())
    below = text[text.index("## Lanes that were not reached") :]
    assert "**" not in below
    assert "| cu126 | >=2.6.0 | broken | the device code of torch" in below
    assert "not-applicable" in text
