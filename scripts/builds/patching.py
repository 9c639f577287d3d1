"""A recipe's patches, applied to its source: all of them, or the build does not begin.

`git apply` and not `patch`: it changes nothing at all where one hunk does not fit, and git is there for sources anyway.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.errors import BuildError
from scripts.model.recipes import Recipe
from scripts.redaction import redact
from scripts.shell import ProgramNotFoundError, Runner


def apply_patches(recipe: Recipe, source: Path, *, run: Runner, environ: Mapping[str, str]) -> None:
    """Apply each. Raises BuildError (patch-failed, no-git)."""
    # Without this git would take a source below a checkout for a part of it, and skip what it does not track.
    ceiling = {**environ, "GIT_CEILING_DIRECTORIES": str(source.parent), "LC_ALL": "C"}
    for number, text in enumerate(recipe.patches, 1):
        with tempfile.NamedTemporaryFile("w", suffix=".patch", encoding="utf-8") as patch:
            patch.write(text)
            patch.flush()
            try:
                done = run(["git", "apply", "-p1", "--whitespace=nowarn", patch.name], env=ceiling, cwd=source)
            except ProgramNotFoundError as error:
                raise BuildError(
                    f"{recipe.name} has patches, and there is no git here to apply them with",
                    reference="no-git",
                    hint="install it: apt-get install git",
                ) from error
        if not done.ok:
            named = re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)
            raise BuildError(
                f"patch {number} of recipe {recipe.name} does not fit its source ({', '.join(named[:3])})",
                context=redact(done.stderr).replace(patch.name, f"patch {number}").strip(),
                reference="patch-failed",
                hint="the recipe's patches are made for another release: mend or remove them",
            )
