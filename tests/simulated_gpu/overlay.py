"""A throwaway environment that sees another's packages, and carries the hook; nothing is written into that other."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.errors import BuildError, NoCandidateError
from scripts.model.evidence import Outcome
from scripts.probing import ask, real_interpreter
from scripts.shell import Runner

PACKAGE = "kokoro_spark_simulation"
"""What tests/simulated_gpu/inside is called where it runs."""
INSIDE = Path(__file__).parent / "inside"


def make_overlay(python: Path, folder: Path, *, run: Runner) -> Path:
    """Make a virtual environment in `folder` over the one of the interpreter `python`; give its interpreter.

    The .pth files of the real environment are followed too: a patch that is active there is active here.

    Raises NoCandidateError (no-interpreter) where `python` does not answer, BuildError (overlay) where no environment
    can be made of it.
    """
    found = ask(python, "installed", {}, run=run)
    if found.outcome is not Outcome.PASSED:
        raise NoCandidateError(
            f"{python} does not answer",
            context=found.error,
            reference="no-interpreter",
            hint="name the interpreter of an environment with torch",
        )
    # -I: a PYTHONPATH of ours would be in the way of the other's own modules.
    command = [str(real_interpreter(python)), "-I", "-m", "venv", "--without-pip", "--symlinks", str(folder)]
    done = run(command)
    if not done.ok:
        raise BuildError(
            f"{python} makes no virtual environment",
            context=done.stderr or done.stdout,
            reference="overlay",
            hint="install its venv module (python3-venv on Debian)",
        )
    site = next((folder / "lib").glob("python*")) / "site-packages"
    (site / "real_environment.pth").write_text(followed(found.detail["folders"]), encoding="utf-8")
    install_hook(site)
    return folder / "bin" / "python"


def followed(folders: list[str]) -> str:
    """Write the .pth file that adds an environment's package folders, and what their own .pth files say."""
    real = [folder for folder in folders if Path(folder).name in {"site-packages", "dist-packages"}]
    return "".join(f"import site; site.addsitedir({folder!r})\n" for folder in real)


def install_hook(site: Path) -> None:
    """Put the hook into a folder of an import path that follows .pth files, such as a site-packages."""
    shutil.copytree(INSIDE, site / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    # The name sorts before that of the real environment: torch may be imported by what is in there.
    line = f"import {PACKAGE}.hook; {PACKAGE}.hook.install()\n"
    (site / f"{PACKAGE}.pth").write_text(line, encoding="utf-8")
