"""Recipes: read from TOML, ours by name and a user's by path; made up for a source folder or an sdist."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.builds.archives import member_names
from scripts.errors import SparkError, UsageError
from scripts.model.recipes import Checks, Recipe, Resources, SourceKind, SourceSpec
from scripts.partfile import sha256_of
from scripts.serial import from_data

RECIPES = Path(__file__).parent / "recipes"
_ARCHIVES = (".tar.gz", ".tgz", ".zip", ".tar.xz", ".tar.bz2")
_SDIST = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)")
_HEX64, _HEX40 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
_UNKNOWN = Resources(
    memory_per_job_gb=2.0,
    disk_gb=5.0,
    core_minutes=10.0,
    basis="a guess: it has no recipe that says what it takes",
)
_TORCH_BRINGS = (
    "libc10.so",
    "libc10_cuda.so",
    "libtorch*.so",
    "libshm.so",
    "libcud*.so.*",
    "libnv*.so.*",
    "libcu*.so.*",
)
"""What an extension leaves to the torch that it is installed beside, and to the CUDA packages of that."""


@dataclass(frozen=True, kw_only=True)
class _Build:
    """[build] of a recipe."""

    cuda: bool = True
    against_torch: bool = True
    cuda_from_index: bool = True
    cross: bool = False
    requires: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    local_version: str = ""


@dataclass(frozen=True, kw_only=True)
class _File:
    """A recipe as its file has it; recipes/README.md says what each key means."""

    name: str
    distribution: str
    summary: str
    tried: str
    source: SourceSpec
    resources: Resources
    build: _Build = field(default_factory=_Build)
    checks: Checks = field(default_factory=Checks)
    environment: dict[str, str] = field(default_factory=dict)
    system: dict[str, tuple[str, ...]] = field(default_factory=dict)


def known_recipes(folder: Path = RECIPES) -> tuple[Recipe, ...]:
    """Read every recipe that comes with the project, by name."""
    return tuple(read_recipe(path) for path in sorted(folder.glob("*.toml")))


def load_recipe(name_or_path: str, folder: Path = RECIPES) -> Recipe:
    """Find a recipe: one of ours by its name; a recipe.toml, a source folder or an sdist by its path.

    Raises UsageError (unknown-recipe, bad-recipe, no-such-file).
    """
    named = folder / f"{name_or_path}.toml"
    if re.fullmatch(r"[A-Za-z0-9._-]+", name_or_path) and named.is_file():
        return read_recipe(named)
    path = Path(name_or_path).expanduser()
    try:
        if path.is_dir():
            return _of_folder(path.absolute())
        if path.is_file():
            return _of_file(path.absolute())
    except OSError as error:
        raise UsageError(
            f"{name_or_path} cannot be read",
            context=str(error),
            reference="not-readable",
            hint="check its name and mode",
        ) from error
    names = sorted(one.stem for one in folder.glob("*.toml"))
    near = difflib.get_close_matches(name_or_path, names, n=1)
    raise UsageError(
        f"there is no recipe {name_or_path!r}, and nothing of that name here",
        context=f"recipes: {', '.join(names)}",
        reference="unknown-recipe",
        hint=f"did you mean {near[0]}?" if near else "`invoke wheel.recipes` lists them; a path works as well",
    )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe's file and its patches. Raises UsageError (bad-recipe)."""
    try:
        text = path.read_text(encoding="utf-8")
        read = from_data(_File, tomllib.loads(text), what=str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(path, str(error)) from error
    except SparkError as error:
        raise _bad(path, error.context or error.message) from error
    patches = tuple(_patch(path, name) for name in read.build.patches)
    _require_resources(path, read.resources)
    digest = hashlib.sha256("\0".join((text, *patches)).encode()).hexdigest()
    return Recipe(
        name=read.name,
        distribution=read.distribution,
        summary=read.summary,
        tried=read.tried,
        source=_source(path, read.source),
        resources=read.resources,
        cuda=read.build.cuda,
        against_torch=read.build.against_torch,
        cuda_from_index=read.build.cuda_from_index,
        cross=read.build.cross,
        requires=read.build.requires,
        variables=tuple(sorted(read.environment.items())),
        system=tuple(sorted(read.system.items())),
        patches=patches,
        rpath=read.build.rpath,
        local_version=read.build.local_version,
        checks=read.checks,
        digest=digest,
    )


def _patch(recipe: Path, name: str) -> str:
    path = recipe.parent / name
    if Path(name).name != name or not path.is_file():
        raise _bad(recipe, f"build.patches: {name!r} is no file beside it")
    return path.read_text(encoding="utf-8")


def _require_resources(path: Path, resources: Resources) -> None:
    for name in ("memory_per_job_gb", "disk_gb", "core_minutes"):
        if not getattr(resources, name) > 0:
            raise _bad(path, f"resources.{name}: it must be more than 0")


def _source(path: Path, spec: SourceSpec) -> SourceSpec:
    """Check what each kind of source must say, and take paths from where the recipe lies."""
    kinds: dict[SourceKind, dict[str, object]] = {
        SourceKind.GIT: {"location": spec.location, "commit": _HEX40.fullmatch(spec.commit)},
        SourceKind.SDIST: {
            "project": spec.project,
            "version": spec.version,
            "sha256": _HEX64.fullmatch(spec.sha256),
        },
        SourceKind.ARCHIVE: {"location": spec.location, "sha256": _HEX64.fullmatch(spec.sha256)},
        SourceKind.FOLDER: {"location": spec.location},
    }
    for name, there in kinds[spec.kind].items():
        if not there:
            raise _bad(path, f"source.{name}: a source of kind {spec.kind} must say it, whole")
    if spec.location and "://" not in spec.location and not re.match(r"[^/]+@[^/]+:", spec.location):
        return replace(spec, location=str((path.parent / Path(spec.location).expanduser()).resolve()))
    return spec


def _bad(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path.name} is no recipe that can be built by",
        context=f"{path}\n{why}",
        reference="bad-recipe",
        hint="scripts/builds/recipes/README.md says what a recipe holds",
    )


