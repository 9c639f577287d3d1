"""From the wheel as built to the wheel that is published: search paths, a version of its own, an SBOM, a tag."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from scripts.builds.platform_tag import choose_tag
from scripts.builds.rewriting import WheelName, pack, parse_name, unpack_wheel
from scripts.builds.rpath import set_rpath
from scripts.builds.sbom import FILENAME, sbom_text
from scripts.builds.variables import fill
from scripts.disk import disk_errors
from scripts.errors import BuildError
from scripts.model.builds import BuildPlan, TagChoice
from scripts.shell import Runner


def finish_wheel(
    raw: Path, out: Path, *, plan: BuildPlan, tools: Path, run: Runner, environ: Mapping[str, str]
) -> tuple[Path, TagChoice]:
    """Write the finished wheel into `out`, which is emptied first; `raw` stays as it is.

    `tools` holds patchelf and auditwheel. Raises BuildError (not-a-wheel, bad-version, patchelf-failed),
    IntegrityError for a wheel that cannot be unpacked, DiskError.
    """
    recipe = plan.recipe
    with disk_errors(out):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
    built = parse_name(raw)
    tag = choose_tag(
        raw, recipe.checks.provided, architecture=plan.target.architecture, tools=tools, run=run, environ=environ
    )
    folder = out / "unpacked"
    unpack_wheel(raw, folder)
    if recipe.rpath:
        set_rpath(folder, recipe.rpath, patchelf=tools / "patchelf", run=run, environ=environ)
    python, abi, _ = built.tags.split("-")
    name = replace(built, version=own_version(built.version, plan), tags=f"{python}-{abi}-{tag.tag}")
    _rename(folder, built, name)
    sbom = folder / name.dist_info / FILENAME
    with disk_errors(sbom):
        sbom.parent.mkdir(parents=True, exist_ok=True)
        sbom.write_text(sbom_text(plan, version=name.version), encoding="utf-8")
    wheel = pack(folder, name, out)
    shutil.rmtree(folder, ignore_errors=True)
    return wheel, tag


def own_version(version: str, plan: BuildPlan) -> str:
    """Add the recipe's local version, so that no two builds share a file name. Raises BuildError (bad-version)."""
    if not plan.recipe.local_version:
        return version
    names = {
        "torch": "".join(re.findall(r"\d+", plan.torch.partition("+")[0])),
        "cuda": plan.cuda.replace(".", ""),
        "sm": ".".join(one.sm.removeprefix("sm_") for one in plan.archs),
    }
    local = fill(plan.recipe.local_version, names, what="local_version", recipe=plan.recipe)
    try:
        own = Version(f"{version}.{local}" if "+" in version else f"{version}+{local}")
    except InvalidVersion as error:
        raise BuildError(
            f"{version!r} with {local!r} is no version",
            reference="bad-version",
            hint="a local version is made of letters, digits and dots: see the recipe's build.local_version",
        ) from error
    return str(own)


def _rename(folder: Path, built: WheelName, name: WheelName) -> None:
    """Let METADATA and WHEEL say what the file name says."""
    info = folder / name.dist_info
    with disk_errors(info):
        if built.dist_info != name.dist_info:
            (folder / built.dist_info).rename(info)
            data = folder / f"{built.name}-{built.version}.data"
            if data.is_dir():
                data.rename(folder / f"{name.name}-{name.version}.data")
        for file, key, values in (
            ("METADATA", "Version", [name.version]),
            ("WHEEL", "Tag", _expanded(name.tags)),
        ):
            path = info / file
            head, blank, body = path.read_text(encoding="utf-8").partition("\n\n")
            lines = [line for line in head.splitlines() if not line.startswith(f"{key}: ")]
            lines[1:1] = [] if file == "WHEEL" else [f"{key}: {one}" for one in values]
            lines += [f"{key}: {one}" for one in values] if file == "WHEEL" else []
            path.write_text("\n".join(lines) + (blank + body if blank else "\n"), encoding="utf-8")


def _expanded(tags: str) -> list[str]:
    """Spell a compressed tag out."""
    pythons, abis, platforms = (part.split(".") for part in tags.split("-"))
    return [f"{python}-{abi}-{platform}" for python in pythons for abi in abis for platform in platforms]
