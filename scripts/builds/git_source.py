"""A source in git: fetched once into a mirror, checked out at the pinned commit with every submodule."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import BuildError, DiskError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.recipes import SourceSpec
from scripts.progress import say, step
from scripts.redaction import redact
from scripts.shell import Completed, ProgramNotFoundError, Runner

_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "LC_ALL": "C",
    "GIT_LFS_SKIP_SMUDGE": "1",
}
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false")
"""Nothing of the source is run by fetching it."""
_UPDATE = ("submodule", "--quiet", "update", "--init", "--recursive", "--jobs", "4")
_OFFLINE = (
    r"could not resolve host|could not connect|connection (?:refused|timed out|reset)|unable to access|network is "
    r"unreachable|does not appear to be a git repository|repository .* not found|could not read from remote"
)


def obtain_git(spec: SourceSpec, to: Path, *, run: Runner, environ: Mapping[str, str], cache: Path) -> None:
    """Check the commit out into `to`, which is not there yet.

    Raises IntegrityError (moved-tag), NoCandidateError (no-such-commit), NetworkError, BuildError (no-git,
    missing-submodule, git-failed), DiskError.
    """
    git = _Git(run=run, environ={**environ, **_QUIET})
    mirror = cache / "git" / hashlib.sha256(spec.location.encode()).hexdigest()[:16]
    if not _holds(git, mirror, spec.commit) or _tagged(git, mirror, spec) not in {None, spec.commit}:
        with step(f"fetching the source from {redact(spec.location)}"):
            _mirror(git, mirror, spec.location)
    _require_commit(git, mirror, spec)
    # Its submodules' relative addresses are relative to where the source came from, not to the mirror.
    git.ask(["clone", "--quiet", "--no-checkout", "--shared", str(mirror), str(to)], doing="checking the source out")
    git.ask(["-C", str(to), "remote", "set-url", "origin", spec.location], doing="checking the source out")
    git.ask(["-C", str(to), "checkout", "--quiet", "--detach", spec.commit], doing="checking the source out")
    if spec.submodules:
        # A recipe that names a repository on this machine may have its submodules there as well.
        local = "always" if urlsplit(spec.location).scheme in {"", "file"} else "user"
        with step("fetching its submodules"):
            git.ask(
                ["-c", f"protocol.file.allow={local}", "-C", str(to), *_UPDATE],
                doing="fetching the submodules",
            )
        require_submodules(to, run=run, environ=environ)


def require_submodules(folder: Path, *, run: Runner, environ: Mapping[str, str]) -> None:
    """Insist that every submodule of a checkout is there. Raises BuildError (missing-submodule)."""
    if not (folder / ".gitmodules").is_file():
        return
    git = _Git(run=run, environ={**environ, **_QUIET})
    done = git.ask(["-C", str(folder), "submodule", "status", "--recursive"], doing="looking at the submodules")
    # `-` stands before one that was not fetched, `+` before one at another commit.
    wrong = [line for line in done.stdout.splitlines() if line[:1] in {"-", "+", "U"}]
    names = [words[1] for line in wrong if len(words := line[1:].split()) > 1]
    if names:
        raise BuildError(
            f"{len(names)} submodules of the source are missing or at another commit",
            context="\n".join(names[:10]),
            reference="missing-submodule",
            hint=f"fetch them: git -C {folder} submodule update --init --recursive",
        )


class _Git:
    """git, as it is called here."""

    def __init__(self, *, run: Runner, environ: Mapping[str, str]) -> None:
        self._run, self._environ = run, environ

    def try_(self, arguments: Sequence[str]) -> Completed:
        try:
            return self._run(["git", *_SAFE, *arguments], env=self._environ)
        except ProgramNotFoundError as error:
            raise BuildError(
                "there is no git here, and the source is in git",
                reference="no-git",
                hint="install it: apt-get install git",
            ) from error

    def ask(self, arguments: Sequence[str], *, doing: str) -> Completed:
        done = self.try_(arguments)
        if not done.ok:
            raise _failure(done, doing)
        return done


def _holds(git: _Git, mirror: Path, commit: str) -> bool:
    return (mirror / "HEAD").is_file() and git.try_(["-C", str(mirror), "cat-file", "-e", f"{commit}^{{commit}}"]).ok


def _tagged(git: _Git, mirror: Path, spec: SourceSpec) -> str | None:
    """Give the commit that the tag leads to in the mirror; None: none is named, or it is not there."""
    if not spec.tag:
        return None
    told = git.try_(["-C", str(mirror), "rev-parse", "--verify", "--quiet", f"refs/tags/{spec.tag}^{{commit}}"])
    return told.stdout.strip() if told.ok else None


def _mirror(git: _Git, mirror: Path, url: str) -> None:
    """Fetch everything, into a mirror that is there or a new one: what a killed fetch left is gone on from."""
    with disk_errors(mirror):
        mirror.parent.mkdir(parents=True, exist_ok=True)
    if not git.try_(["-C", str(mirror), "rev-parse", "--git-dir"]).ok:
        shutil.rmtree(mirror, ignore_errors=True)
        git.ask(["init", "--quiet", "--bare", str(mirror)], doing="making a mirror")
    for lock in mirror.glob("*.lock"):  # of a git that was killed
        lock.unlink(missing_ok=True)
    refs = "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
    git.ask(["-C", str(mirror), "fetch", "--quiet", "--prune", "--force", url, *refs], doing="fetching the source")


def _require_commit(git: _Git, mirror: Path, spec: SourceSpec) -> None:
    """Insist that the commit is there, and that the tag leads to it."""
    if spec.tag:
        found = _tagged(git, mirror, spec)
        if found not in {None, spec.commit}:
            raise IntegrityError(
                f"the tag {spec.tag} leads to another commit than the recipe pins",
                context=f"pinned: {spec.commit}\nfound:  {found}\nin {redact(spec.location)}",
                reference="moved-tag",
                hint="somebody moved it: look at what changed before you pin the other commit",
            )
        if found is None:
            say(f"note: there is no tag {spec.tag} in {redact(spec.location)}; the commit alone is gone by")
    if not _holds(git, mirror, spec.commit):
        raise NoCandidateError(
            f"the commit {spec.commit} is not in {redact(spec.location)}",
            reference="no-such-commit",
            hint="check the recipe's source.location and source.commit",
        )


def _failure(done: Completed, doing: str) -> SparkError:
    words = redact(done.stderr or done.stdout).strip()
    context = "\n".join(words.splitlines()[-8:])
    if "no space left" in words.lower():
        return DiskError(f"{doing}: there is no space left", context=context, reference="disk-full", hint=SPACE_HINT)
    if re.search(_OFFLINE, words, re.IGNORECASE):
        return NetworkError(
            f"{doing}: the repository cannot be reached",
            context=context,
            reference="repository-unreachable",
            hint="check the address, the network and a proxy; the next run goes on where this ended",
        )
    return BuildError(
        f"{doing}: git failed", context=context, reference="git-failed", hint="the lines above are git's own"
    )
