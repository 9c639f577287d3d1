"""Rule 0's evidence: which device code the installed torch holds, and whether it runs on a capability."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.errors import IntegrityError
from scripts.model.evidence import Observation, Outcome
from scripts.model.target import ComputeCapability
from scripts.place import Place
from scripts.verification.questions import skipped
from scripts.wheels.devicecode import DeviceCode, read_device_code, runs_on

PROBE = "device-code"
LIBRARIES = "libtorch_cuda*.so"
NONE = "none"
"""What `runs` holds for a capability that no device code runs on."""


def choose(code: DeviceCode, capability: ComputeCapability) -> str:
    """Name the device code that runs on a capability and how much of the library has such; NONE where most has not."""
    answer = runs_on(code, capability)
    return f"{answer.by} ({answer.covered} of {answer.total} fatbins run)" if answer.runs else NONE


def summarise_libraries(
    libraries: Sequence[DeviceCode], capabilities: Iterable[ComputeCapability]
) -> dict[str, dict[str, str]] | None:
    """Judge by the library with the most device code: torch's kernels; the others are parts of its own.

    None where no library holds any.
    """
    main = max(libraries, key=lambda code: code.total, default=None)
    if main is None or not main.total:
        return None
    return {"runs": {str(capability): choose(main, capability) for capability in capabilities}}


def observe_device_code(
    device: Observation,
    capabilities: Sequence[ComputeCapability],
    place: Place | None = None,
    workdir: Path | None = None,
) -> Observation:
    """Read torch/lib/libtorch_cuda*.so of the torch that the device probe imported in `place` (None: it is here).

    What must be copied for it is in `workdir` (None: a temporary folder), a library at a time. `runs` maps each
    capability to what runs there; `libraries` holds all that was found.
    """
    folder = device.detail.get("torch_folder")
    if folder is None:
        return skipped(PROBE, "torch does not start")
    try:
        with tempfile.TemporaryDirectory(dir=workdir) as copies:
            libraries = _read_all(Path(str(folder)) / "lib", place, Path(copies))
    except IntegrityError as error:
        return Observation(probe=PROBE, outcome=Outcome.FAILED, error=str(error))
    found = summarise_libraries(libraries, capabilities)
    if found is None:
        why = f"no library of {folder}/lib holds device code"
        return Observation(probe=PROBE, outcome=Outcome.FAILED, error=why)
    detail = {
        **found,
        "libraries": {code.library: {"cubins": code.cubins, "ptx": code.ptx} for code in libraries},
    }
    return Observation(probe=PROBE, outcome=Outcome.PASSED, detail=detail)


def _read_all(folder: Path, place: Place | None, copies: Path) -> list[DeviceCode]:
    if place is None:
        return [read_device_code(path) for path in sorted(folder.glob(LIBRARIES))]
    libraries = []
    for path in place.find(folder, LIBRARIES):
        fetched = place.fetch(path, copies)
        libraries.append(read_device_code(fetched))
        if fetched != path:  # a copy of half a gigabyte
            fetched.unlink()
    return libraries
