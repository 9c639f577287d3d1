"""Refuse a torch wheel by its passport, before it is downloaded or installed. Pure."""

from __future__ import annotations

from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.operations.passport_text import size_words
from scripts.wheels.passport import NOT_READ, Fit, Passport

_NAMED = 8


def require_usable(passport: Passport, cuda: str | None) -> tuple[str, ...]:
    """Insist that the wheel is sound, for the target, for CUDA, and has code for the GPU; give what is worth a note.

    `cuda`: what its torch/version.py names. Raises IntegrityError (damaged-wheel) for what is wrong with the file
    itself, NoCandidateError (wheel-does-not-fit, cpu-only-build, no-device-code) for what is wrong with the choice.
    """
    if passport.problems:
        raise IntegrityError(
            f"{passport.file} is no sound wheel",
            context="\n".join((*passport.problems[:_NAMED], passport.source)),
            reference="damaged-wheel",
            hint="fetch it again, or have it built again; `invoke wheel.inspect` shows its whole passport",
        )
    if not passport.fits:
        raise NoCandidateError(
            f"{passport.file} is not for {passport.target}",
            context=f"{passport.fits_why}\n{passport.source}",
            reference="wheel-does-not-fit",
            hint="name a wheel for this machine's platform and Python, or choose another with --python",
        )
    if passport.cuda is None and cuda is None:
        raise NoCandidateError(
            f"{passport.file} is a CPU-only build: strategy prebuilt is for the GPU",
            context=f"neither its metadata nor its torch/version.py names a release of CUDA\n{passport.source}",
            reference="cpu-only-build",
            hint="name a wheel that was built with CUDA; `--strategy cpu` takes a CPU build on purpose",
        )
    if passport.fit is Fit.NO or (passport.fit is None and passport.decided_by is None):
        raise NoCandidateError(
            f"{passport.file} has no device code for compute capability {passport.capability}",
            context=f"{passport.decided_by or 'read'}: {passport.why}\nrule: {passport.rule}\n{passport.source}",
            reference="no-device-code",
            hint="name a wheel built for it, or for the same major and a lower minor; or another GPU with --sm",
        )
    return _notes(passport)


def _notes(passport: Passport) -> tuple[str, ...]:
    """Say what is no reason against it, and worth knowing."""
    notes = [
        f"{passport.file}: {note}" for note in passport.notes if not note.startswith("its libraries were not read")
    ]
    if passport.fit is Fit.UNKNOWN:
        unread = any(one.known == NOT_READ for one in passport.libraries)
        later = ", and is read once the wheel is here" if unread else ""
        notes.append(f"{passport.file}: its device code is not known{later} ({passport.why})")
    elif passport.fit is Fit.JIT:
        notes.append(f"{passport.file}: only PTX runs on {passport.capability}: the driver compiles it when first used")
    elif passport.part:
        notes.append(f"{passport.file}: not all of its device code runs on {passport.capability}: {passport.part}")
    if passport.nvrtc_compiles is False:
        notes.append(
            f"its NVRTC {passport.nvrtc} does not compile for {passport.capability}: Kokoro will need the bridge"
        )
    missing = sorted({one for library in passport.libraries for one in library.missing})
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        notes.append(
            f"{passport.file} needs what nothing that is installed brings: {', '.join(missing[:_NAMED])}{more}"
        )
    return tuple(notes)


def download_note(passport: Passport) -> str:
    """Say that a wheel is yet to come."""
    size = "" if passport.size is None else f", {size_words(passport.size)},"
    return f"{passport.file}{size} is downloaded when the environment is built, and read whole before it is installed"


def hash_needed(passport: Passport, claimed: str | None, by: str) -> UsageError:
    """Make the error that asks for the hash of a wheel which could be used. `claimed`: what `by` says that it is."""
    told = f"{by} gives no hash for it"
    if claimed is not None:
        told = f"{by} says that it is {claimed}: that is no proof, for whoever changed the file changed that as well"
    return UsageError(
        f"{passport.file} is not on this machine, and its hash is not known",
        context=f"{told}\n{passport.source}",
        reference="hash-needed",
        hint="give it as --sha256 HEX, from whoever built the wheel",
    )
