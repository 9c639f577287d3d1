"""Machines and the worlds around them, and how `auto` comes down its ladder there."""

from __future__ import annotations

import dataclasses

from scripts.errors import (
    BuildError,
    BusyError,
    DiskError,
    EngineError,
    IntegrityError,
    NetworkError,
    NoCandidateError,
)
from scripts.model.target import GB10, PythonVersion
from tests.support.machines import (
    DEAD_DOCKER,
    GIB,
    MISMATCH,
    MUSL,
    OLD_GLIBC,
    PC,
    PLAIN_DOCKER,
    gpus,
    interpreter,
    machine,
    spark,
    workstation,
)
from tests.unit.operations.climbs import ALL_GONE, Case, open_lanes

OUT_OF_REACH = NetworkError("the default index cannot be reached", reference="network-unreachable", hint="check")
NO_SOLUTION = NoCandidateError("what is pinned is not on the index", reference="no-solution", hint="another index")
TORN = IntegrityError("a downloaded file is not the pinned one", reference="hash-mismatch", hint="try again")
NO_BUILD = BuildError("uv failed", reference="uv-failed", hint="look")
NO_PULL = EngineError("the image cannot be pulled", reference="pull-refused", hint="log in")
REST = "not reached"

CPU_REFUSED = {"cpu": "refused", "source": "refused", "prebuilt": "refused"}
NO_ENGINE = {**CPU_REFUSED, "ngc": "refused"}
"""As of a machine with a GPU and no container engine."""
FIRST_THREE = {"pypi": "refused", "cu130": "refused", "cu132": "refused"}
LANES_GONE = dict.fromkeys(("cu130", "cu132", "cu129", "nvrtc-override"), "refused")
"""As of a GB10 where the PyTorch index is gone."""
OLDER_LANES = {"cu129": "refused", "cu128": "refused", "cu126": "refused"}
EVERY_GPU_RUNG = {**FIRST_THREE, **OLDER_LANES, "nvrtc-override": "refused", "onnx": "refused", **NO_ENGINE}
B200 = workstation(10, 0, name="NVIDIA B200", engines=())

