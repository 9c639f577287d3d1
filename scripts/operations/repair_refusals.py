"""What env.repair does not touch, and why: what needs no other NVRTC, what cannot be written, what changed since."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from scripts.environments.backup import Backup
from scripts.environments.foreign import Foreign, versions_of
from scripts.environments.snapshot import changes, snapshot
from scripts.errors import DiskError, IntegrityError, NoCandidateError
from scripts.model.repair import Manifest, ManifestState
from scripts.strategies.override import PACKAGE


def require_repairable(found: Foreign, lifted: str) -> None:
    """Refuse an environment whose NVRTC is not to be lifted. Raises NoCandidateError, DiskError (not-writable)."""
    refusal = _refusal(found, lifted)
    if refusal is not None:
        raise NoCandidateError(
            f"{found.prefix}: {refusal.message}",
            context=f"torch {found.torch}, CUDA {found.cuda or 'none'}, NVRTC "
            + (", ".join(f"{name} {version}" for name, version in found.nvrtc) or "not a package of its own"),
            reference=refusal.reference,
            hint=refusal.hint,
        )
    require_writable((found.prefix, found.site))


def earlier_repair(found: Foreign, backup: Backup) -> Manifest | None:
    """Give the manifest of a repair that still stands as it was left; None: there is none."""
    manifest = backup.read()
    if manifest is None or manifest.state is not ManifestState.KEPT or differences_of(manifest):
        return None
    return manifest if dict(found.nvrtc).get(PACKAGE) == manifest.lifted else None


def require_undoable(found: Foreign, backup: Backup) -> Manifest:
    """Give the manifest of a backup that may be put back. Raises as undo does."""
    manifest = backup.read()
    if manifest is None:
        raise NoCandidateError(
            f"there is nothing to undo in {found.prefix}",
            context=f"{backup.folder} is not there",
            reference="nothing-to-undo",
            hint="only what `invoke env.repair` of this data root repaired can be undone",
        )
    differences = differences_of(manifest)
    if differences:
        raise IntegrityError(
            f"{found.prefix} was changed since it was repaired: nothing is put back",
            context="\n".join(differences[:8]),
            reference="changed-since",
            hint=f"if it is to stay as it is now, delete {backup.folder} by hand",
        )
    backup.check(manifest)
    return manifest


def require_writable(folders: Iterable[Path]) -> None:
    """Insist on the right to write into folders. Raises DiskError (not-writable)."""
    for folder in folders:
        if not os.access(folder, os.W_OK):
            raise DiskError(
                f"{folder} cannot be written",
                reference="not-writable",
                hint="give yourself the right to write there, or make an environment of your own: "
                "`invoke setup --strategy nvrtc-override`",
            )


@dataclass(frozen=True, kw_only=True)
class _Refused:
    """Why an environment is not to be repaired."""

    message: str
    reference: str
    hint: str


def _refusal(found: Foreign, lifted: str) -> _Refused | None:
    here = dict(found.nvrtc)
    if found.cuda is None and not here:
        hint = "install a build with CUDA first, or make an environment: `invoke setup`"
        return _Refused(message="its torch is a CPU-only build", reference="cpu-only-build", hint=hint)
    if (found.cuda or "12").split(".")[0] != "12":
        hint = "`invoke verify --python PATH` judges it"
        message = f"its torch is a build of CUDA {found.cuda}, and only an NVRTC of CUDA 12 is lifted"
        return _Refused(message=message, reference="nothing-to-repair", hint=hint)
    if PACKAGE not in here:
        hint = "make an environment with a torch that pins its NVRTC: `invoke setup --strategy nvrtc-override`"
        return _Refused(message=f"it has no {PACKAGE} that could be lifted", reference="nvrtc-inside", hint=hint)
    if [name for name, _ in found.nvrtc].count(PACKAGE) > 1:
        hint = f"install one of them anew: pip install --force-reinstall {PACKAGE}==VERSION"
        return _Refused(message="two NVRTCs are installed over each other", reference="not-repairable", hint=hint)
    if Version(here[PACKAGE]).release[:2] >= Version(lifted).release[:2]:
        message = f"its NVRTC is {here[PACKAGE]} already"
        hint = "`invoke verify --python PATH` judges it"
        return _Refused(message=message, reference="nothing-to-repair", hint=hint)
    return None


def differences_of(manifest: Manifest) -> tuple[str, ...]:
    """Say what is not as we left it; in the middle of a change only another release is none of ours."""
    site = Path(manifest.site)
    strange = set(versions_of(site, manifest.package)) - {manifest.version, manifest.lifted}
    if strange:
        return (f"{manifest.package} {', '.join(sorted(strange))} is there now",)
    if manifest.state is ManifestState.OPEN:
        return ()
    return changes(manifest.installed, snapshot(site, manifest.package, with_folders=False))
