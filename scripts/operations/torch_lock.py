"""The lock of torch and its lane: from constraints/ where it is pinned, else resolved now, with hashes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from scripts.disk import write_whole
from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.model.plan import Lock, Request
from scripts.model.target import Target
from scripts.model.wheels import Candidate, CudaBuild
from scripts.operations.compiling import compile_lock
from scripts.operations.context import Context
from scripts.strategies.base import CPU_LANE, TorchSource, TorchStrategy
from scripts.strategies.ladder import AUTO, strategy_named
from scripts.strategies.locks import cuda_of, lock_filename, make_lock, pin_named
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.index import Index
from scripts.wheels.reader import WheelReader
from scripts.wheels.shelf import Shelf

_FRESH_SECONDS = 24 * 3600
"""How long "the newest torch of a lane" stays what it was."""


def torch_lock(
    source: TorchSource, target: Target, request: Request, rest: Lock, context: Context, *, refresh: bool = False
) -> Lock:
    """Give the lock of torch and what belongs to it, for one source.

    `rest` is the lock of everything else: its names are not looked up on the lane. Raises NetworkError where the
    source cannot be reached, NoCandidateError where it holds nothing that fits or only a CPU-only build.
    """
    wanted = parse_torch(request.torch)
    pinned = pinned_lock(source, target, context.constraints)
    if pinned is not None and _satisfies(pinned, wanted):
        require_cuda(pinned, source)
        return pinned
    kept = _cache_file(source, target, request, context)
    exact = wanted is not None and all(one.operator == "==" and "*" not in one.version for one in wanted)
    if not refresh and kept.is_file() and (exact or time.time() - kept.stat().st_mtime < _FRESH_SECONDS):
        return make_lock("resolved earlier", kept.read_text(encoding="utf-8"), index=source.index)
    candidate = choose_torch(source, target, wanted, context)
    text = compile_torch(source, target, f"torch=={candidate.version}", [pin.name for pin in rest.pins], context)
    lock = make_lock("resolved at plan time", text, index=source.index)
    require_lane_names(lock, context)
    write_whole(kept, text)
    return lock


def named_source(strategy: str, context: Context, *, index: str | None = None, nightly: bool = False) -> TorchSource:
    """Name the place that a strategy's torch comes from; `index`: a mirror of it. Raises UsageError."""
    if strategy.strip().lower() == AUTO:
        raise UsageError(
            "auto chooses by the machine it runs on, and this is about another one",
            reference="auto-elsewhere",
            hint="name a strategy, e.g. --strategy pypi or --strategy cu130",
        )
    request = Request(strategy=strategy, index=index, nightly=nightly)
    found = strategy_named(strategy, context.strategies, auto=False)
    if not isinstance(found, TorchStrategy):
        raise UsageError(
            f"strategy {found.name} is no index to look a torch up on",
            reference="no-index",
            hint="name one that does, e.g. --strategy pypi or --strategy cu130",
        )
    return found.sources(request, context.lanes)[0]


def pinned_lock(source: TorchSource, target: Target, constraints: Path) -> Lock | None:
    """Read the lock of constraints/ for a source; None where there is none, or where a mirror or nightly is meant."""
    path = constraints / lock_filename(source.name, target.architecture, target.python)
    if not path.is_file():
        return None
    return make_lock(f"constraints/{path.name}", path.read_text(encoding="utf-8"), index=source.index)


def parse_torch(text: str | None) -> SpecifierSet | None:
    """Read `--torch 2.9.1`, or a specifier such as `>=2.11,<2.14`."""
    if text is None:
        return None
    try:
        return SpecifierSet(f"=={Version(text)}")
    except InvalidVersion:
        try:
            return SpecifierSet(text)
        except InvalidSpecifier:
            raise UsageError(
                f"{text!r} is no torch version",
                reference="bad-torch-version",
                hint="write it like --torch 2.15.0 or --torch '>=2.11,<2.14'",
            ) from None