def _of_file(path: Path) -> Recipe:
    if path.suffix == ".toml" and path.name != "pyproject.toml":
        return read_recipe(path)
    stem = next((path.name.removesuffix(one) for one in _ARCHIVES if path.name.endswith(one)), None)
    if stem is None:
        raise UsageError(
            f"{path.name} is neither a recipe nor a source",
            context=str(path),
            reference="bad-recipe",
            hint="name a recipe.toml, a source folder, or an sdist (.tar.gz, .zip)",
        )
    found = _SDIST.fullmatch(stem)
    name = found["name"] if found else stem
    spec = SourceSpec(kind=SourceKind.ARCHIVE, location=str(path), sha256=sha256_of(path))
    return _made_up(name, spec, cuda=any(one.endswith(".cu") for one in member_names(path)))


def _of_folder(path: Path) -> Recipe:
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise UsageError(
            f"{path} holds no Python project",
            reference="bad-recipe",
            hint="a source folder has a pyproject.toml or a setup.py at its top",
        )
    spec = SourceSpec(kind=SourceKind.FOLDER, location=str(path))
    return _made_up(_project_name(path), spec, cuda=any(path.rglob("*.cu")))


def _project_name(path: Path) -> str:
    try:
        data = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))
        return str(data["project"]["name"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return path.name


def _made_up(name: str, source: SourceSpec, *, cuda: bool) -> Recipe:
    """Make a recipe of what can be seen. It builds against torch where there is CUDA in it."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name).strip("-.") or "source"
    return Recipe(
        name=safe,
        distribution=name,
        summary=f"{name}, without a recipe",
        tried="never: it has no recipe",
        source=source,
        resources=_UNKNOWN,
        cuda=cuda,
        against_torch=cuda,
        local_version="pt{torch}cu{cuda}sm{sm}" if cuda else "",
        checks=Checks(device_code=cuda, provided=_TORCH_BRINGS if cuda else ()),
        digest=hashlib.sha256(f"{safe}|{cuda}".encode()).hexdigest(),
    )
