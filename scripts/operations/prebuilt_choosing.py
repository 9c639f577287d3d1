"""Choose among the torch wheels of a place by their names: platform, Python, version, CPU-only builds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.specifiers import SpecifierSet

from scripts.errors import IntegrityError, NoCandidateError
from scripts.model.plan import Request
from scripts.model.target import Target
from scripts.model.wheels import Candidate, Evaluation, IndexFile, Rejection, RejectionReason
from scripts.operations.wheel_sources import WheelSource
from scripts.wheels.evaluate import evaluate, explain, local_cuda, parse_wheel_name

TORCH = "torch"
_NAMED = 5


def evaluated(
    files: Sequence[IndexFile], wanted: SpecifierSet | None, request: Request, target: Target, *, where: str
) -> Evaluation:
    """Judge files by name: a CPU-only build is none, a pre-release only where it is asked for or nothing else fits."""
    for prereleases in dict.fromkeys((request.nightly, True)):
        found = _without_cpu(evaluate(files, target, version=wanted, prereleases=prereleases))
        if found.candidates:
            return found
    raise NoCandidateError(
        f"{where} has no torch{wanted or ''} with CUDA for {target}",
        context=explain(found),
        reference="no-torch",
        hint="choose another --torch or --python, or name another --wheel",
    )


def _without_cpu(found: Evaluation) -> Evaluation:
    """Turn the candidates that call themselves CPU-only into rejections."""
    kept: list[Candidate] = []
    refused: list[Candidate] = []
    for one in found.candidates:
        parts = parse_wheel_name(one.file.filename)
        cpu = parts is not None and local_cuda(parts[1]) == "cpu"
        (refused if cpu else kept).append(one)
    rejections = [
        Rejection(filename=one.file.filename, reason=RejectionReason.CPU_ONLY, detail="a CPU-only build, by its name")
        for one in refused
    ]
    return Evaluation(project=found.project, candidates=tuple(kept), rejections=(*rejections, *found.rejections))


def others(found: Evaluation) -> str:
    """Say why the others are no choice, the nearest misses first; empty: there are none."""
    return explain(found, _NAMED) if found.rejections else ""


def listed(source: WheelSource) -> IndexFile:
    """Give a file as an index would list it, as far as its name goes."""
    return IndexFile(
        project=TORCH,
        filename=source.file,
        url="",
        sha256=None,
        size=source.size,
        requires_python=None,
        yanked=None,
        metadata_url="",
        metadata_announced=False,
    )


def no_such_hash(where: str, hashes: dict[str, str]) -> IntegrityError:
    """Make the error of a place that has nothing of the given hash; `hashes`: what fits there, by name."""
    shown = [f"{name}: {sha256 or 'no hash'}" for name, sha256 in list(hashes.items())[:_NAMED]]
    more = [f"and {len(hashes) - _NAMED} more"] if len(hashes) > _NAMED else []
    return IntegrityError(
        f"no torch wheel of {where} that fits has the hash of --sha256",
        context="\n".join(("what is there:", *shown, *more)),
        reference="wrong-hash",
        hint="if the hash is right, that place holds another file than the one you were promised: name another",
    )