CASES: dict[str, Case] = {
    "GB10, everything reachable": Case(facts=spark(), expected={**CPU_REFUSED, "pypi": "chosen"}, before=("pypi",)),
    "GB10, the PyTorch index gone": Case(
        facts=spark(engines=()), web=open_lanes(gone=ALL_GONE), expected={**NO_ENGINE, "pypi": "chosen"}
    ),
    "GB10, the default index gone": Case(
        facts=spark(engines=()),
        fails={"pypi": OUT_OF_REACH},
        expected={**NO_ENGINE, "pypi": "failed", "cu130": "chosen"},
        why={"pypi": "the default index cannot be reached"},
    ),
    "RTX 5090, a default index without torch, the PyTorch index gone, a wheelhouse": Case(
        facts=workstation(12, 0, engines=()),
        web=open_lanes(gone=ALL_GONE),
        said={"wheel": "WHEELHOUSE"},
        fails={"pypi": NO_SOLUTION},
        expected={
            **NO_ENGINE,
            **FIRST_THREE,
            **OLDER_LANES,
            "pypi": "failed",
            "nvrtc-override": "refused",
            "prebuilt": "chosen",
        },
        why={"cu130": "cannot be reached", "pypi": "is not on the index"},
    ),
    "GB10, both indexes gone, an engine": Case(
        facts=spark(),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            **LANES_GONE,
            "ngc": "chosen",
        },
    ),
    "GB10, nothing to be had at all": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH, "onnx": OUT_OF_REACH},
        expected="no-gpu-strategy",
    ),
    "GB10, the image cannot be pulled": Case(
        facts=spark(),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": TORN, "ngc": NO_PULL},
        verdicts={"onnx": "not-applicable"},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            **LANES_GONE,
            "ngc": "failed",
            "onnx": "chosen",
        },
        why={"pypi": "not the pinned one", "ngc": "cannot be pulled"},
    ),
    "GB10, the first fails verification": Case(
        facts=spark(),
        verdicts={"pypi": "broken"},
        expected={**CPU_REFUSED, "pypi": "failed", "cu130": "chosen"},
        why={"pypi": "pypi was found broken"},
        before=("pypi", "cu130"),
    ),
    "GB10, the first is undecided": Case(
        facts=spark(), verdicts={"pypi": "undecided"}, expected={**CPU_REFUSED, "pypi": "failed", "cu130": "chosen"}
    ),
    "GB10, the first needs the patch": Case(
        facts=spark(), verdicts={"pypi": "needed"}, expected={**CPU_REFUSED, "pypi": "second best", "cu130": "chosen"}
    ),
    "GB10, all need the patch or fail": Case(
        facts=spark(),
        verdicts={"pypi": "broken", **dict.fromkeys(("cu130", "cu132", "cu129", "nvrtc-override", "ngc"), "needed")},
        expected={
            **CPU_REFUSED,
            "pypi": "failed",
            "cu130": "chosen",
            **dict.fromkeys(("cu132", "cu129", "nvrtc-override", "ngc"), "second best"),
        },
    ),
    "GB10, cu130 empty": Case(
        facts=spark(),
        web=open_lanes(empty=("cu130",)),
        fails={"pypi": NO_BUILD},
        expected={**CPU_REFUSED, "pypi": "failed", "cu130": "refused", "cu132": "chosen"},
        why={"cu130": "cu130 has no torch for cp312 linux aarch64"},
    ),
    "GB10, an old torch is asked for": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=("cu130", "cu132", "cu129")),
        said={"torch": "2.11.0+cu128"},
        expected={
            **NO_ENGINE,
            **FIRST_THREE,
            "cu129": "refused",
            "nvrtc-override": "chosen",
        },
    ),
    "GB10, a driver for CUDA 12": Case(
        facts=spark(driver="570.86", cuda="12.8"),
        expected={
            **NO_ENGINE,
            **FIRST_THREE,
            "cu129": "chosen",
            "onnx": "refused",
        },
        why={"pypi": "the driver serves CUDA 12.8", "ngc": "the driver serves CUDA 12.8"},
    ),
    "GB10, --never": Case(
        facts=spark(),
        said={"never": ("pypi", "cu130")},
        expected={**CPU_REFUSED, "pypi": "refused", "cu130": "refused", "cu132": "chosen"},
        why={"pypi": "by --never"},
    ),
    "GB10, all but the CPU refused by name": Case(
        facts=spark(engines=()),
        said={"never": ("pypi", "cu130", "cu132", "cu129", "nvrtc-override", "onnx")},
        expected="no-gpu-strategy",
    ),
    "GB10, nightly builds": Case(
        facts=spark(engines=()), web=open_lanes(gone=ALL_GONE), said={"nightly": True}, expected="no-gpu-strategy"
    ),
    "GB10, the daemon down": Case(
        facts=spark(engines=(DEAD_DOCKER,)),
        expected={**NO_ENGINE, "pypi": "chosen"},
        why={"ngc": "docker: its daemon does not run"},
    ),
    "GB10, docker without the NVIDIA runtime": Case(
        facts=spark(engines=(PLAIN_DOCKER,)), expected={**NO_ENGINE, "pypi": "chosen"}, why={"ngc": "no NVIDIA runtime"}
    ),
    "GB10, too little disk for the image": Case(
        facts=spark(free=12 * GIB), expected={**NO_ENGINE, "pypi": "chosen"}, why={"ngc": "25 GB of disk"}
    ),
    "GB10, only onnx holds": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        verdicts={"pypi": "broken", "onnx": "not-applicable"},
        expected={
            **NO_ENGINE,
            "pypi": "failed",
            **LANES_GONE,
            "onnx": "chosen",
        },
    ),
    "GB10, onnx on the CPU after all": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        verdicts={"pypi": "broken", "onnx": "broken"},
        expected="no-gpu-strategy",
    ),
    "GB10, nothing holds, the CPU allowed": Case(
        facts=spark(engines=()),
        web=open_lanes(gone=ALL_GONE),
        said={"allow_cpu": True},
        verdicts={"pypi": "broken", "onnx": "broken"},
        expected={
            "source": "refused",
            "prebuilt": "refused",
            "ngc": "refused",
            "pypi": "failed",
            **LANES_GONE,
            "onnx": "failed",
            "cpu": "chosen",
        },
    ),
    "GB10, ONNX Runtime for the CPU is no rung": Case(
        facts=spark(engines=()), said={"source": "cpu"}, expected="no-gpu-strategy"
    ),
    "RTX 5090": Case(facts=workstation(12, 0, name="RTX 5090"), expected={**CPU_REFUSED, "pypi": "chosen"}),
    "RTX 5090, the PyTorch and the default index gone": Case(
        facts=workstation(12, 0, engines=()),
        web=open_lanes(gone=ALL_GONE),
        fails={"pypi": OUT_OF_REACH, "onnx": OUT_OF_REACH},
        expected="no-gpu-strategy",
    ),
    "RTX 5090, a driver for CUDA 12": Case(
        facts=workstation(12, 0, driver="570.86", cuda="12.8", engines=()),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "chosen", "onnx": "refused"},
    ),
    "H100": Case(facts=workstation(9, 0, name="NVIDIA H100"), expected={**CPU_REFUSED, "pypi": "chosen"}),
    "H100, an old driver, cu129 gone": Case(
        facts=workstation(9, 0, driver="535.104", cuda="12.2", engines=()),
        web=open_lanes(gone=("cu129",)),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "refused", "cu128": "chosen", "onnx": "refused"},
    ),
    "H100, another Python than the image's": Case(
        facts=dataclasses.replace(workstation(9, 0), host=machine(interpreters=(interpreter("3.11.9"),)).host),
        web=open_lanes(gone=ALL_GONE),
        said={"python": PythonVersion(3, 11)},
        fails={"pypi": TORN},
        expected={**EVERY_GPU_RUNG, "pypi": "failed", "onnx": "chosen"},
        why={"ngc": "has Python 3.12"},
    ),
    "T4": Case(facts=workstation(7, 5, name="Tesla T4", engines=()), expected={**NO_ENGINE, "pypi": "chosen"}),
    "A100, Python 3.12": Case(facts=workstation(8, 0, engines=()), expected={**NO_ENGINE, "pypi": "chosen"}),
    "B200": Case(facts=B200, expected={**NO_ENGINE, "pypi": "chosen"}),
    "V100, which CUDA 13 dropped": Case(
        facts=workstation(7, 0, name="Tesla V100", engines=()),
        expected={**NO_ENGINE, **FIRST_THREE, "cu129": "chosen"},
        why={"pypi": "no kernel image for 7.0", "cu130": "CUDA 13.0 no longer compiles for 7.0"},
    ),
    "a GPU that none has heard of": Case(
        facts=workstation(13, 0, engines=()),
        expected={**NO_ENGINE, "pypi": "refused", "cu130": "chosen"},
        why={"pypi": "no kernel image for 13.0"},
    ),
    "two GPUs of which the first counts": Case(
        facts=dataclasses.replace(
            spark(),
            gpu=dataclasses.replace(spark().gpu, gpus=(*spark().gpu.gpus, *B200.gpu.gpus)),
        ),
        expected={**CPU_REFUSED, "pypi": "chosen"},
    ),
    "a driver mismatch": Case(facts=MISMATCH, expected="no-gpu-strategy"),
    "a driver mismatch, the CPU allowed": Case(
        facts=MISMATCH,
        said={"allow_cpu": True},
        expected={**EVERY_GPU_RUNG, "cpu": "chosen"},
        why={"onnx": "Driver/library version mismatch"},
    ),
    "no GPU": Case(facts=PC, expected={**EVERY_GPU_RUNG, "cpu": "chosen"}, before=("cpu",)),
    "no GPU, aarch64": Case(facts=machine(architecture="aarch64"), expected={**EVERY_GPU_RUNG, "cpu": "chosen"}),
    "no GPU, the CPU refused by name": Case(facts=PC, said={"never": ("cpu",)}, expected="no-strategy"),
    "no GPU, no index": Case(facts=PC, fails={"cpu": OUT_OF_REACH}, expected="network-unreachable"),
    "musl": Case(facts=MUSL, expected="no-strategy"),
    "an old glibc and a GPU": Case(
        facts=dataclasses.replace(OLD_GLIBC, gpu=gpus(GB10, driver="580.95.05", cuda="13.0")), expected="no-strategy"
    ),
    "a full disk ends it": Case(
        facts=spark(), fails={"pypi": DiskError("no space", reference="disk-full")}, expected="disk-full"
    ),
    "a lock that is held ends it": Case(
        facts=spark(), fails={"pypi": BusyError("held", reference="busy")}, expected="busy"
    ),
}
