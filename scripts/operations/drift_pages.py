"""Read many pages of many indexes at once, each once, and give up on an index that does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.wheels import IndexFile
from scripts.operations.meanwhile import in_parallel

_PATIENCE = 3
"""Pages in a row that an index may owe before no more of it are asked for: each may take half a minute."""
_OUT_OF_REACH = frozenset({"network-unreachable", "network-timeout", "proxy-failed", "tls-failed", "server-error"})

Page = tuple[str, str]
"""The place (an index) and the project."""
Read = Callable[[str], tuple[IndexFile, ...]]
"""Index.project."""


@dataclass(kw_only=True)
class Pages:
    """What was read so far. `readers` has one for each place."""

    readers: Mapping[str, Read]
    files: dict[Page, tuple[IndexFile, ...]] = field(default_factory=dict)
    """No files: the index has no such project."""
    failures: dict[Page, SparkError] = field(default_factory=dict)
    unasked: dict[str, int] = field(default_factory=dict)
    """By place, how many pages were not asked for any more."""

    def __post_init__(self) -> None:
        self._owed: dict[str, int] = {}
        self._lock = Lock()

    def read(self, wanted: Iterable[Page]) -> None:
        """Read pages, several at a time. What fails is a failure of that page, not of the others.

        Raises UsageError for an index whose URL is none.
        """
        missing = [page for page in dict.fromkeys(wanted) if page not in self.files and page not in self.failures]
        in_parallel(self._read, missing)

    def _read(self, page: Page) -> None:
        place, project = page
        with self._lock:
            if self._owed.get(place, 0) >= _PATIENCE:
                self.unasked[place] = self.unasked.get(place, 0) + 1
                return
        try:
            files, failure = self.readers[place](project), None
        except NoCandidateError:
            files, failure = (), None
        except (NetworkError, IntegrityError) as error:
            files, failure = (), error
        with self._lock:
            silent = failure is not None and failure.reference in _OUT_OF_REACH
            self._owed[place] = self._owed.get(place, 0) + 1 if silent else 0
            if failure is None:
                self.files[page] = files
            else:
                self.failures[page] = failure
