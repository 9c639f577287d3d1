"""Torch wheels with small real libraries inside, for this machine's platform, and a web that serves them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.model.facts import Facts, IndexSettings
from scripts.model.plan import Plan, Request
from scripts.operations.context import Context
from scripts.operations.planning_prebuilt import plan_prebuilt
from scripts.operations.site import find_site
from scripts.wheels.ports import LARGEST_PAGE
from tests.support.contexts import context
from tests.support.index_server import make_wheel
from tests.support.machines import PC
from tests.support.pages import Page
from tests.unit.operations.wheel_web import PC_TAG, File, WheelWeb
from tests.unit.operations.worlds import DEFAULT, HASH, CompilingUv

FATBINS = Path(__file__).parents[2] / "data" / "fatbins"
INDEX = "https://wheels.example/simple"
FILES = "https://wheels.example/files"
SIMPLE = ("filelock", "sympy>=1.13.3")
CUDA_13 = (*SIMPLE, "nvidia-cuda-nvrtc==13.0.88", "triton==3.9.0")
LOCK = f"nvidia-cuda-nvrtc==13.0.88 {HASH}\ntriton==3.9.0 {HASH}\n"
VERSION_PY = """\
from typing import Optional

__version__ = '{version}'
cuda: Optional[str] = {cuda}
hip: Optional[str] = None
"""


def torch(
    folder: Path,
    version: str = "2.15.0",
    *,
    requires: Sequence[str] = CUDA_13,
    tag: str = PC_TAG,
    library: str | None = "plain.so",
    cuda: str | None = "13.0",
    name: str = "torch",
) -> Path:
    """Make one: plain.so has code for 12.1, hopper.so for 9.0 alone."""
    files = {
        "torch/__init__.py": b"",
        "torch/version.py": VERSION_PY.format(version=version, cuda=repr(cuda)).encode(),
    }
    if library is not None:
        files["torch/lib/libtorch_cuda.so"] = (FATBINS / library).read_bytes()
    return make_wheel(folder, name, version, tag, requires=requires, files=files)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class PrebuiltWeb(WheelWeb):
    """Serves wheels; says which indexes uv was to ask."""

    reached: list[str] = field(default_factory=list)
    told: Mapping[str, str] = field(default_factory=dict)
    """Headers that come with a file."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> Page:
        page = super().get(url, headers=headers, limit=limit)
        return dataclasses.replace(page, headers=self.told) if url in self.files else page

    def reach(self, url: str) -> None:
        self.reached.append(url)

    def serve(self, *paths: Path, hashed: bool = True) -> PrebuiltWeb:
        self.add(*(File(name=path.name, data=path.read_bytes(), hashed=hashed) for path in paths), index=INDEX)
        return self


@dataclass
class Bench:
    """A machine, a web and a uv to plan with."""

    folder: Path
    facts: Facts = PC
    web: PrebuiltWeb = field(default_factory=PrebuiltWeb)
    uv: CompilingUv = field(default_factory=lambda: CompilingUv(text=LOCK))

    def __post_init__(self) -> None:
        facts = dataclasses.replace(self.facts, index=IndexSettings(default_index=DEFAULT))
        self.context: Context = context(self.folder, facts, web=self.web, run=self.uv)

    def request(self, wheel: str | Path, **options: object) -> Request:
        return Request(**{"strategy": "prebuilt", "wheel": str(wheel), **options})  # type: ignore[arg-type]

    def plan(self, wheel: str | Path, **options: object) -> Plan:
        request = self.request(wheel, **options)
        return plan_prebuilt(request, find_site(request, self.context, fetch_python=False), self.context)
