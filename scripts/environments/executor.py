"""Carry a plan out: a folder in state building, step after step, then ready or failed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from scripts.disk import disk_errors, write_whole
from scripts.environments.contents import distribution, installed_file_sets
from scripts.environments.realising import realise
from scripts.environments.store import Store
from scripts.environments.uv import failure, killed, only_from, plain_words
from scripts.errors import IntegrityError
from scripts.model.environment import EnvironmentRecord
from scripts.model.plan import (
    BuildImage,
    CheckConsistency,
    CreateVenv,
    InstallLock,
    InstallMade,
    InstallWheel,
    Plan,
    Step,
)
from scripts.partfile import sha256_of
from scripts.redaction import redact
from scripts.shell import Completed, Runner

MakeWheel = Callable[[str, Path], Path]
"""(name, folder) -> the wheel that we make under this name."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """The effects a plan needs: uv, its environment, and the maker of our own wheels."""

    store: Store
    run: Runner
    uv: str
    environ: Mapping[str, str]
    uv_version: str
    make_wheel: MakeWheel
    lock_descriptor: int
    """Handed down to uv, so that the lock outlives us if we are killed."""

    def realise(self, plan: Plan) -> EnvironmentRecord:
        """Build the environment from nothing; what an earlier, killed run left there goes first.

        Raises the error of the step that failed; the record then says failed, and the content is gone.
        """
        return realise(
            plan,
            store=self.store,
            uv_version=self.uv_version,
            describe=describe,
            perform=self._perform,
            finish=lambda record, folder: dataclasses.replace(record, distributions=installed_file_sets(folder)),
        )

    def _perform(self, step: Step, folder: Path) -> None:
        match step:
            case CreateVenv():
                self._uv(
                    # The folder already holds the record; uv keeps what it does not write itself.
                    ["venv", "--quiet", "--relocatable", "--allow-existing", "--python", step.interpreter, str(folder)],
                    doing="creating the environment",
                )
            case InstallLock():
                self._install_lock(step, folder)
            case InstallWheel():
                require_hash(Path(step.path), step.sha256)
                self._install_file(Path(step.path), step.name, folder)
            case InstallMade():
                wheel = self.make_wheel(step.name, self.store.home.cache / "made" / step.sha256[:12])
                self._install_file(wheel, step.name, folder)
            case BuildImage():
                raise AssertionError("an image is not built in a venv")
            case CheckConsistency():
                self._check(step, folder)
            case _:
                assert_never(step)

    def _install_file(self, wheel: Path, name: str, folder: Path) -> None:
        arguments = ["pip", "install", "--quiet", "--python", str(folder), "--no-deps", "--no-index", "--offline"]
        self._uv([*arguments, str(wheel)], doing=f"installing {name}")

    def _check(self, step: CheckConsistency, folder: Path) -> None:
        doing = "checking that the packages fit together"
        arguments = ["pip", "check", "--quiet", "--python", str(folder)]
        if step.lifted:
            done = self._run(arguments, doing=doing)
            if not done.ok and not only_lifted(done.stderr + done.stdout, step.lifted):
                raise failure(done.stderr + done.stdout, doing=doing)
        else:
            self._uv(arguments, doing=doing)
        check_torch(step, folder)

    def _install_lock(self, step: InstallLock, folder: Path) -> None:
        lock = step.lock
        name = re.sub(r"[^a-z0-9.-]", "-", Path(lock.name).stem.lower())
        requirements = folder / "locks" / f"{name}.txt"
        write_whole(requirements, lock.text)
        arguments = ["pip", "install", "--python", str(folder), "--no-deps", "--require-hashes"]
        if lock.build_text:
            build = folder / "locks" / f"{name}-build.txt"
            write_whole(build, lock.build_text)
            arguments += ["--build-constraints", str(build), "--require-build-hashes"]
            arguments += ["--preview-features", "build-dependency-hashes"]  # or uv warns each time
        else:
            # --require-hashes says nothing of what a source build needs: without pins for that, there is none.
            arguments += ["--only-binary", ":all:"]
        what = lock.name if "/" in lock.name else "torch"
        self._uv([*arguments, "-r", str(requirements)], doing=f"installing {what}", index=lock.index)

    def _uv(self, arguments: list[str], *, doing: str, index: str | None = None) -> Completed:
        """Run uv. Raises the error that its failure means."""
        done = self._run(arguments, doing=doing, index=index)
        if not done.ok:
            raise failure(done.stderr + done.stdout, doing=doing)
        return done

    def _run(self, arguments: list[str], *, doing: str, index: str | None = None) -> Completed:
        """Run uv to whatever end. Raises BuildError where a signal ended it."""
        done = self.run(
            [self.uv, "--no-config", *arguments],
            env=only_from(index, self.environ),
            tee=True,
            pass_fds=(self.lock_descriptor,),
        )
        if done.returncode is not None and done.returncode < 0:
            raise killed(done.returncode, doing=doing)
        return done


def describe(step: Step) -> str:
    """Say in words what a step does: for --dry-run and progress."""
    match step:
        case CreateVenv():
            return f"create a venv of Python {step.python}" + (f" ({step.interpreter})" if step.interpreter else "")
        case InstallLock():
            origin = "the default index" if step.lock.index is None else redact(step.lock.index)
            pinned = f" pinned by {step.lock.name}" if "/" in step.lock.name else f", {step.lock.name},"
            return f"install {len(step.lock.pins)} packages{pinned} from {origin}"
        case InstallWheel():
            return f"install {step.filename} (sha256 {step.sha256[:12]})"
        case InstallMade():
            return f"install {step.name} {step.version}, made here"
        case BuildImage():
            return f"build an image of {step.base} and {len(step.lock.pins)} packages with {step.engine}"
        case CheckConsistency():
            build = f"CUDA {step.cuda}" if step.cuda else "CPU only"
            lifted = f", but for {', '.join(step.lifted)}," if step.lifted else ""
            torch = f" and torch is {step.torch} ({build})" if step.torch else ""
            return f"check that everything fits together{lifted}{torch}"
        case _:
            assert_never(step)


_COUNT = re.compile(r"Found (\d+) incompatibilit(?:y|ies)")
_PINS_ANOTHER = re.compile(r"The package `torch` requires `([a-z0-9-]+)==[^`]+`, but `[^`]+` is installed")


def only_lifted(words: str, lifted: tuple[str, ...]) -> bool:
    """Tell whether all that `uv pip check` complains of is that torch pins other releases of the lifted packages.

    Every line must be read, and as many complaints as uv counted: anything else is no agreement.
    """
    lines = [line.strip() for line in plain_words(words).splitlines() if line.strip()]
    counts = [int(found[1]) for line in lines if (found := _COUNT.fullmatch(line))]
    named = [found[1] for line in lines if (found := _PINS_ANOTHER.fullmatch(line)) and found[1] in lifted]
    return len(counts) == 1 and counts[0] == len(named) == len(lines) - 1


def require_hash(wheel: Path, sha256: str) -> None:
    """Insist that a file is still the one that was planned with. Raises IntegrityError (hash-mismatch), DiskError."""
    with disk_errors(wheel):
        found = sha256_of(wheel)
    if found != sha256:
        raise IntegrityError(
            f"{wheel.name} is not the file that was planned with",
            context=f"planned: sha256 {sha256}\nfound:   sha256 {found}",
            reference="hash-mismatch",
            hint="run setup again: it looks at the file anew",
        )


def check_torch(step: CheckConsistency, folder: Path) -> None:
    """Compare the torch that is installed with the plan's, by its metadata: without importing it.

    A plan without torch has nothing to compare: `uv pip check` has compared the rest with each other.
    """
    if not step.torch:
        return
    found = distribution(folder, "torch")
    if found is None or found.version != step.torch:
        raise IntegrityError(
            f"the installed torch is {found.version if found else 'missing'}, planned was {step.torch}",
            reference="wrong-torch",
            hint="remove the environment and run setup again; if it stays, the index serves another file",
        )
