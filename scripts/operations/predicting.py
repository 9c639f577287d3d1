"""predict: what a torch that nobody downloaded would do on a GPU that nobody has here.

The wheel is found on its index and its metadata read from beside it or from its end; its device code is looked up in
what was measured, else torch's own list is read out of it; NVRTC is looked up, or fetched and asked (`prove`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from scripts.errors import IntegrityError, NetworkError, NoCandidateError
from scripts.model.evidence import VerdictKind
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import Target
from scripts.model.wheels import Candidate, IndexFile
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel
from scripts.operations.proving import ask_nvrtc
from scripts.operations.settling import settling
from scripts.operations.torch_lock import find_torch, named_source, parse_torch
from scripts.operations.torch_plan import unreachable
from scripts.strategies.base import TorchSource
from scripts.verification.foresee import WheelEvidence, foresee_verdict
from scripts.verification.predict import predict_from_data
from scripts.wheels.localfile import FetchedRemote
from scripts.wheels.measured import MeasuredTable, find_measured, load_measured
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS, MeteredRemote
from scripts.wheels.nvrtc import NvrtcTable, load_nvrtc
from scripts.wheels.ports import Remote
from scripts.wheels.reader import WheelReader

SCHEMA = 1
"""The version of the JSON forecast."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What was measured: device code, and NVRTCs."""

    measured: MeasuredTable
    nvrtc: NvrtcTable


@dataclass(frozen=True, kw_only=True)
class Forecaster:
    """One index and the tables, to predict for any of its wheels."""

    source: TorchSource
    reader: WheelReader
    tables: Tables
    read_unknown: bool = True
    """Read what a wheel was built for where nobody measured it: 6 to 12 MB."""

    def evidence(self, candidate: Candidate, target: Target, remote: MeteredRemote) -> WheelEvidence:
        """Find out what a wheel requires and which device code it has. Device code that cannot be read is left out."""
        file = candidate.file
        build = self.reader.build(candidate, target)
        known = find_measured(self.tables.measured, file.filename, file.sha256, build.cuda)
        built_for, unread = None, "" if self.read_unknown else "it was not measured, and not read here"
        if self.read_unknown and build.cuda is not None and (known is None or known.main is None):
            try:
                built_for = self.reader.built_for(file, remote)
                unread = "" if built_for else "its torch does not say what it was built for"
            except (NetworkError, IntegrityError) as error:
                if error.reference == "no-range-support":
                    raise
                unread = error.message
        return WheelEvidence(build=build, filename=file.filename, measured=known, built_for=built_for, unread=unread)


def foresee(
    request: ForecastRequest,
    context: Context,
    *,
    prove: bool = False,
    download: bool = False,
    refresh: bool = False,
) -> Forecast:
    """Predict for one wheel.

    `prove`: fetch the NVRTC that it pins for this machine's platform and ask it. `download`: where the server gives no
    parts of files, fetch the wheel whole. `refresh`: believe nothing that was read before.

    Raises NoCandidateError where the index has no such torch, NetworkError (no-range-support says what a download would
    cost), UsageError, IntegrityError.
    """
    source = named_source(request.strategy, context, index=request.index, nightly=request.nightly)
    wanted = parse_torch(request.torch)
    remote = MeteredRemote(context.web)
    index = context.remembered_index(source.index, remote.get, refresh=refresh)
    try:
        candidate = find_torch(source, request.target, wanted, index)
    except NetworkError as error:
        raise _unreachable(error, request, source, context) from error
    reader = WheelReader(index, remote, context.shelf.doubt() if refresh else context.shelf)
    forecaster = Forecaster(source=source, reader=reader, tables=load_tables(context))
    notes = context.index_settings.notes
    try:
        evidence = forecaster.evidence(candidate, request.target, remote)
    except NetworkError as error:
        if error.reference != "no-range-support":
            raise
        if not download:
            raise _costly(error, candidate.file) from error
        fetched = _fetched(candidate.file, context, remote)
        parts = MeteredRemote(fetched, max_requests=10 * MAX_REQUESTS, max_bytes=10 * MAX_BYTES)
        forecaster = replace(forecaster, reader=replace(reader, remote=parts))
        evidence = forecaster.evidence(candidate, request.target, parts)
        notes = (*notes, f"the server gives no parts of files: {candidate.file.filename} was downloaded whole")
    if prove:
        evidence = replace(evidence, proof=_proof(evidence, request, context, source))
    return forecast(request, forecaster, candidate, evidence, remote, notes=notes)


