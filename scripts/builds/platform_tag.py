"""A wheel's platform tag by auditwheel: what its symbols allow, or `linux_<machine>` with the reason.

auditwheel's own repaired wheel is thrown away: only its judgement is wanted, and what others bring is left out of it.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.model.builds import TagChoice
from scripts.model.target import Architecture
from scripts.redaction import redact
from scripts.shell import ProgramNotFoundError, Runner

_ANY = "any"


def choose_tag(
    wheel: Path,
    provided: Sequence[str],
    *,
    architecture: Architecture,
    tools: Path,
    run: Runner,
    environ: Mapping[str, str],
) -> TagChoice:
    """Ask auditwheel; `provided` are sonames, or patterns of them, that other packages bring.

    Never fails: a wheel that auditwheel does not take has its honest tag, and the reason.
    """
    if wheel.name.endswith(f"-{_ANY}.whl"):
        return TagChoice(tag=_ANY, reason="it holds no library")
    honest = f"linux_{architecture}"
    excluded = [word for one in provided for word in ("--exclude", one)]
    variables = {**environ, "PATH": f"{tools}:{environ.get('PATH', '')}"}
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-tag-", dir=wheel.parent) as scratch:
        argv = [str(tools / "auditwheel"), "repair", *excluded, "--disable-isa-ext-check", "-w", scratch, str(wheel)]
        try:
            done = run(argv, env=variables)
        except ProgramNotFoundError:
            return TagChoice(tag=honest, reason="auditwheel is not there to say more")
        repaired = sorted(Path(scratch).glob("*.whl"))
        if not done.ok or not repaired:
            return TagChoice(tag=honest, reason=f"auditwheel: {_why(done.stderr)}")
        copied = _copied(repaired[0])
        tag = repaired[0].name.removesuffix(".whl").rpartition("-")[2].split(".")[0]
    if copied:
        return TagChoice(tag=honest, reason=f"it needs {', '.join(copied)}, which no manylinux system is sure to have")
    if tag == honest:
        return TagChoice(tag=honest, reason=f"auditwheel: {_why(done.stderr)}")
    return TagChoice(tag=tag, reason="by auditwheel, what torch and CUDA's packages bring left out")


def _copied(wheel: Path) -> tuple[str, ...]:
    """Name the libraries that auditwheel would have packed in."""
    with zipfile.ZipFile(wheel) as archive:
        found = {Path(name).name for name in archive.namelist() if re.search(r"\.libs/[^/]+\.so", name)}
    return tuple(sorted(re.sub(r"-[0-9a-f]{8}(?=\.so)", "", name) for name in found))


def _why(words: str) -> str:
    lines = [line.strip() for line in redact(words).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "auditwheel: error", "ValueError", "RuntimeError"))]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR:auditwheel.main_repair:")[:300]
