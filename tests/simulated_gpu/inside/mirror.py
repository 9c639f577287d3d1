"""Every operation on the simulated device for real, then the CPU's values into its results.

The device's kernels compute nothing. So each operation runs twice: on the device (dispatcher, Jiterator, NVRTC, calls
to cuBLAS, cuDNN and cuFFT, launches), which makes its results with whatever their memory held; and on the CPU, over the
same memory, whose values are then written into these results. An operation that cannot be run on the CPU and has no
rule in cuda_only.py is an error: no result is ever left as it was.

Where the shape of a result depends on values, the device cannot tell it: these operations run on the CPU alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .cuda_only import RULES
from .faults import Noise
from .host_memory import CPU, NotSimulatedError, each_tensor, on_host, upload, write
from .operations import Traits, by_name, has_mask, traits_of

COPIES = frozenset({"aten::_to_copy", "aten::copy_"})
FLATTENED = "aten::_cudnn_rnn_flatten_weight"


class Mirror(TorchDispatchMode):  # type: ignore[misc] # torch is not installed where mypy runs
    """Gives operations on the simulated device their values, in the thread that entered it."""

    def __init__(self, garbage: str = "") -> None:
        super().__init__()
        self._noise = Noise(garbage)

    def __torch_dispatch__(self, operation: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation. Raises NotSimulatedError, which names it, where its values are not known."""
        kwargs = kwargs or {}
        if not _is_on_device(args) and not _is_on_device(kwargs):
            return operation(*args, **kwargs)
        traits = traits_of(operation)
        if traits.is_composite:
            with self:
                return operation.decompose(*args, **kwargs)
        if traits.is_view or traits.has_no_values:
            return operation(*args, **kwargs)
        try:
            results = _run(operation, traits, args, kwargs)
        except NotSimulatedError as error:
            raise NotSimulatedError(f"the simulated GPU has no values for {operation}: {error}") from error
        if self._noise.concerns(traits.name):
            self._noise.spoil(results)
        return results


def enter_mirror(garbage: str) -> None:
    """Enter a mirror for as long as this process lives; printing, for which torch leaves every mode, stays in it."""
    mirror = Mirror(garbage)
    mirror.__enter__()
    printed = torch._tensor_str._str_intern

    def print_in_mirror(*args: Any, **kwargs: Any) -> str:
        with mirror:
            text: str = printed(*args, **kwargs)
            return text

    torch._tensor_str._str_intern = print_in_mirror
    torch.compile = _compile


def _compile(model: Any = None, **options: Any) -> Any:
    """Stand in for torch.compile, which in a dispatch mode compiles nothing, says nothing and so seems to work."""
    if model is None:
        return functools.partial(_compile, **options)

    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise NotSimulatedError("torch.compile is not simulated: beside the values of operations it compiles nothing")

    return refuse


