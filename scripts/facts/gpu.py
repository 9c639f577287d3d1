"""The NVIDIA driver and its devices, as nvidia-smi tells them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from scripts.facts.fact import Fact
from scripts.model.facts import Gpu, GpuFacts
from scripts.model.target import ComputeCapability

_FIELDS = ("index", "name", "uuid", "compute_cap", "memory.total", "driver_version")
_OLD_FIELDS = ("index", "name", "uuid", "memory.total")
"""What every nvidia-smi knows: `compute_cap` came with R510, and R610 renames the driver's version."""

# nvidia-smi can take seconds to wake a driver that is not kept loaded (persistence mode off).
_TIMEOUT = 10.0
_UNKNOWN_FIELD = re.compile(r"Field \"([^\"]+)\" is not a valid field to query")
# The table's first line: `Driver Version` and `CUDA Version`, from R610 on `KMD Version` and `CUDA UMD Version`.
_HEADER_DRIVER = re.compile(r"(?:Driver|KMD) Version\s*:\s*(\d[\d.]*)")
_HEADER_CUDA = re.compile(r"CUDA (?:UMD )?Version\s*:\s*(\d+\.\d+)")
_HOLE = re.compile(r"\[?(?:N/A|Not Supported)\]?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why nvidia-smi gave no answer, and what to do."""

    text: str
    remedy: str


_PROBLEMS = (
    (
        r"Driver/library version mismatch",
        "the loaded NVIDIA kernel module and the installed driver library are of different versions{library}",
        "restart the machine: the driver was updated, and the old kernel module is still loaded",
    ),
    (
        r"couldn't communicate with the NVIDIA driver",
        "the NVIDIA kernel module is not loaded",
        "try `sudo modprobe nvidia`; if it fails, install the driver again for this kernel (see `uname -r`)",
    ),
    (
        r"No devices were found",
        "the NVIDIA driver is loaded and sees no GPU",
        "look for the reason with `sudo dmesg | grep -i nvrm`; the GPU may be too new for this driver",
    ),
    (
        r"GPU is lost|Unable to determine the device handle",
        "the NVIDIA driver lost contact with a GPU",
        "look for the reason with `sudo dmesg | grep -i xid`, then restart the machine",
    ),
    (
        r"Insufficient Permissions",
        "this user may not ask the NVIDIA driver",
        "give this user access to /dev/nvidia* (on many systems: the groups video and render)",
    ),
    (
        r"Failed to initialize NVML: Unknown Error",
        "the NVIDIA driver cannot be reached; in a container this happens when it loses access to the GPU's devices",
        "restart the container (or the machine), and give the container its GPU with `--gpus all`",
    ),
    (
        r"NVIDIA-SMI couldn't find libnvidia-ml|Failed to initialize NVML: (?:Function|Driver) Not",
        "nvidia-smi is here without the rest of the NVIDIA driver",
        "install the driver whole; in a container, run it with `--gpus all`",
    ),
    (
        r"no answer within",
        "nvidia-smi does not answer",
        "run `nvidia-smi` by hand and look into `sudo dmesg | grep -i nvrm`; a restart often helps",
    ),
)


def parse_problem(text: str) -> Problem | None:
    """Tell an nvidia-smi that says what is wrong from one that answers. None: it answers."""
    for pattern, message, remedy in _PROBLEMS:
        if re.search(pattern, text):
            version = re.search(r"NVML library version: ([\d.]*\d)", text)
            library = f" (library: {version[1]})" if version else ""
            return Problem(text=message.format(library=library), remedy=remedy)
    unknown = _UNKNOWN_FIELD.search(text)
    if unknown is not None:
        return Problem(
            text=f"this nvidia-smi is too old to tell {unknown[1]}",
            remedy="update the NVIDIA driver, with the nvidia-smi that belongs to it; GB10 needs 580 or newer",
        )
    if parse_gpus(text)[0] or _HEADER_DRIVER.search(text):
        return None
    first = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
    return Problem(text=f"nvidia-smi said: {first}", remedy="run `nvidia-smi` by hand: it must list the GPU")


def parse_gpus(text: str) -> tuple[tuple[Gpu, ...], str | None]:
    """Read the lines of `--query-gpu`, with all fields or only the old ones: the devices, the driver's version."""
    gpus: list[Gpu] = []
    driver = None
    for line in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(line) not in {len(_FIELDS), len(_OLD_FIELDS)} or not line[0].isdigit():
            continue
        row = dict(zip(_FIELDS if len(line) == len(_FIELDS) else _OLD_FIELDS, map(str.strip, line), strict=True))
        memory = row["memory.total"]
        gpus.append(
            Gpu(
                index=int(row["index"]),
                name=row["name"],
                uuid=_known(row["uuid"]),
                capability=_capability(row.get("compute_cap", "")),
                memory_total=int(memory) * 1024 * 1024 if memory.isdigit() else None,
                unified_memory=_HOLE.fullmatch(memory) is not None,
            )
        )
        driver = driver or _known(row.get("driver_version", ""))
    return tuple(gpus), driver


def _known(value: str) -> str | None:
    return None if not value or value.startswith("[") or _HOLE.fullmatch(value) else value


def _capability(value: str) -> ComputeCapability | None:
    return ComputeCapability.parse(value) if re.fullmatch(r"\d{1,2}\.\d", value) else None


def parse_header(text: str) -> tuple[str | None, str | None]:
    """Read the head of plain `nvidia-smi`: the driver's version and the newest CUDA it serves."""
    driver, cuda = _HEADER_DRIVER.search(text), _HEADER_CUDA.search(text)
    return driver[1] if driver else None, cuda[1] if cuda else None


def gpu_facts(*, query: str | None, table: str | None, old_query: str | None = None) -> GpuFacts:
    """Put together what nvidia-smi said to its questions. None: there is no nvidia-smi, or it was not asked."""
    if query is None:
        return GpuFacts()
    problem = parse_problem(query)
    gpus, driver = parse_gpus(query)
    if needs_old_query(query) and old_query is not None:
        gpus, driver = parse_gpus(old_query)
        problem = problem if gpus else parse_problem(old_query)
    header_driver, cuda = parse_header(table or "")
    return GpuFacts(
        driver_version=driver or header_driver,
        cuda_version=cuda,
        gpus=gpus,
        problem=problem.text if problem else None,
        remedy=problem.remedy if problem else "",
    )


def needs_old_query(query: str) -> bool:
    """Tell an nvidia-smi that knows not all fields."""
    return _UNKNOWN_FIELD.search(query) is not None


def _query(fields: tuple[str, ...]) -> Fact[str]:
    command = ("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits")
    return Fact(command, str, timeout=_TIMEOUT)


QUERY = _query(_FIELDS)
OLD_QUERY = _query(_OLD_FIELDS)
TABLE = Fact(("nvidia-smi",), str, timeout=_TIMEOUT)
