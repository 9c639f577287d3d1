"""What ninja tells: progress and times; and ccache's log."""

from __future__ import annotations

import pytest

from scripts.builds.ccache import read_statslog
from scripts.builds.ninja import estimate, parse_progress, read_ninja_log, unit_of
from scripts.model.builds import CacheStatistics, UnitTime

LOG = """# ninja log v6
0\t1500\t1796120053000000000\tCMakeFiles/x.dir/a.cpp.o\tabc
10\t3010\t1796120053000000000\tCMakeFiles/x.dir/slow.cu.o\tdef
20\t40\t1796120053000000000\tCMakeFiles/x.dir/a.cpp.o\tabd
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("[12/345] Building CXX object a.cpp.o", (12, 345)),
        ("[ 1/9 ] x", (1, 9)),
        ("[2/2] ccache nvcc -c k.cu -o k.o", (2, 2)),
        ("[3/2] nonsense", None),
        ("[0/0] x", None),
        ("-- [1/2]", None),
        ("", None),
    ],
)
def test_progress(line: str, found: tuple[int, int] | None) -> None:
    assert parse_progress(line) == found


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("[1/2] ccache nvcc -c /src/k.cu -o /b/temp/k.o -O3", "k.o"),
        ("[1/2] Building CXX object CMakeFiles/m.dir/units/unit_3.cpp.o", "unit_3.cpp.o"),
        ("[1/2] ", ""),
    ],
)
def test_the_unit(line: str, unit: str) -> None:
    assert unit_of(line) == unit


def test_the_estimate() -> None:
    assert estimate(1, 100, 10.0) is None
    assert estimate(10, 100, 10.0) == 90.0
    assert estimate(100, 100, 10.0) == 0.0


def test_the_slowest_first_and_the_last_time_of_each() -> None:
    assert read_ninja_log(LOG) == (UnitTime(name="slow.cu.o", seconds=3.0), UnitTime(name="a.cpp.o", seconds=0.02))


@pytest.mark.parametrize("text", ["", "no log", "# ninja log v6\nbroken\n1\t2\n", "# ninja log v6\nx\ty\tz\tw\tv\n"])
def test_a_log_that_is_none(text: str) -> None:
    assert read_ninja_log(text) == ()


def test_ccaches_log() -> None:
    text = "# a.cpp\ndirect_cache_miss\npreprocessed_cache_miss\ncache_miss\nlocal_storage_miss\n"
    text += "# b.cpp\ndirect_cache_hit\nlocal_storage_hit\n# c.cpp\ndirect_cache_miss\npreprocessed_cache_hit\n"
    text += "# d.cpp\ninternal_error\n"
    assert read_statslog(text) == CacheStatistics(hits=2, misses=1, errors=1)
    assert read_statslog("") == CacheStatistics(hits=0, misses=0)
