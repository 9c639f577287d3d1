"""What a simulated GPU proves and what it does not: told in every report from one. Pure.

The simulated GPU (tests/simulated_gpu) stands in for the CUDA driver and runtime; torch, its libraries and NVRTC are
the real ones, and the values of an operation on the device are the CPU's.
"""

from __future__ import annotations

from collections.abc import Iterable

from scripts.model.evidence import SimulationRow


def _proves(subject: str, text: str) -> SimulationRow:
    return SimulationRow(subject=subject, proved=True, text=text)


def _leaves_open(subject: str, text: str) -> SimulationRow:
    return SimulationRow(subject=subject, proved=False, text=text)


ROWS = (
    _proves("torch", "the wheel's own libraries run, unchanged: they load, find the device and read its capability"),
    _proves("the dispatcher", "every operation of Kokoro goes through torch's real dispatcher to its CUDA kernels"),
    _proves("the Jiterator", "torch itself decides which operations are compiled at run time, and for what"),
    _proves("NVRTC", "the real library compiles for the device's architecture, or refuses it in its own words"),
    _proves(
        "the cubin's architecture",
        "what NVRTC compiled is for an architecture that runs on the device by the rule that a driver goes by: the "
        "same major, the same or a lower minor",
    ),
    _proves(
        "device code",
        "each kernel that torch launches has a cubin or PTX in torch's libraries that runs on the device; where none "
        "does, the launch is answered by error 209, as a driver answers it",
    ),
    _proves("placement", "parameters and results lie on the device that was asked for"),
    _proves(
        "the comparison of sound",
        "its plumbing: sounds are kept, compared and judged; the values on the device are the CPU's, so that they "
        "agree says nothing about a GPU",
    ),
    _leaves_open("a driver's acceptance", "whether a real driver loads the cubin that NVRTC made"),
    _leaves_open("results", "what any kernel computes: no device code is run, the values are the CPU's"),
    _leaves_open("cuBLAS, cuDNN, cuFFT", "whether they work on a GB10: they are stood in for, and compute nothing"),
    _leaves_open("speed", "how fast anything is: every time in this report is the CPU's"),
    _leaves_open("memory", "how much of it a GPU would need, and whether it is enough"),
    _leaves_open("clocks and heat", "what power, clocks and temperature do to a GPU under load"),
    _leaves_open(
        "Kokoro on aarch64", "the full model is not run on the simulated aarch64 machine: it is emulated, and too slow"
    ),
)


def markdown_table(rows: Iterable[SimulationRow] = ROWS) -> str:
    """Write the rows as a Markdown table, for the documentation."""
    lines = ["| What | A simulation proves it | How, or what stays open |", "|---|---|---|"]
    lines += [f"| {row.subject} | {'yes' if row.proved else 'no'} | {row.text} |" for row in rows]
    return "\n".join(lines) + "\n"


def simulation_lines(rows: Iterable[SimulationRow]) -> tuple[str, ...]:
    """Say the rows in lines: `proves torch: ...`, `does not prove speed: ...`."""
    return tuple(f"{'proves' if row.proved else 'does not prove'} {row.subject}: {row.text}" for row in rows)
