"""Measure a release of Triton: which architectures the assemblers in its wheel really assemble for. Needs no GPU."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.specifiers import SpecifierSet

from scripts.disk import disk_errors
from scripts.errors import BrokenError, IntegrityError, NoCandidateError
from scripts.model.target import SUPPORTED_PYTHONS, Architecture
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel, forget_wheel, scratch
from scripts.operations.site import another_machine
from scripts.shell import Completed
from scripts.wheels.archive import open_archive, read_text
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.triton import Assembler, TritonRow

ARCHITECTURES = tuple(
    f"sm_{name}"
    for name in (
        *("75", "80", "86", "87", "89", "90", "90a", "100", "100a"),
        *("103", "103a", "110", "110a", "120", "120a", "121", "121a"),
    )
)
"""What each assembler is asked for."""

PTX = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry nothing() { ret; }\n"
"""PTX for an older architecture is assembled for any newer one; every ptxas from CUDA 12.4 to 13.4 reads this."""

_FOLDER = "triton/backends/nvidia"
_REFUSAL = "is not defined for option 'gpu-name'"
_SECONDS = 60.0
_LARGEST = 256 << 20
"""Bytes of an assembler; 3.9.0's have 35 and 52 million."""

# How compiler.py chose, from release to release. A choice of another kind is to be read by a person.
_CHOICES = (
    r'name = "ptxas-blackwell" if arch >= (\d+) else "ptxas"',
    r"return knobs\.nvidia\.ptxas_blackwell if arch >= (\d+) else knobs\.nvidia\.ptxas\n",
    r"if arch < (\d+):\n        return knobs\.nvidia\.ptxas\n(?:    #.*\n)*    return knobs\.nvidia\.ptxas_blackwell\n",
)
_SPECIFIC_FROM = r'suffix = "a" if capability >= (\d+) else ""'
_SPECIFIC_ALONE = r"suffix = 'a ?' if capability == (\d+) else ' ?'"


def measure_triton(version: str, context: Context) -> TritonRow:
    """Download a release's wheel for this machine, have its assemblers assemble, and remove it again.

    Raises NoCandidateError where there is none, IntegrityError (bad-wheel, unknown-choice, no-hash), BrokenError
    (assembler-broken) where one fails in a way that is no refusal, and what downloading raises.
    """
    file = _wheel(version, context)
    path = fetch_wheel(file, context)
    try:
        with (
            scratch(context) as folder,
            path.open("rb") as stream,
            open_archive(stream, name=path.name, where=str(path)) as archive,
        ):
            source = read_text(archive, _member(archive, f"{_FOLDER}/compiler.py"))
            assemblers = tuple(_assembler(archive, member, folder, context) for member in _programs(archive))
    finally:
        forget_wheel(path)
    row = TritonRow(
        version=version,
        measured=datetime.now(UTC).date().isoformat(),
        how=f"invoke wheel.measure triton=={version}  # {context.facts.host.architecture}, no GPU",
        assemblers=assemblers,
        **read_choices(source, version),
    )
    return replace(row, assemblers=tuple(sorted(assemblers, key=lambda one: one.name)))


def read_choices(source: str, version: str) -> Mapping[str, int]:
    """Read out of compiler.py which assembler is taken from where on, and which names get an `a`: a row's fields.

    Raises IntegrityError (unknown-choice) where it chooses in a way that is not known here.
    """
    found: dict[str, int] = {}
    blackwell = next((match for choice in _CHOICES if (match := re.search(choice, source))), None)
    if blackwell is not None:
        found["blackwell_from"] = int(blackwell[1])
    elif "blackwell" in source:
        raise _unknown(version, "it names ptxas-blackwell")
    if match := re.search(_SPECIFIC_FROM, source):
        found["specific_from"] = int(match[1])
    elif match := re.search(_SPECIFIC_ALONE, source):
        found |= {"specific_from": int(match[1]), "specific_until": int(match[1])}
    else:
        raise _unknown(version, "it names architectures in another way")
    return found


def _unknown(version: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"how Triton {version} chooses its assembler is not known here",
        context=f"{_FOLDER}/compiler.py: {why}",
        hint="read it, and teach scripts/operations/measuring_triton.py",
        reference="unknown-choice",
    )


def _wheel(version: str, context: Context) -> IndexFile:
    """Find the release's wheel for this machine: its assemblers are to be run."""
    target = another_machine(Architecture.parse(context.facts.host.architecture), SUPPORTED_PYTHONS[0])
    found = evaluate(context.index(None).project("triton"), target, version=SpecifierSet(f"=={version}"))
    if not found.candidates:
        raise NoCandidateError(
            f"the default index has no triton {version} for {target}", context=explain(found, 5), reference="no-triton"
        )
    return found.candidates[0].file


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError as error:
        raise zipfile.BadZipFile(f"it has no {name}") from error


def _programs(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Find the assemblers: `ptxas`, and `ptxas-blackwell` where there is one."""
    _member(archive, f"{_FOLDER}/bin/ptxas")
    return [one for one in archive.infolist() if one.filename.startswith(f"{_FOLDER}/bin/ptxas")]


def _assembler(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, context: Context) -> Assembler:
    """Run one assembler for every architecture."""
    name = member.filename.rpartition("/")[2]
    with TemporaryDirectory(prefix="triton-", dir=folder) as work:
        program, kernel = Path(work) / name, Path(work) / "kernel.ptx"
        if member.file_size > _LARGEST:
            raise zipfile.BadZipFile(f"{member.filename} claims {member.file_size} bytes")
        with archive.open(member) as source:
            data = source.read(_LARGEST)
        with disk_errors(program):
            program.write_bytes(data)
            program.chmod(0o700)
            kernel.write_text(PTX, encoding="ascii")
        done = _run(program, ["--version"], context)
        release = re.search(r"\bV(\d+(?:\.\d+)+)", done.stdout)
        if not done.ok or release is None:
            raise _broken(name, "--version", done)
        knows = {arch for arch in ARCHITECTURES if _assembles(program, arch, kernel, context)}
    return Assembler(
        name=name,
        version=release[1],
        knows=tuple(arch for arch in ARCHITECTURES if arch in knows),
        refuses=tuple(arch for arch in ARCHITECTURES if arch not in knows),
    )


def _assembles(program: Path, architecture: str, kernel: Path, context: Context) -> bool:
    """Assemble the kernel for an architecture; False where the assembler does not know it."""
    out = kernel.with_name(f"{architecture}.cubin")
    done = _run(program, ["--gpu-name", architecture, str(kernel), "-o", str(out)], context)
    if done.ok and out.is_file():
        return True
    if _REFUSAL in done.stdout + done.stderr:
        return False
    raise _broken(program.name, architecture, done)


def _run(program: Path, arguments: list[str], context: Context) -> Completed:
    try:
        return context.run([str(program), *arguments], timeout=_SECONDS)
    except OSError as error:  # a cache on a file system that runs nothing
        raise BrokenError(
            f"{program.name} cannot be started",
            context=str(error),
            hint="set KOKORO_SPARK_HOME to a folder from which programs may be run",
            reference="assembler-broken",
        ) from error


def _broken(name: str, asked: str, done: Completed) -> BrokenError:
    return BrokenError(
        f"{name} fails in a way that is no refusal",
        context=f"{asked}: exit code {done.returncode}\n{(done.stderr or done.stdout).strip()[:500]}",
        hint="nothing was written: ask it on another machine",
        reference="assembler-broken",
    )
