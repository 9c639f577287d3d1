"""Kokoro's int8 ONNX export with its weights turned back into float32, for a GPU.

ONNX Runtime has no CUDA kernels for ConvInteger, DynamicQuantizeLinear and DynamicQuantizeLSTM: on a GPU the int8 graph
runs its convolutions and LSTMs on the CPU, however the provider is called. The weights are the same numbers that
convert.py gives PyTorch; only the activations are no longer rounded to 8 bits. All arithmetic on weights is float64
and element by element, so that any machine writes the same file.

    ConvInteger (+ Add of a rounded bias) -> Cast -> Mul of the scales    becomes Conv with the float bias
    MatMulInteger -> Cast -> Mul of the scales                            becomes MatMul
    DynamicQuantizeLSTM                                                   becomes LSTM
    Gather of int8 -> DequantizeLinear                                    becomes Gather of float32
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_parameters import Parameters

_QUANTISED = "_quantized"
_FLOAT = "_float"


def write_float32(source: Path, target: Path) -> None:
    """Write the float32 graph of `source` (see above) to `target`. Needs the `onnx` package.

    Raises ProbeFailure where `source` is not that export or `target` cannot be written.
    """
    import onnx
    from onnx import numpy_helper

    try:
        model = onnx.load(str(source))
        initialisers = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        _Rewriting(model.graph, initialisers).apply()
    except (KeyError, IndexError, ValueError) as error:
        raise ProbeFailure(f"{source} is not Kokoro's int8 ONNX export: {error!r}") from error
    try:
        target.write_bytes(model.SerializeToString(deterministic=True))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProbeFailure(f"{target} could not be written: {reason}", {"cause": "not-writable"}) from error


class _Rewriting:
    """One graph being rewritten. Nodes take the place of the last node of what they replace."""

    def __init__(self, graph: Any, initialisers: dict[str, Any]) -> None:
        self.graph = graph
        self.parameters = Parameters(initialisers)
        self.makers = {output: node for node in graph.node for output in node.output}
        self.users: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.replaced: dict[str, Any] = {}
        self.weights: dict[str, Any] = {}

    def apply(self) -> None:
        """Rewrite the graph in place."""
        rewrite = {
            "ConvInteger": self._product,
            "MatMulInteger": self._product,
            "DynamicQuantizeLSTM": self._lstm,
            "DequantizeLinear": self._embedding,
        }
        for node in self.graph.node:
            if node.op_type in rewrite:
                rewrite[node.op_type](node)
        self._keep_what_is_used([self.replaced.get(node.name, node) for node in self.graph.node])

    def _product(self, node: Any) -> None:
        """Rewrite a convolution or a matrix product of integers."""
        from onnx import helper

        values = self.makers[node.input[0]].input[0]  # what DynamicQuantizeLinear rounds
        inputs = [values, self._weight(node.input[1], node.input[3])]
        following = self._user(node.output[0])
        if following.op_type == "Add":
            inputs.append(self._bias(following.input[1]))
            following = self._user(following.output[0])
        last = self._user(following.output[0])
        if (following.op_type, last.op_type) != ("Cast", "Mul"):
            raise ValueError(f"after {node.name} come {following.op_type} and {last.op_type}")
        kind = "Conv" if node.op_type == "ConvInteger" else "MatMul"
        made = helper.make_node(kind, inputs, [last.output[0]], name=node.name)
        if kind == "Conv":
            made.attribute.extend(node.attribute)
        self.replaced[last.name] = made

    def _lstm(self, node: Any) -> None:
        """Rewrite an LSTM. Quantised weights are stored (direction, in, 4 x hidden), float ones the other way round."""
        from onnx import helper

        inputs = list(node.input)
        of_input = self._weight(inputs[1], inputs[9], axes=(0, 2, 1))
        of_hidden = self._weight(inputs[2], inputs[11], axes=(0, 2, 1))
        taken = [inputs[0], of_input, of_hidden, *inputs[3:8]]
        while not taken[-1]:
            taken.pop()
        made = helper.make_node("LSTM", taken, list(node.output), name=node.name)
        made.attribute.extend(node.attribute)
        self.replaced[node.name] = made

    def _embedding(self, node: Any) -> None:
        """Rewrite the look-up in a table of int8."""
        from onnx import helper

        gather = self.makers[node.input[0]]
        table = self._weight(gather.input[0], node.input[2])
        made = helper.make_node("Gather", [table, gather.input[1]], list(node.output), name=node.name)
        made.attribute.extend(gather.attribute)
        self.replaced[node.name] = made

    def _weight(self, quantised: str, zero_point: str, axes: tuple[int, ...] | None = None) -> str:
        """Keep a weight as float32; give its name."""
        import numpy as np

        name = quantised.removesuffix(_QUANTISED) + _FLOAT
        if name not in self.weights:
            values = self.parameters.dequantise(quantised, zero_point)
            self.weights[name] = np.ascontiguousarray(values if axes is None else values.transpose(axes))
        return name

    def _bias(self, name: str) -> str:
        """Find the float bias that the graph divides by its scale, rounds and reshapes as it runs."""
        maker = self.makers[name]
        while maker.op_type != "Div":
            maker = self.makers[maker.input[0]]
        bias = str(maker.input[0])
        if bias not in self.parameters.initialisers:
            raise ValueError(f"{bias} is no bias")
        return bias

    def _user(self, name: str) -> Any:
        """Give the one node that uses a value."""
        (user,) = self.users[name]
        return user

    def _keep_what_is_used(self, nodes: list[Any]) -> None:
        from onnx import numpy_helper

        graph = self.graph
        needed = {output.name for output in graph.output}
        kept: list[Any] = []
        for node in reversed(nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        weights = [item for item in graph.initializer if item.name in needed]
        weights += [numpy_helper.from_array(values, name) for name, values in self.weights.items() if name in needed]
        del graph.node[:], graph.initializer[:], graph.value_info[:]  # the shapes noted there are of what is gone
        graph.node.extend(reversed(kept))
        graph.initializer.extend(weights)
