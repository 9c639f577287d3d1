"""Observations to judge, made short."""

from __future__ import annotations

from typing import Any

from scripts.model.evidence import Observation, Outcome
from scripts.verification.evidence import KOKORO_OPERATIONS, Evidence

REFUSED = "nvrtc: error: invalid value for --gpu-architecture (-arch)"
RIGHT = {
    "finite": True,
    "identical": False,
    "samples": 16800,
    "samples_reference": 16800,
    "snr_db": 62.0,
    "gain_db": 0.0,
}
GARBAGE = RIGHT | {"snr_db": -0.4, "gain_db": 3.0}


def passed(probe: str, **detail: Any) -> Observation:
    return Observation(probe=probe, outcome=Outcome.PASSED, detail=detail, seconds=0.5)


def ended(probe: str, outcome: Outcome, error: str = "it failed", **detail: Any) -> Observation:
    return Observation(probe=probe, outcome=outcome, error=error, detail=detail)


def device(capability: str | None = "12.1", **changes: Any) -> Observation:
    gpu = None if capability is None else {"name": "NVIDIA GB10", "capability": capability}
    detail: dict[str, Any] = {
        "torch": "2.15.0+cu132",
        "torch_folder": "/env/lib/python3.12/site-packages/torch",
        "built_with_cuda": True,
        "cuda": "13.2",
        "driver": "580.126.09",
        "driver_devices": None,
        "device": gpu,
        "problem": None if gpu else "Found no NVIDIA driver on your system.",
        "simulated": False,
    }
    return passed("device", **(detail | changes))


def cpu_build(**changes: Any) -> Observation:
    return device(None, torch="2.15.0+cpu", built_with_cuda=False, cuda=None, problem=None, **changes)


def device_code(**runs: str) -> Observation:
    return passed("device-code", runs={name.removeprefix("cc").replace("_", "."): code for name, code in runs.items()})


def nvrtc(
    *, ok: bool = True, code: int = 5, name: str = "NVRTC_ERROR_INVALID_OPTION", log: str = REFUSED
) -> Observation:
    answer = {"ok": ok, "code": 0 if ok else code, "name": "NVRTC_SUCCESS" if ok else name, "log": "" if ok else log}
    return passed(
        "nvrtc",
        version="13.2" if ok else "12.8",
        supported=["sm_120", "sm_121"] if ok else ["sm_120"],
        compiles={"sm_121": answer, "sm_90": answer},
        library="/env/lib/libnvrtc.so",
        found_by="loaded by torch",
    )


def spoke(mode: str, where: str, **detail: Any) -> Observation:
    values = {"seconds_of_sound": 0.7, "synthesis_seconds": 0.5, "kernels": [], "bridge": None}
    return passed(f"kokoro.{mode}.{where}", **(values | detail))


def sound(mode: str, where: str, **changes: Any) -> Observation:
    return passed(f"sound.{mode}.{where}", **(RIGHT | changes))


def working(**replacements: Observation | None) -> Evidence:
    """All of a GPU where everything works. A name with `_` for `.` and `-` replaces one observation; None drops it."""
    made = [device(), device_code(cc12_1="cubin sm_120", cc9_0="none"), nvrtc(), spoke("stock", "cpu")]
    made += [passed(f"canary.{name}", max_error=1e-6, kernels=[name]) for name in (*KOKORO_OPERATIONS, "prod")]
    for mode in ("stock", "bridged", "disable_complex"):
        made += [spoke(mode, "cuda"), sound(mode, "cuda")]
    swaps = dict(replacements)
    kept = []
    for one in made:
        key = one.probe.replace(".", "_").replace("-", "_")
        swapped = swaps.pop(key, one)
        if swapped is not None:
            kept.append(swapped)
    assert not swaps, f"no such observations: {sorted(swaps)}"
    return Evidence.of(kept)


def failing_nvrtc(**replacements: Observation | None) -> Evidence:
    """All of a GPU that NVRTC does not know: run-time kernels fail, the bridge works."""
    swaps: dict[str, Observation | None] = {
        "nvrtc": nvrtc(ok=False),
        "kokoro_stock_cuda": ended("kokoro.stock.cuda", Outcome.FAILED, f"RuntimeError: {REFUSED}"),
        "sound_stock_cuda": ended("sound.stock.cuda", Outcome.SKIPPED, "there are no two sounds to compare"),
    }
    for name in (*KOKORO_OPERATIONS, "prod"):
        swaps[f"canary_{name}"] = ended(f"canary.{name}", Outcome.FAILED, f"RuntimeError: {REFUSED}")
    return working(**(swaps | replacements))