def find_torch(source: TorchSource, target: Target, wanted: SpecifierSet | None, index: Index) -> Candidate:
    """Find the best torch wheel of a source by its name alone. Raises NoCandidateError (no-torch)."""
    files = index.project("torch")
    evaluation = evaluate(files, target, version=wanted, lane_cuda=source.lane_cuda, prereleases=source.prereleases)
    if not evaluation.candidates:
        raise NoCandidateError(
            f"{source.name} has no torch{wanted or ''} for {target}",
            context=explain(evaluation, 8),
            reference="no-torch",
            hint="choose another --torch, --python or --strategy; `invoke setup --dry-run` shows what would be used",
        )
    return evaluation.candidates[0]


def choose_torch(source: TorchSource, target: Target, wanted: SpecifierSet | None, context: Context) -> Candidate:
    """Find the best torch wheel of a source, and refuse a CPU-only one by its metadata, before any download."""
    best = find_torch(source, target, wanted, context.index(source.index))
    if source.cuda_required or source.lane_cuda is not None:
        build = read_build(best, target, context, source.index)
        if source.cuda_required and build.cuda is None:
            raise _cpu_only(best.file.filename, source)
        if source.lane_cuda is not None and (build.cuda or CPU_LANE) != source.lane_cuda:
            raise NoCandidateError(
                f"{best.file.filename} is a build for {_build_name(build)}: it does not belong to lane {source.name}",
                context="its metadata says so; nothing was downloaded",
                reference="wrong-lane",
                hint="check --index: a lane's URL ends with its name, e.g. /whl/cu130",
            )
    return best


def _cpu_only(what: str, source: TorchSource) -> NoCandidateError:
    return NoCandidateError(
        f"{what} is a CPU-only build: strategy {source.name} is for the GPU",
        context="it requires no CUDA library at all; nothing was downloaded",
        reference="cpu-only-build",
        hint="the default index has CUDA builds for aarch64 since torch 2.11.0: leave --torch out, "
        "or use --strategy cu130; `--strategy cpu` takes a CPU build on purpose",
    )


def _build_name(build: CudaBuild) -> str:
    return "the CPU" if build.cuda is None else f"CUDA {build.cuda}"


def read_build(candidate: Candidate, target: Target, context: Context, index: str | None) -> CudaBuild:
    """Read what CUDA a torch wheel needs, without downloading it. Nothing remembered: this decides an installation."""
    return WheelReader(context.index(index), context.web, Shelf(None)).build(candidate, target)


def compile_torch(
    source: TorchSource,
    target: Target,
    requirement: str,
    dropping: Iterable[str],
    context: Context,
    *,
    exclude_newer: str | None = None,
) -> str:
    """Resolve torch and what belongs to its lane from the lane's index alone."""
    return compile_lock(
        [requirement],
        dropping=dropping,
        architecture=target.architecture,
        python=target.python,
        index=source.index,
        exclude_newer=exclude_newer,
        context=context,
        doing=f"resolving {requirement} for {target.architecture} {target.python.tag} from {source.name}",
        options=["--prerelease", "allow"] if source.prereleases else [],
    )


def require_lane_names(lock: Lock, context: Context) -> None:
    """Refuse a lane's answer that brings names which belong to the default index."""
    strangers = [pin.name for pin in lock.pins if not context.lanes.owns(pin.name)]
    if strangers:
        raise IntegrityError(
            f"this torch needs {', '.join(strangers)}, which must not come from torch's index",
            reference="stranger-in-lane",
            hint="add the name to `names` of constraints/lanes.toml if it is the lane's, "
            "or to constraints/kokoro.in if it is the default index's, and run `invoke lock`",
        )


def require_cuda(lock: Lock, source: TorchSource) -> None:
    """Refuse pins of a CPU-only torch where the source is for the GPU."""
    if source.cuda_required and cuda_of(lock.pins) is None:
        raise _cpu_only(lock.name, source)


def _satisfies(lock: Lock, wanted: SpecifierSet | None) -> bool:
    torch = pin_named(lock.pins, "torch")
    return torch is not None and (wanted is None or wanted.contains(torch.version, prereleases=True))


def _cache_file(source: TorchSource, target: Target, request: Request, context: Context) -> Path:
    key = f"{source.index}|{request.torch}|{source.prereleases}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return context.home.cache / "locks" / f"{digest}-{lock_filename(source.name, target.architecture, target.python)}"
