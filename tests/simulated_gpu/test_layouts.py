"""c/cudart_layouts.h against NVIDIA's own headers, and that a wrong layout is found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.operations.context import Context
from scripts.shell import Completed, run
from tests.simulated_gpu import needs
from tests.simulated_gpu.build import SOURCES

pytestmark = [pytest.mark.simulated, needs.COMPILER]

HEADERS = [
    (12, ("nvidia-cuda-runtime-cu12==12.4.127",)),
    (12, ("nvidia-cuda-runtime-cu12==12.8.90",)),
    (13, ("nvidia-cuda-runtime==13.0.96",)),
]
CRT = "nvidia-cuda-crt==13.0.88"
"""The part of the headers that the runtime's wheels do not have."""
REAL_NAMES = {
    "device_properties": "struct cudaDeviceProp",
    "function_attributes": "struct cudaFuncAttributes",
    "pointer_attributes": "struct cudaPointerAttributes",
}


@dataclass(frozen=True)
class Headers:
    """NVIDIA's own headers of one CUDA."""

    major: int
    include: tuple[Path, ...]

    def check(self, layouts: str, folder: Path) -> Completed:
        """Compile the checks of that text of cudart_layouts.h."""
        (folder / "cudart_layouts.h").write_text(layouts)
        source = folder / "layouts.c"
        source.write_text(layout_checks(layouts, self.major))
        places = [f"-I{place}" for place in (folder, *self.include)]
        return run(["gcc", f"-DCUDART_MAJOR={self.major}", *places, "-fsyntax-only", str(source)])


@pytest.fixture(scope="module", params=HEADERS, ids=str)
def headers(
    request: pytest.FixtureRequest, simulated_context: Context, tmp_path_factory: pytest.TempPathFactory
) -> Headers:
    major, packages = request.param
    folder = tmp_path_factory.mktemp("headers")
    for name, wanted in (("runtime", packages), ("crt", (CRT,))):
        argv = [simulated_context.uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder / name)]
        done = run([*argv, *wanted])
        assert done.ok, done.stderr
    include = next((folder / "runtime").rglob("cuda_runtime_api.h")).parent
    crt = next((folder / "crt").rglob("host_defines.h")).parent.parent
    return Headers(major, (include, crt))


LAYOUTS = (SOURCES / "cudart_layouts.h").read_text(encoding="utf-8")


def test_layouts_are_those_of_the_real_headers(headers: Headers, tmp_path: Path) -> None:
    """Each field of each structure is where NVIDIA's own compiler would put it."""
    done = headers.check(LAYOUTS, tmp_path)
    assert done.ok, done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("    int major;\n    int minor;\n", "    int minor;\n    int major;\n", "device_properties.major"),
        ("    int integrated;\n", "    int integrated;\n    int added;\n", "no member named .added"),
        ("    int tccDriver;\n", "", "device_properties.asyncEngineCount"),
        ("    size_t localSizeBytes;\n", "    int localSizeBytes;\n", "function_attributes.localSizeBytes"),
        ("    int reserved[16];\n", "    int reserved[18];\n", "function_attributes"),
        ("    void *hostPointer;\n", "", "pointer_attributes"),
    ],
)
def test_a_wrong_layout_is_found(right: str, wrong: str, said: str, headers: Headers, tmp_path: Path) -> None:
    assert LAYOUTS.count(right) == 1
    done = headers.check(LAYOUTS.replace(right, wrong), tmp_path)
    assert not done.ok
    assert re.search(said, done.stderr)


def layout_checks(text: str, major: int) -> str:
    """Write the checks of cudart_layouts.h's text: the size of each structure, each of its fields' offset and size."""
    other = 25 - major
    text = re.sub(rf"#if CUDART_MAJOR == {other}\n(.*?)#(?:endif|else)", "", text, flags=re.DOTALL)
    lines = ["#include <cuda_runtime_api.h>", '#include "cudart_layouts.h"']
    for ours, body in re.findall(r"struct (\w+) \{[^\n]*\n(.*?)\n\};", text, re.DOTALL):
        real = REAL_NAMES[ours]
        lines.append(f'_Static_assert(sizeof(struct {ours}) == sizeof({real}), "{ours}");')
        for field in re.findall(r"(\w+)(?:\[\d+\])?;", body):
            if field == "reserved":
                continue
            for part in (f"offsetof(T, {field})", f"sizeof(((T *)0)->{field})"):
                one, two = part.replace("T", f"struct {ours}", 1), part.replace("T", real, 1)
                lines.append(f'_Static_assert({one} == {two}, "{ours}.{field}");')
    return "\n".join(lines) + "\n"
