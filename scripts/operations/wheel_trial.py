"""Try a wheel that was built: unpacked by itself, beside nothing but its torch, its modules must import there."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.uv import failure
from scripts.errors import BuildError
from scripts.operations.build_environment import trial_environment
from scripts.operations.build_planning import Outlook
from scripts.operations.context import Context
from scripts.progress import step
from scripts.redaction import redact

_PATIENCE = 600.0
"""Seconds for its imports and its program: a first import compiles a torch's modules."""


def try_wheel(wheel: Path, outlook: Outlook, folder: Path, context: Context) -> tuple[str, ...]:
    """Import what the recipe names, and run its program. The value says what was not tried, and why.

    Raises BuildError (trial-failed) with what Python said, and what uv's failure means.
    """
    plan, place = outlook.plan, outlook.place
    checks = plan.recipe.checks
    if plan.target.architecture != context.facts.host.architecture:
        return (f"not tried: this machine cannot run a wheel for {plan.target.architecture}",)
    if not checks.imports and not checks.program:
        return ("not tried: its recipe names no module to import",)
    environment = trial_environment(outlook, outlook.ingredients.beside, context)
    with disk_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with step(f"trying {wheel.name} in an environment of its own"):
        unpack = [
            "pip",
            "install",
            "--quiet",
            "--python",
            str(environment.folder),
            "--target",
            str(folder),
            "--no-deps",
        ]
        done = place.run(
            [context.uv, "--no-config", *unpack, "--no-index", "--offline", str(wheel)], env=context.uv_environ
        )
        if not done.ok:
            raise failure(done.stderr + done.stdout, doing=f"installing {wheel.name}")
        program = "\n".join([*(f"import {name}" for name in checks.imports), checks.program])
        environ = {name: value for name, value in place.environ.items() if not name.startswith("PYTHON")}
        # Its modules are compiled once for all trials: a torch's take longer than most builds of an extension.
        environ |= {"PYTHONPATH": str(folder), "PYTHONNOUSERSITE": "1"}
        tried = place.run(
            [str(environment.python), "-X", "faulthandler", "-c", program], env=environ, cwd=folder, timeout=_PATIENCE
        )
    shutil.rmtree(folder, ignore_errors=True)
    if not tried.ok:
        raise BuildError(
            f"{wheel.name} was built, and does not work in an environment of its own: it is not published",
            context=redact("\n".join((tried.stderr or tried.stdout).splitlines()[-12:])) or f"exit {tried.returncode}",
            reference="trial-failed",
            hint="the lines above are Python's own; the wheel is kept in the build's folder",
        )
    return ()
