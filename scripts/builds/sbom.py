"""The wheel's bill of materials: CycloneDX 1.6, in the wheel itself (PEP 770). Pure.

A document of some forty lines, written by us: cyclonedx-python-lib would bring five packages into the toolkit for it. A
test validates it against CycloneDX's own schema.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from scripts.model.builds import BuildPlan

FILENAME = "sboms/kokoro-spark.cdx.json"
"""Below the wheel's .dist-info."""
_NAMESPACE = uuid.UUID("6a1f0c3e-0f0b-5a55-9d0c-2f6f5b0a7c11")


def sbom_text(plan: BuildPlan, *, version: str) -> str:
    """Write it for one build; `version` is the wheel's. The same build gives the same text."""
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, plan.stamp)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "kokoro-spark"}]},
            "component": _wheel(plan, version),
        },
        "components": _parts(plan),
        "dependencies": [
            {"ref": "wheel", "dependsOn": [part["bom-ref"] for part in _parts(plan)]},
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _wheel(plan: BuildPlan, version: str) -> dict[str, Any]:
    name = plan.recipe.distribution
    properties = {
        "kokoro-spark:stamp": plan.stamp,
        "kokoro-spark:recipe": plan.recipe.name,
        "kokoro-spark:architectures": " ".join(one.sm for one in plan.archs),
    }
    return {
        "type": "library",
        "bom-ref": "wheel",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
        "properties": [{"name": key, "value": value} for key, value in properties.items() if value],
    }


def _parts(plan: BuildPlan) -> list[dict[str, Any]]:
    """Name what went into it: the source, the torch that it was built against, the compilers."""
    kind, _, content = plan.inputs.source.partition(":")
    source: dict[str, Any] = {"type": "file", "bom-ref": "source", "name": f"the source of {plan.recipe.distribution}"}
    if kind in {"sha256", "tree"}:
        source["hashes"] = [{"alg": "SHA-256", "content": content}]
    else:
        source["version"] = content
        source["pedigree"] = {"commits": [{"uid": content}]}
    parts = [source]
    if plan.torch:
        parts.append(
            {
                "type": "library",
                "bom-ref": "torch",
                "name": "torch",
                "version": plan.torch,
                "purl": f"pkg:pypi/torch@{plan.torch}",
                "scope": "excluded",
            }
        )
    tools = {"nvcc": plan.toolchain.nvcc_version, "c++": plan.toolchain.cxx_version}
    for name, version in tools.items():
        if version and (name != "nvcc" or plan.archs):
            parts.append(
                {"type": "application", "bom-ref": name, "name": name, "version": version, "scope": "excluded"}
            )
    return parts
