"""The parameters of Kokoro's int8 ONNX export, dequantised, under the names that torch gives them.

The export is onnxruntime's dynamic quantisation of the fp32 graph: weights are int8 with a scale and a zero point
(`X_quantized`, `X_scale`), biases stay float. Some initialisers keep their torch names; the others are found through
the node that uses them, whose path is the module's. All arithmetic is float64 and element by element, so that x86_64
and aarch64 give the same bits.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

_QUANTISED = "_quantized"
# Paths of the graph's nodes against those of torch's modules.
_RENAMES = (
    (r"^decoder\.decoder\.", "decoder."),
    (r"^encoder\.(F0|N)\.", r"predictor.\1."),
    (r"^encoder\.(F0_proj|N_proj|shared)$", r"predictor.\1"),
    (r"^encoder\.", ""),
    (r"cnn\.(\d)\.cnn\.\1\.0$", r"cnn.\1.0"),  # the exporter repeats the path inside a Sequential
    (r"asr_res\.asr_res\.0", "asr_res.0"),
)


class Parameters:
    """Collects {torch name: float32 array}. A name that comes twice must bring the same values."""

    def __init__(self, initialisers: dict[str, Any]) -> None:
        self.initialisers = initialisers
        self.found: dict[str, Any] = {}

    def put(self, name: str, values: Any) -> None:
        """Keep an array (row-major float32) under its torch name."""
        import numpy as np

        values = np.ascontiguousarray(values, dtype=np.float32)
        if name in self.found and not np.array_equal(self.found[name], values):
            raise ProbeFailure(f"the ONNX file holds two different values of {name}")
        self.found[name] = values

    def dequantise(self, quantised: str, zero_point: str) -> Any:
        """Give (q - zero point) x scale: per tensor, per last axis (MatMul), or per direction (LSTM)."""
        import numpy as np

        values = self.initialisers[quantised].astype(np.float64)
        scale = self.initialisers[quantised.removesuffix(_QUANTISED) + "_scale"].astype(np.float64)
        zero = self.initialisers[zero_point].astype(np.float64)
        if values.ndim == 3 and scale.ndim == 1:  # an LSTM's (direction, input, 4 x hidden), one scale a direction
            scale = scale[:, None, None]
            zero = zero[:, None, None] if zero.ndim else zero
        return ((values - zero) * scale).astype(np.float32)


def read_parameters(path: Path) -> dict[str, Any]:
    """Read kokoro-v1.0.int8.onnx: 457 float32 arrays by torch name, weight norm already folded in by the exporter.

    Needs the `onnx` package. Raises ProbeFailure where the file is not that export.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
        parameters = Parameters({item.name: numpy_helper.to_array(item) for item in graph.initializer})
        _named(parameters)
        for node in graph.node:
            _used(parameters, node.op_type, node.name, list(node.input))
    except (KeyError, IndexError, ValueError) as error:
        raise ProbeFailure(f"{path} is not Kokoro's int8 ONNX export: {error!r}") from error
    return parameters.found


def _named(parameters: Parameters) -> None:
    """Take the float parameters that keep their torch names."""
    derived = (_QUANTISED, "_scale", "_zero_point", "reshape_shape")
    for name, values in parameters.initialisers.items():
        if name.startswith(("encoder.", "decoder.")) and not name.endswith(derived) and ".stft." not in name:
            parameters.put(_parameter_name(name), values)


def _used(parameters: Parameters, operator: str, path: str, inputs: list[str]) -> None:
    """Take what one node of the graph uses. Weights of a MatMul are stored transposed, (in, out)."""
    known = parameters.initialisers
    weight = _module_name(path) + ".weight"
    if operator == "ConvInteger":
        parameters.put(weight, parameters.dequantise(inputs[1], inputs[3]))
    elif operator in {"Conv", "ConvTranspose"} and "istft" not in path:
        parameters.put(weight, known[inputs[1]])
    elif operator == "MatMulInteger" and inputs[1] in known:
        base = inputs[1].removesuffix(_QUANTISED)
        name = _parameter_name(base) if base.endswith(".weight") else _shared(weight)
        parameters.put(name, parameters.dequantise(inputs[1], inputs[3]).T)
    elif operator == "MatMul" and inputs[1] in known:
        parameters.put(_shared(weight), known[inputs[1]].T)
    elif operator == "DequantizeLinear":  # an embedding: Gather has no quantised form
        base = inputs[1].removesuffix("_scale")
        parameters.put(_parameter_name(base), parameters.dequantise(base + _QUANTISED, inputs[2]))
    elif operator == "DynamicQuantizeLSTM":
        _lstm(parameters, _module_name(path), inputs)


def _lstm(parameters: Parameters, module: str, inputs: list[str]) -> None:
    """Take a bidirectional LSTM of one layer.

    ONNX orders the gates input, output, forget, cell; torch orders them input, forget, cell, output.
    """
    import numpy as np

    of_input = parameters.dequantise(inputs[1], inputs[9])
    of_hidden = parameters.dequantise(inputs[2], inputs[11])
    bias = parameters.initialisers[inputs[3]]
    hidden = of_hidden.shape[1]

    def reorder(rows: Any) -> Any:
        gates = [rows[start * hidden : (start + 1) * hidden] for start in (0, 2, 3, 1)]
        return np.concatenate(gates)

    for direction, suffix in enumerate(("", "_reverse")):
        parameters.put(f"{module}.weight_ih_l0{suffix}", reorder(of_input[direction].T))
        parameters.put(f"{module}.weight_hh_l0{suffix}", reorder(of_hidden[direction].T))
        parameters.put(f"{module}.bias_ih_l0{suffix}", reorder(bias[direction][: 4 * hidden]))
        parameters.put(f"{module}.bias_hh_l0{suffix}", reorder(bias[direction][4 * hidden :]))


def _module_name(path: str) -> str:
    """Turn a node's path, `/encoder/bert/.../query/MatMul`, into its torch module's."""
    name = ".".join(path.strip("/").split("/")[:-1])
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _parameter_name(initialiser: str) -> str:
    """Turn an initialiser's name into its torch parameter's."""
    return re.sub(r"^decoder\.decoder\.", "decoder.", initialiser.removeprefix("encoder."))


def _shared(name: str) -> str:
    """Take off the number by which the exporter tells the 12 uses of ALBERT's one layer apart."""
    return re.sub(r"_\d+\.weight$", ".weight", name)
