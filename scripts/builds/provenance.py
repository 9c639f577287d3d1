"""How a wheel came about: an in-toto statement with a SLSA provenance, beside the wheel. Pure."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.builds.running import BuildRun
from scripts.model.builds import BuildPlan, TagChoice
from scripts.model.facts import HostFacts
from scripts.redaction import redact
from scripts.serial import to_data

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "kokoro-spark/wheel.build/v1"
BUILDER = "kokoro-spark"


def provenance(
    plan: BuildPlan,
    *,
    wheel: Path,
    sha256: str,
    run: BuildRun,
    tag: TagChoice,
    began: datetime,
    ended: datetime,
    host: HostFacts,
) -> dict[str, Any]:
    """Say what was built, of what, with what, where and when. No credentials, no paths of the builder's machine."""
    recipe = plan.recipe
    return {
        "_type": _STATEMENT,
        "subject": [{"name": wheel.name, "digest": {"sha256": sha256}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "recipe": recipe.name,
                    "architectures": [str(one) for one in plan.archs],
                    "torch": plan.torch,
                    "platform": str(plan.target),
                    "place": plan.place,
                },
                "internalParameters": {
                    "stamp": plan.stamp,
                    "inputs": to_data(plan.inputs),
                    "platformTag": to_data(tag),
                },
                "resolvedDependencies": _materials(plan),
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {
                    "invocationId": plan.name,
                    "startedOn": began.isoformat(timespec="seconds"),
                    "finishedOn": ended.isoformat(timespec="seconds"),
                },
                "byproducts": [
                    {
                        "name": "run",
                        "annotations": {
                            "seconds": round((ended - began).total_seconds(), 1),
                            "attempts": to_data(run.attempts),
                            "compilerCache": to_data(run.cache),
                            "distribution": host.distribution,
                            "kernel": host.kernel,
                            "processor": host.cpu_model,
                        },
                    }
                ],
            },
        },
    }


def _materials(plan: BuildPlan) -> list[dict[str, Any]]:
    kind, _, content = plan.inputs.source.partition(":")
    algorithm = {"git": "gitCommit", "sha256": "sha256", "tree": "dirHash"}[kind]
    source: dict[str, Any] = {"name": "source", "digest": {algorithm: content}}
    spec = plan.recipe.source
    if kind == "git" and "://" in spec.location:
        source["uri"] = f"git+{redact(spec.location)}"
    elif spec.project:
        source["uri"] = f"pkg:pypi/{spec.project}@{spec.version}"
    parts = [source, {"name": "recipe", "digest": {"sha256": plan.recipe.digest}}]
    if plan.torch:
        parts.append({"name": "torch", "uri": f"pkg:pypi/torch@{plan.torch}"})
    if plan.archs:
        parts.append({"name": "nvcc", "annotations": {"version": plan.toolchain.nvcc_version, "cuda": plan.cuda}})
    parts.append({"name": "c++", "annotations": {"version": plan.toolchain.cxx_version}})
    return parts
