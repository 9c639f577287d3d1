"""What the compiler cache's log of one build says."""

from __future__ import annotations

import pytest

from scripts.builds.ccache import read_statslog
from scripts.model.builds import CacheStatistics


@pytest.mark.parametrize(
    ("text", "hits", "misses", "errors"),
    [
        ("", 0, 0, 0),
        ("# a.cpp\ndirect_cache_hit\nlocal_storage_hit\nlocal_storage_read_hit\n", 1, 0, 0),
        ("# a.cpp\ndirect_cache_miss\npreprocessed_cache_hit\n# b.cu\ncache_miss\ndirect_cache_miss\n", 1, 1, 0),
        ("# a.cpp\ninternal_error\n# b.cpp\ncould_not_find_compiler\n", 0, 0, 2),
        ("# cache_miss\ncalled_for_link\n", 0, 0, 0),
    ],
)
def test_each_compilation_counts_once(text: str, hits: int, misses: int, errors: int) -> None:
    assert read_statslog(text) == CacheStatistics(hits=hits, misses=misses, errors=errors)
