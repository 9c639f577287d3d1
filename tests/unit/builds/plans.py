"""A plan of a build, made up."""

from __future__ import annotations

from scripts.builds.arch import parse_archs
from scripts.builds.stamp import SCHEMA, stamp_of
from scripts.model.builds import BuildForecast, BuildInputs, BuildPlan, Jobs, Toolchain
from scripts.model.recipes import Recipe, Resources, SourceKind, SourceSpec
from scripts.model.target import Architecture, PythonVersion, Target

RECIPE = Recipe(
    name="demo",
    distribution="demo-ext",
    summary="made up",
    tried="never",
    source=SourceSpec(kind=SourceKind.SDIST, project="demo-ext", version="1.0", sha256="a" * 64),
    resources=Resources(memory_per_job_gb=1, disk_gb=1, core_minutes=1),
    local_version="pt{torch}cu{cuda}sm{sm}",
    digest="b" * 64,
)


def plan(*, recipe: Recipe = RECIPE, source: str = "sha256:" + "a" * 64, sm: str = "12.1a") -> BuildPlan:
    inputs = BuildInputs(
        schema=SCHEMA,
        recipe=recipe.digest,
        source=source,
        archs=(sm,),
        torch="2.15.0 0123",
        cuda="13.2.86 from the default index",
        compiler="g++ 13",
        builder="456",
        python="cp312",
        platform="linux_aarch64 glibc 2.39",
        place="host",
        variables=(),
    )
    return BuildPlan(
        recipe=recipe,
        inputs=inputs,
        stamp=stamp_of(inputs),
        target=Target(architecture=Architecture.AARCH64, python=PythonVersion(3, 12), glibc=(2, 39)),
        archs=parse_archs(sm),
        torch="2.15.0",
        cuda="13.2",
        toolchain=Toolchain(cc="gcc", cxx="g++", cxx_version="g++ 13", nvcc_version="13.2.86"),
        jobs=Jobs(count=2, reason="here"),
        forecast=BuildForecast(minutes=1, disk_gb=1, download_gb=1, memory_gb=1, basis="made up"),
    )
