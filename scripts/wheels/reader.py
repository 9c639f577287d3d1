"""What a wheel on an index requires and was built for, read once and remembered."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from scripts.errors import NoCandidateError
from scripts.model.target import Target
from scripts.model.wheels import Candidate, CudaBuild, IndexFile
from scripts.redaction import redact
from scripts.wheels.builtfor import read_built_for
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.index import Index
from scripts.wheels.metadata import cuda_build, read_metadata
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.ports import Remote
from scripts.wheels.shelf import Shelf

_METADATA, _BUILT_FOR, _RELEASE = "metadata", "built-for", "releases"


@dataclass(frozen=True)
class WheelReader:
    """Reads wheels of one index. A wheel never changes under its hash, so what was read of it stays true."""

    index: Index
    remote: Remote
    shelf: Shelf

    def metadata(self, file: IndexFile) -> str:
        """Read the fields of METADATA, without the description. Raises as read_metadata does."""
        kept = self.shelf.take(_METADATA, _key(file), str) if file.sha256 else None
        if kept is not None:
            return kept
        text = read_metadata(file, self.remote).replace("\r\n", "\n").partition("\n\n")[0].rstrip("\n") + "\n"
        if file.sha256:
            self.shelf.put(_METADATA, _key(file), text)
        return text

    def build(self, candidate: Candidate, target: Target) -> CudaBuild:
        """Read what CUDA a torch wheel needs. Raises as cuda_build does, and NoCandidateError (no-solution)."""

        def follow(name: str, specifier: SpecifierSet) -> str:
            return self.release(name, specifier, target, needed_by=candidate.file.filename)

        return cuda_build(self.metadata(candidate.file), target, follow)

    def release(self, name: str, specifier: SpecifierSet, target: Target, *, needed_by: str) -> str:
        """Read the metadata of a release; one that is pinned exactly is remembered without asking for its page.

        Raises NoCandidateError (no-solution), and as `metadata` does.
        """
        pinned = [one.operator for one in specifier] == ["=="] and "*" not in str(specifier)
        key = f"{self.index.name} {name}{specifier}"
        kept = self.shelf.take(_RELEASE, key, str) if pinned else None
        if kept is not None:
            return kept
        found = evaluate(self.index.project(name), target, version=specifier)
        if not found.candidates:
            raise NoCandidateError(
                f"{needed_by} needs {name}{specifier}, which the index does not have",
                context=explain(found, 5),
                hint="choose another --torch, or name an index that has it: --index URL",
                reference="no-solution",
            )
        text = self.metadata(found.candidates[0].file)
        if pinned and "@" not in key:
            self.shelf.put(_RELEASE, key, text)
        return text

    def built_for(self, file: IndexFile, remote: MeteredRemote) -> str | None:
        """Read what a torch wheel says it was built for. Raises as read_built_for does."""
        kept = self.shelf.take(_BUILT_FOR, _key(file), str) if file.sha256 else None
        if kept is not None:
            return kept or None
        size = file.size if file.size is not None else remote.size(file.url)
        found = read_built_for(file.url, size, remote, name=file.filename, where=redact(file.url))
        if file.sha256:
            self.shelf.put(_BUILT_FOR, _key(file), found or "")
        return found


def _key(file: IndexFile) -> str:
    return f"{file.filename} {file.sha256}"
