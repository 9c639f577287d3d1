"""An environment that this toolkit did not make: what it is and what it holds, read without importing any of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.environments.store import has_tag
from scripts.errors import NoCandidateError, UsageError
from scripts.model.evidence import Outcome
from scripts.probing import ask
from scripts.shell import Runner
from scripts.strategies.locks import NVRTC_NAMES

_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*(?:'([^'\n]*)'|\"([^\"\n]*)\"|None)", re.MULTILINE)
_HINT = "name a virtual environment's folder or its interpreter, e.g. ~/project/.venv"


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Somebody's environment. `cuda` None: a CPU-only build of torch."""

    prefix: Path
    """Its folder, resolved."""
    python: Path
    site: Path
    """The site-packages that its torch is in."""
    torch: str
    cuda: str | None
    nvrtc: tuple[tuple[str, str], ...]
    """(project, version) of every NVRTC that is installed there as a package of its own."""


def locate(path: str) -> Path:
    """Find the interpreter that is meant by a folder or by itself.

    Raises UsageError (no-value) for an empty text, which would mean the folder one is in; NoCandidateError
    (no-interpreter) where there is none.
    """
    if not path.strip():
        raise UsageError("the environment to repair is named by an empty text", reference="no-value", hint=_HINT)
    chosen = Path(path).expanduser()
    here = [chosen / "bin" / name for name in ("python", "python3")] if chosen.is_dir() else [chosen]
    python = next((path for path in here if path.is_file()), here[0])
    if not python.is_file() or not os.access(python, os.X_OK):
        raise NoCandidateError(
            f"{python} is no program that can be started" if python.is_file() else f"there is no interpreter {python}",
            reference="no-interpreter",
            hint=_HINT,
        )
    return python


def find_foreign(path: str, run: Runner) -> Foreign:
    """Find out what an environment holds.

    Raises UsageError for one of ours and for what is no environment of its own, NoCandidateError where it does not
    answer or holds no torch.
    """
    python = locate(path)
    found = ask(python, "installed", {}, run=run)
    if found.outcome is not Outcome.PASSED:
        raise NoCandidateError(
            f"{python} does not answer",
            context=found.error,
            reference="no-interpreter",
            hint=_HINT,
        )
    prefix = Path(str(found.detail["prefix"])).resolve()
    require_foreign(prefix)
    site = _site_of_torch(prefix, [Path(str(folder)).resolve() for folder in found.detail["folders"]])
    return Foreign(
        prefix=prefix,
        python=python,
        site=site,
        torch=versions_of(site, "torch")[0],
        cuda=cuda_in_words((site / "torch" / "version.py").read_text("utf-8", "replace"))
        if (site / "torch" / "version.py").is_file()
        else None,
        nvrtc=tuple((name, version) for name in NVRTC_NAMES for version in versions_of(site, name)),
    )


def require_foreign(prefix: Path) -> None:
    """Refuse our own environments, and a Python that a system or a person's other programs live on."""
    if has_tag(prefix):
        raise UsageError(
            f"{prefix.name} is an environment of kokoro-spark's own: those are made anew, not repaired",
            reference="ours",
            hint="make one with `invoke setup --strategy nvrtc-override`",
        )
    if not (prefix / "pyvenv.cfg").is_file() and not (prefix / "conda-meta").is_dir():
        raise UsageError(
            f"{prefix} is no virtual environment but a Python that others use as well",
            context="it has no pyvenv.cfg, and is no conda environment",
            reference="system-python",
            hint=_HINT,
        )


def info_folders(site: Path, name: str) -> tuple[Path, ...]:
    """Name the dist-info folders of a project, of whatever version."""
    wanted = canonicalize_name(name)
    return tuple(
        path for path in sorted(site.glob("*.dist-info")) if canonicalize_name(path.name.split("-")[0]) == wanted
    )


def versions_of(site: Path, name: str) -> tuple[str, ...]:
    """Name the versions of a project that are installed: by the names of their folders."""
    return tuple(path.name.removesuffix(".dist-info").partition("-")[2] for path in info_folders(site, name))


def cuda_in_words(text: str) -> str | None:
    """Read what torch/version.py says of CUDA; None: a CPU-only build, or it says nothing."""
    found = _CUDA.search(text)
    return None if found is None else found[1] or found[2] or None


def _site_of_torch(prefix: Path, folders: list[Path]) -> Path:
    """Find the folder that torch is imported from. Raises NoCandidateError (no-torch) where it is not the venv's."""
    first = next((folder for folder in folders if versions_of(folder, "torch")), None)
    if first is not None and first.is_relative_to(prefix):
        return first
    raise NoCandidateError(
        f"there is no torch in {prefix}",
        context="" if first is None else f"it uses the one in {first}, which is not its own",
        reference="no-torch",
        hint="name the environment that torch is installed in",
    )