def load_tables(context: Context) -> Tables:
    """Load what was measured."""
    return Tables(
        measured=load_measured(context.constraints / "devicecode.toml"),
        nvrtc=load_nvrtc(context.constraints / "nvrtc.toml"),
    )


def forecast(
    request: ForecastRequest,
    forecaster: Forecaster,
    candidate: Candidate,
    evidence: WheelEvidence,
    remote: MeteredRemote,
    *,
    notes: tuple[str, ...] = (),
) -> Forecast:
    """Put what was found into one value."""
    file, build = candidate.file, evidence.build
    nvrtc, index = forecaster.tables.nvrtc, forecaster.source.index
    prediction = foresee_verdict(evidence, nvrtc, request.capability)
    undecided = prediction.kind is VerdictKind.UNDECIDED
    return Forecast(
        schema=SCHEMA,
        created=datetime.now(UTC).date().isoformat(),
        strategy=forecaster.source.name,
        wheel=file.filename,
        torch=candidate.version,
        size=file.size,
        sha256=file.sha256,
        target=str(request.target),
        cuda=build.cuda,
        nvrtc=build.nvrtc,
        nvrtc_package=build.nvrtc_package,
        triton=build.triton,
        built_for=evidence.architectures,
        prediction=prediction,
        requests=remote.requests,
        bytes_read=remote.bytes,
        settle=settling(request, evidence, nvrtc, index) if undecided else (),
        notes=notes,
    )


def _proof(evidence: WheelEvidence, request: ForecastRequest, context: Context, source: TorchSource) -> dict[str, Any]:
    """Have the pinned NVRTC compile for the target here."""
    build = evidence.build
    if build.nvrtc is None or build.nvrtc_package is None:
        raise NoCandidateError(
            f"{evidence.filename} pins no NVRTC: there is none to be asked",
            context="it is a CPU-only build" if build.cuda is None else f"it brings that of CUDA {build.cuda} with it",
            reference="no-nvrtc",
            hint="leave --prove out",
        )
    return ask_nvrtc(build.nvrtc_package, build.nvrtc, [request.capability], context, index=source.index)


def _unreachable(error: NetworkError, request: ForecastRequest, source: TorchSource, context: Context) -> NetworkError:
    """Say what is known of a lane that does not answer."""
    told = unreachable(error, source.name, source.index)
    lane = next((one for one in context.lanes.lanes if one.name == source.name), None)
    if lane is None or lane.index is None or lane.cuda is None or request.torch is not None:
        return told
    (reason,) = predict_from_data(lane, load_tables(context).nvrtc, request.capability).reasons
    context_lines = "\n".join(line for line in (told.context, reason.text) if line)
    return NetworkError(told.message, context=context_lines, reference=told.reference, hint=told.hint)


def _costly(error: NetworkError, file: IndexFile) -> NetworkError:
    size = "" if file.size is None else f" ({file.size / 1e6:.0f} MB)"  # else the server told, in the context
    return NetworkError(
        f"{error.message}: {file.filename} would have to be downloaded whole{size}",
        context=error.context,
        reference=error.reference,
        hint="say so with --download, or name another mirror with --index",
    )


def _fetched(file: IndexFile, context: Context, remote: MeteredRemote) -> Remote:
    """Download a wheel and serve its parts from the copy, and everything else through `remote`."""
    return FetchedRemote(remote, file.url, fetch_wheel(file, context))
