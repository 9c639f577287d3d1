"""What the compiler cache did in one build: the log that ccache writes for it (CCACHE_STATSLOG, since 4.4). Pure."""

from __future__ import annotations

from collections import Counter

from scripts.model.builds import CacheStatistics

VARIABLE = "CCACHE_STATSLOG"
_HITS = frozenset({"direct_cache_hit", "preprocessed_cache_hit"})
_MISS = "cache_miss"
_ERRORS = frozenset({"internal_error", "missing_cache_file", "bad_output_file", "could_not_find_compiler"})


def read_statslog(text: str) -> CacheStatistics:
    """Count what happened to each compilation: a comment names the file, the lines below it what became of it."""
    counts = Counter(line.strip() for line in text.splitlines() if line and not line.startswith("#"))
    return CacheStatistics(
        hits=sum(counts[name] for name in _HITS),
        misses=counts[_MISS],
        errors=sum(counts[name] for name in _ERRORS),
    )