def _run(operation: Any, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if traits.name in COPIES:
        return _copy(operation, traits, args, kwargs)
    if traits.name == FLATTENED:
        return _flatten(operation, args, kwargs)
    with _random_numbers(args, kwargs) if traits.draws else contextlib.nullcontext():
        values, changed = _on_cpu(operation, traits, args, kwargs)
    if traits.gives_scalars:
        return values
    if traits.sizes_by_value or has_mask(traits, args):
        return _made_of(values, changed)
    results = operation(*args, **kwargs)
    for target, expected in changed:
        _fill(target, expected)
    _fill_results(traits, results, values)
    return results


def _is_on_device(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return bool(value.is_cuda)
    if isinstance(value, torch.device):
        return bool(value.type == "cuda")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(_is_on_device(part) for part in parts)


def _copy(operation: Any, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Copy, which the device does with a kernel where strides or types differ; without the way over another tensor."""
    source = on_host(args[1] if traits.written else args[0])
    if traits.written and args[0].untyped_storage().data_ptr() == source.untyped_storage().data_ptr():
        source = source.clone()  # the device may really have moved these bytes before we do
    result = operation(*args, **kwargs)
    write(result, source)
    return result


def _flatten(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let cuDNN lay an RNN's weights out in one buffer, into which their tensors then point."""
    kept = [on_host(weight).clone() for weight in args[0]]
    buffer = operation(*args, **kwargs)
    for weight, values in zip(args[0], kept):  # noqa: B905 - Python 3.10 could, but these are one list
        write(weight, values)
    return buffer


def _on_cpu(
    operation: Any, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Run on the CPU; give the results, and each written argument with the values that it must have.

    Arguments that are read are the device's own memory. Those that are written are copies: the device's path may move
    bytes for real (cudaMemcpy, cudaMemset do), so the values go into them last.
    """
    named = by_name(traits, args, kwargs)
    given = {name: _given(value, is_copied=name in traits.written) for name, value in named.items()}
    places = list(given)[: len(args)]
    rest = {name: value for name, value in given.items() if name not in places}
    try:
        values = RULES.get(operation, operation)(*(given[name] for name in places), **rest)
    except NotImplementedError as error:
        reason = str(error).partition(". ")[0] or "no CPU kernel"  # the rest lists every backend
        raise NotSimulatedError(reason) from error
    pairs = [
        pair
        for name in traits.written & set(named)
        for pair in zip(each_tensor(named[name]), each_tensor(given[name]))  # noqa: B905 - of one shape
    ]
    return values, pairs


def _given(value: Any, *, is_copied: bool) -> Any:
    """Make an argument one for the CPU."""
    if isinstance(value, torch.Tensor):
        place = on_host(value)
        return place.clone() if is_copied else place
    if isinstance(value, torch.device):
        return CPU
    if isinstance(value, torch.Generator):
        return None  # the numbers come from the default one, see _random_numbers
    if isinstance(value, (list, tuple)):
        return type(value)(_given(part, is_copied=is_copied) for part in value)
    return value


def _made_of(values: Any, changed: list[tuple[torch.Tensor, torch.Tensor]]) -> Any:
    """Make device results of the CPU's alone: what was written to, else new tensors."""
    for target, expected in changed:
        if target.shape != expected.shape:
            target.resize_(expected.shape)
        write(target, expected)
    if changed:
        targets = [target for target, _ in changed]
        return targets[0] if len(targets) == 1 else tuple(targets)
    if isinstance(values, torch.Tensor):
        return upload(values)
    return tuple(upload(one) for one in values)


def _fill_results(traits: Traits, results: Any, values: Any) -> None:
    """Write the values into the results that are no argument. Numbers, and results without values, stay."""
    found = results if isinstance(results, tuple) else (results,)
    expected = values if isinstance(values, tuple) else (values,)
    for one, other, is_argument in zip(found, expected, traits.returns_written):  # noqa: B905 - one schema
        if is_argument or other is None:
            continue
        for target, wanted in zip(each_tensor(one), each_tensor(other)):  # noqa: B905 - one schema
            _fill(target, wanted)


def _fill(target: torch.Tensor, values: torch.Tensor) -> None:
    if target.shape != values.shape:
        shapes = f"{tuple(target.shape)} on the device, {tuple(values.shape)} on the CPU"
        raise NotSimulatedError(f"its result is {shapes}")
    write(target, values)


@contextlib.contextmanager
def _random_numbers(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
    """Draw from the CPU's generator, seeded by the state that the device's has, and leave it as it was.

    So a seed given to the device decides its numbers, and drawing there does not change what the CPU draws.
    """
    given = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Generator)]
    torch.cuda.init()
    device = given[0] if given else torch.cuda.default_generators[torch.cuda.current_device()]
    digest = hashlib.blake2b(bytes(device.get_state().tolist()), digest_size=8).digest()
    kept = torch.get_rng_state()
    torch.default_generator.manual_seed(int.from_bytes(digest, "big") >> 1)
    try:
        yield
    finally:
        torch.set_rng_state(kept)
