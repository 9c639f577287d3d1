"""Sessions of ONNX Runtime: what it does in silence is a failure here. A stand-in takes its place."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scripts.inside import onnx_device, onnx_session, onnx_speak, onnx_synthesis
from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_session import CPU, CUDA, load_runtime, open_session, read_profile, why_no_cuda

GB10 = {"name": "NVIDIA GB10", "capability": "12.1", "count": 1}


class Session:
    """What a session becomes: the CPU's alone where the provider cannot be loaded."""

    loads_cuda = True
    raises: Exception | None = None

    def __init__(self, model: str, options: Any, *, providers: list[Any], enable_fallback: int) -> None:
        if self.raises is not None:
            raise self.raises
        assert enable_fallback == 0, "another fall-back to the CPU"
        names = [one if isinstance(one, str) else one[0] for one in providers]
        self.model, self.options = model, options
        self.settings = [one[1] for one in providers if not isinstance(one, str)]
        self.providers = [name for name in names if name != CUDA or self.loads_cuda]

    def get_providers(self) -> list[str]:
        return self.providers

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("tokens", "style", "speed")]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="audio")]


class Options:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def add_session_config_entry(self, name: str, value: str) -> None:
        self.entries[name] = value


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build for CUDA, with a GPU."""
    module = ModuleType("onnxruntime")
    module.__file__ = "/env/site-packages/onnxruntime/__init__.py"
    module.__version__ = "1.31.1"  # type: ignore[attr-defined]
    module.cuda_version = "13.0"  # type: ignore[attr-defined]
    module.get_available_providers = lambda: [CUDA, CPU]  # type: ignore[attr-defined]
    module.preload_dlls = lambda: None  # type: ignore[attr-defined]
    module.InferenceSession = type("Session", (Session,), {})  # type: ignore[attr-defined]
    module.SessionOptions = Options  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    for user in (onnx_session, onnx_device, onnx_speak):
        monkeypatch.setattr(user, "first_device", lambda: (GB10, ""))
    return module


def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for user in (onnx_session, onnx_device, onnx_speak):
        monkeypatch.setattr(user, "first_device", lambda: (None, "there is no CUDA driver"))


def failure(call: Any, *arguments: Any, **options: Any) -> ProbeFailure:
    with pytest.raises(ProbeFailure) as caught:
        call(*arguments, **options)
    return caught.value


def test_the_runtime_and_its_build(runtime: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_runtime() == (runtime, "13.0")
    monkeypatch.setattr(runtime, "cuda_version", "")
    monkeypatch.setattr(runtime, "preload_dlls", None)
    assert load_runtime() == (runtime, None)


def test_a_runtime_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert failure(load_runtime).detail == {"cause": "import"}


def test_on_the_gpu(runtime: ModuleType) -> None:
    session = open_session(runtime, "m.onnx", "cuda", build="13.0")
    assert session.get_providers() == [CUDA, CPU]
    assert session.settings == [{"use_tf32": "0"}]


def test_on_the_cpu_the_gpus_provider_is_not_even_asked_for(runtime: ModuleType) -> None:
    assert open_session(runtime, "m.onnx", "cpu", build="13.0").get_providers() == [CPU]


def test_a_provider_that_cannot_be_loaded_is_never_the_cpu_in_silence(runtime: ModuleType) -> None:
    runtime.InferenceSession.loads_cuda = False
    found = failure(open_session, runtime, "m.onnx", "cuda", build="13.0")
    assert found.detail == {"cause": "provider", "providers": [CPU]}
    assert "could not be loaded" in found.message


@pytest.mark.parametrize(("device", "cause"), [("cuda", "provider"), ("cpu", "model")])
def test_a_session_that_raises(runtime: ModuleType, device: str, cause: str) -> None:
    runtime.InferenceSession.raises = RuntimeError("cuDNN")
    found = failure(open_session, runtime, "m.onnx", device, build="13.0")
    assert found.detail == {"cause": cause}
    assert "cuDNN" in found.message


def test_no_gpu_and_no_build_for_one(runtime: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_no_cuda(runtime, "13.0") == ""
    assert why_no_cuda(runtime, None) == "ONNX Runtime 1.31.1 is its CPU build"
    assert failure(open_session, runtime, "m.onnx", "cuda", build=None).detail == {"cause": "no-gpu"}
    no_gpu(monkeypatch)
    found = failure(open_session, runtime, "m.onnx", "cuda", build="13.0")
    assert found.detail == {"cause": "no-gpu"}
    assert "no CUDA driver" in found.message


def test_threads_and_waiting_are_openmps(runtime: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    options = open_session(runtime, "m.onnx", "cpu", build=None).options
    assert options.intra_op_num_threads == 3
    assert options.entries == {"session.intra_op.allow_spinning": "0"}
    monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    options = open_session(runtime, "m.onnx", "cpu", build=None).options
    assert not hasattr(options, "intra_op_num_threads")
    assert options.entries == {}


def event(provider: str, operator: str, *, name: str = "node_kernel_time", category: str = "Node") -> dict[str, Any]:
    return {"cat": category, "name": name, "args": {"provider": provider, "op_name": operator}}


def test_a_profile(tmp_path: Path) -> None:
    events = [
        event(CUDA, "Conv"),
        event(CUDA, "FusedMatMul"),
        event(CPU, "DynamicQuantizeLSTM"),
        event(CPU, "Shape"),
        event(CPU, "Conv", name="node_fence_before"),
        {"cat": "Session", "name": "model_run"},
    ]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(events))
    assert read_profile(path) == {
        "nodes": {CUDA: 2, CPU: 2},
        "computing": {CUDA: 2, CPU: 1},
        "computing_elsewhere": {"DynamicQuantizeLSTM": 1},
    }


@pytest.mark.parametrize(
    ("computing", "device", "share", "told"),
    [
        ({CUDA: 274}, "cuda", 1.0, None),
        ({CUDA: 260, CPU: 14}, "cuda", 0.949, None),
        ({CUDA: 182, CPU: 93}, "cuda", 0.662, "66% of the work's nodes"),
        ({CPU: 275}, "cuda", 0.0, "87 ConvInteger"),
        ({}, "cuda", 0.0, "unknown"),
        ({CPU: 275}, "cpu", 0.0, None),
    ],
)
def test_where_the_work_was(computing: dict[str, int], device: str, share: float, told: str | None) -> None:
    elsewhere = {"ConvInteger": 87} if CPU in computing else {}
    detail: dict[str, Any] = {"computing": computing, "computing_elsewhere": elsewhere}
    if told is None:
        onnx_synthesis._check_placement(device, detail)
    else:
        found = failure(onnx_synthesis._check_placement, device, detail)
        assert found.detail["cause"] == "placement"
        assert told in found.message
    assert detail["share_on_cuda"] == share


def test_auto_takes_the_gpu_and_says_where_it_could_not(runtime: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def auto(build: str | None) -> tuple[str, list[str]]:
        notes: list[str] = []
        _, device = onnx_speak._session(runtime, "m.onnx", "auto", build, notes)
        return device, notes

    assert auto("13.0") == ("cuda", [])
    assert auto(None) == ("cpu", []), "the CPU's build was chosen as such"
    runtime.InferenceSession.loads_cuda = False
    device, (note,) = auto("13.0")
    assert device == "cpu"
    assert "built for CUDA 13.0, but the session was asked for CUDAExecutionProvider" in note
    no_gpu(monkeypatch)
    assert "no CUDA driver: spoken on the CPU" in auto("13.0")[1][0]


def test_cuda_by_name_is_never_answered_with_the_cpu(runtime: ModuleType) -> None:
    runtime.InferenceSession.loads_cuda = False
    assert failure(onnx_speak._session, runtime, "m.onnx", "cuda", "13.0", []).detail["cause"] == "provider"


def test_the_device_probe(runtime: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    del runtime
    monkeypatch.setattr(metadata, "version", lambda _: "0.6.1")
    found = onnx_device.run({"model": "m.onnx", "cuda": True})
    assert (found["cuda"], found["device"], found["problem"], found["session"]) == ("13.0", GB10, None, [CUDA, CPU])
    assert onnx_device.run({"model": "m.onnx", "cuda": False})["session"] == [CPU]
    assert onnx_device.run({})["session"] is None
    no_gpu(monkeypatch)
    found = onnx_device.run({"model": "m.onnx", "cuda": True})
    assert (found["device"], found["problem"], found["session"]) == (None, "there is no CUDA driver", [CPU])


def test_the_device_probe_keeps_what_it_knew_where_the_session_fails(
    runtime: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "0.6.1")
    runtime.InferenceSession.loads_cuda = False
    found = failure(onnx_device.run, {"model": "m.onnx", "cuda": True})
    assert found.detail["cause"] == "provider"
    assert found.detail["cuda"] == "13.0"
    assert found.detail["device"] == GB10
