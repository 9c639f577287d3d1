"""Simulated GPUs for tests, and the environments that they are simulated for.

Without a compiler a test is skipped, with the reason; in CI, which installs one, that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pytest

from scripts.errors import NoCandidateError, UsageError
from scripts.operations.context import Context
from scripts.operations.site import this_machine
from tests.simulated_gpu.environments import newest_torch, torch_environment
from tests.simulated_gpu.gpu import RunningGpu, SimulatedGpu
from tests.simulated_gpu.remembering import RememberingRunner

PYTHON_VARIABLE = "KOKORO_SPARK_SIMULATED_PYTHON"
"""An interpreter to be used instead of environments that are downloaded; `{torch}` in it becomes the version."""


Remembering: TypeAlias = Callable[[str], RememberingRunner]
"""Gives the runner of a torch's version."""


class GpuFactory(Protocol):
    """Gives a simulated GPU that lasts until the test ends; `torch` is a version, other values are SimulatedGpu's."""

    def __call__(self, torch: str, **values: Any) -> RunningGpu:
        """See SimulatedGpu."""
        ...


@pytest.fixture(scope="session")
def simulated_context() -> Context:
    return Context()


@pytest.fixture(scope="session")
def newest(simulated_context: Context) -> str:
    """The pinned torch's version."""
    return newest_torch(this_machine(simulated_context.facts.host)[0], simulated_context)


@pytest.fixture(scope="session")
def remembering(simulated_context: Context) -> Remembering:
    """What Kokoro says on the CPU is made once for each torch: every verdict compares with it, and none is about it."""
    runners: dict[str, RememberingRunner] = {}
    return lambda torch: runners.setdefault(torch, RememberingRunner(run=simulated_context.run))


def environment(torch: str, context: Context) -> Path:
    """Give the interpreter of an environment with this torch, made once (tests/simulated_gpu/environments.py)."""
    chosen = os.environ.get(PYTHON_VARIABLE, "")
    return Path(chosen.format(torch=torch)) if chosen else torch_environment(torch, context=context)


def start(
    stack: ExitStack, context: Context, remembering: Remembering, torch: str, values: dict[str, Any]
) -> RunningGpu:
    """Enter a simulated GPU; skip where this machine has no compiler."""
    given = {"cache": context.home.cache / "simulated-gpu", "run": remembering(torch), **values}
    try:
        return stack.enter_context(SimulatedGpu(python=environment(torch, context), **given))
    except UsageError as error:
        if error.reference != "no-compiler" or os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    except NoCandidateError as error:  # aarch64 had no CUDA build before torch 2.11.0
        if error.reference != "cpu-only-torch":
            raise
        pytest.skip(str(error))


@pytest.fixture
def simulated_gpu(simulated_context: Context, remembering: Remembering) -> Iterator[GpuFactory]:
    with ExitStack() as stack:

        def make(torch: str, **values: Any) -> RunningGpu:
            return start(stack, simulated_context, remembering, torch, values)

        yield make


@pytest.fixture(scope="module")
def module_gpu(simulated_context: Context, remembering: Remembering) -> Iterator[GpuFactory]:
    """The same, for what a whole module shares."""
    with ExitStack() as stack:

        def make(torch: str, **values: Any) -> RunningGpu:
            return start(stack, simulated_context, remembering, torch, values)

        yield make
