"""drift: compare what constraints/ says with what the indexes offer now. Changes nothing but the cache.

Every page is read once, at most eight at a time; what the pages mean is said by drift_findings, which is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.version import Version

from scripts.errors import NetworkError, SparkError
from scripts.model.drift import BridgeFit, Checked, Drift, DriftFinding, DriftKind, NotReached
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import ComputeCapability
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.drift_bridge import bridge_fit
from scripts.operations.drift_findings import (
    Newer,
    lane_finding,
    misfit_finding,
    newer_package,
    newer_torch,
    newer_torch_finding,
    newest_stable,
    pin_finding,
    verdict_finding,
    where,
)
from scripts.operations.drift_pages import Page, Pages
from scripts.operations.drift_pins import DEFAULT, Pinned, place_of, read_pinned
from scripts.operations.predicting import foresee as _foresee
from scripts.progress import say
from scripts.strategies.base import TorchSource

Foresee = Callable[[ForecastRequest, Context], Forecast]

_ORDER = tuple(DriftKind)
_TORCH = "torch"
_HINT = "check the network, HTTPS_PROXY, and the mirror that pip or uv is configured with: `invoke facts` shows it"


def find_drift(
    context: Context, *, sm: ComputeCapability, only: str | None = None, foresee: Foresee = _foresee
) -> Drift:
    """Compare the pins and lanes of constraints/ with their indexes, for a GPU of capability `sm`.

    `only` restricts it to the files of constraints/ whose name starts with it, and to their lanes. Raises NetworkError
    where the default index does not answer, UsageError where `only` names no file, IntegrityError where constraints/
    itself is damaged. A page or a lane that does not answer is no drift: it is in `not_reached`.
    """
    pinned = read_pinned(context.constraints, context.lanes, only)
    readers = {place_of(source): context.index(source.index).project for source in pinned.sources}
    readers.setdefault(DEFAULT, context.index(None).project)
    pages = Pages(readers=readers)
    lanes: list[Page] = [(place_of(source), _TORCH) for source in pinned.sources]
    known = [(DEFAULT, project) for project in pinned.projects(DEFAULT)]
    say(f"comparing {len(pinned.releases)} pins with what their indexes have")
    pages.read([*lanes, *known])
    _require_answers(pages, {*lanes, *known})
    answering = [place for place, _ in lanes if pages.files.get((place, _TORCH))]
    pages.read((place, project) for place in answering for project in pinned.projects(place))
    search = _Search(context=context, pinned=pinned, pages=pages, sm=sm, foresee=foresee)
    findings, not_reached = search.everything()
    return Drift(
        created=datetime.now(UTC).date().isoformat(),
        findings=tuple(sorted(findings, key=lambda one: (_ORDER.index(one.kind), one.what))),
        not_reached=tuple(not_reached),
        bridge=search.fits,
        checked=Checked(
            projects=len(pages.files),
            pins=sum((one.place, one.project) in pages.files for one in pinned.releases),
            lanes=sum(page in pages.files for page in lanes),
        ),
    )


def _require_answers(pages: Pages, wanted: set[Page]) -> None:
    """Raise where no page of the default index came, or of the only lanes that were asked: nothing was compared."""
    of_default = {page for page in wanted if page[0] == DEFAULT}
    needed = sorted(of_default or wanted)
    if needed and not any(page in pages.files for page in needed):
        error = next(pages.failures[page] for page in needed if page in pages.failures)
        raise type(error)(
            f"nothing was compared: {error.message}",
            context=error.context,
            hint=_HINT if "--index" in error.hint else error.hint,  # there is no such option here
            reference=error.reference,
        )
    if len(of_default) > 1 and not any(pages.files.get(page) for page in of_default):
        raise NetworkError(
            f"the default index has none of the {len(of_default)} projects that constraints/ pins",
            hint=_HINT,
            reference="not-an-index",
        )


@dataclass(kw_only=True)
class _Search:
    """One comparison, once the pages are here."""

    context: Context
    pinned: Pinned
    pages: Pages
    sm: ComputeCapability
    foresee: Foresee
    fits: tuple[BridgeFit, ...] = ()

    def everything(self) -> tuple[list[DriftFinding], list[NotReached]]:
        """Give the findings and what could not be compared."""
        found = [*self._unread(), *self._pins(), *self._lanes(), *self._packages()]
        findings = [one for one in found if isinstance(one, DriftFinding)]
        return findings, [one for one in found if isinstance(one, NotReached)]

    def _unread(self) -> Iterator[NotReached]:
        """Name the pages that did not come: a lane by its name, once."""
        for (place, project), error in sorted(self.pages.failures.items()):
            if place == DEFAULT:
                yield NotReached(name=project, reason=error.message)
            else:
                name = place if project == _TORCH else f"{project} of {place}"
                yield NotReached(name=name, reason=error.message)
        for place, count in sorted(self.pages.unasked.items()):
            yield NotReached(name=where(place), reason=f"it fell silent: {count} of its pages were not asked for")

    def _pins(self) -> Iterator[DriftFinding | NotReached]:
        """Judge each pinned release. Those of a lane that is gone are not told one by one."""
        for release in self.pinned.releases:
            files = self.pages.files.get((release.place, release.project))
            gone = release.place != DEFAULT and not self.pages.files.get((release.place, _TORCH))
            if files is not None and not gone:
                found = pin_finding(release, files)
                if found is not None:
                    yield found

    def _lanes(self) -> Iterator[DriftFinding | NotReached]:
        """Judge each source of torch whose index answered, and a newer torch there."""
        for source in self.pinned.sources:
            files = self.pages.files.get((place_of(source), _TORCH))
            if files is None:
                continue
            lane = self.context.lanes.named(source.name)
            found = lane_finding(lane, source, files, unlocked=source.name in self.pinned.unlocked)
            if found is not None:
                yield found
            locked = self.pinned.torch[source.name]
            newer = newer_torch(source, locked, files)
            if newer:
                yield newer_torch_finding(source, newer, locked=len(locked))
                yield from self._verdict(source, newer[0])

    def _verdict(self, source: TorchSource, one: Newer) -> Iterator[DriftFinding | NotReached]:
        """Compare what is predicted with the pinned torch and with the newest. A CPU lane has no such question."""
        if not source.cuda_required:
            return
        predictions = []
        for version in (one.pinned, one.offered):
            request = ForecastRequest(strategy=source.name, torch=version, target=one.target, capability=self.sm)
            try:
                predictions.append(self.foresee(request, self.context).prediction)
            except SparkError as error:
                yield NotReached(name=f"the prediction for torch {version} from {source.name}", reason=error.message)
                return
        changed = verdict_finding(source, one, *predictions)
        if changed is not None:
            yield changed

    def _packages(self) -> Iterator[DriftFinding | NotReached]:
        """Tell newer kokoro and misaki, and whether the bridge fits the pinned kokoro and the newest."""
        kokoro = self.pages.files.get((DEFAULT, "kokoro")) or ()
        self.fits = tuple(self._bridge(kokoro)) if self.pinned.rest else ()
        for fit in self.fits:
            misfit = misfit_finding(fit)
            if misfit is not None:
                yield misfit
            if fit.fits is None:
                yield NotReached(name=f"whether the bridge fits kokoro {fit.kokoro}", reason=fit.why)
        newest = next((fit for fit in self.fits if not fit.pinned), None)
        misaki = self.pages.files.get((DEFAULT, "misaki")) or ()
        for kind, project, files, fit_of in (
            (DriftKind.NEWER_KOKORO, "kokoro", kokoro, newest),
            (DriftKind.NEWER_MISAKI, "misaki", misaki, None),
        ):
            newer = newer_package(kind, project, self.pinned.versions(project), files, fit_of)
            if newer is not None:
                yield newer

    def _bridge(self, files: tuple[IndexFile, ...]) -> Iterator[BridgeFit]:
        pinned = self.pinned.versions("kokoro")
        for version in pinned if files else ():
            yield bridge_fit(version, files, self.context, hashes=self.pinned.hashes("kokoro", version))
        newest = newest_stable(files)
        if newest is not None and pinned and newest > Version(pinned[-1]):
            yield bridge_fit(str(newest), files, self.context, hashes=None)
