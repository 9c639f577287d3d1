"""What `uv pip check` may complain of where a package was lifted on purpose: that torch pins another, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.executor import Executor, describe, only_lifted
from scripts.environments.store import Store, read_record
from scripts.errors import IntegrityError
from scripts.home import Home
from scripts.model.environment import EnvironmentState
from scripts.model.plan import CheckConsistency
from tests.support.plans import STEPS, plan
from tests.unit.environments.test_executor import PretendingUv

NVRTC = "nvidia-cuda-nvrtc-cu12"
LIFTED = (NVRTC,)

# As uv 0.13.9 says it, on stderr, with and without --quiet.
PINNED = (
    "The package `torch` requires `nvidia-cuda-nvrtc-cu12==12.8.93 ; platform_machine == 'x86_64' and sys_platform =="
    " 'linux'`, but `12.9.86` is installed"
)
MISSING = "The package `torch` requires `nvidia-cublas-cu12==12.8.4.1`, but it's not installed"
OTHERS = "The package `other` requires `nvidia-cuda-nvrtc-cu12<12.9`, but `12.9.86` is installed"
NOT_LIFTED = "The package `torch` requires `triton==3.5.1`, but `3.6.0` is installed"
GONE = "The package `torch` requires `nvidia-cuda-nvrtc-cu12==12.8.93`, but it's not installed"
ONE = f"Found 1 incompatibility\n{PINNED}\n"

REFUSED = {
    "a package is missing": f"Found 2 incompatibilities\n{PINNED}\n{MISSING}\n",
    "another package is not content": f"Found 2 incompatibilities\n{PINNED}\n{OTHERS}\n",
    "another pin is not met": f"Found 1 incompatibility\n{NOT_LIFTED}\n",
    "the lifted one is missing": f"Found 1 incompatibility\n{GONE}\n",
    "more was counted than said": f"Found 2 incompatibilities\n{PINNED}\n",
    "something else is said": f"{ONE}warning: something else\n",
    "nothing is counted": f"{PINNED}\n",
    "nothing is said": "",
    "an error": "error: No virtual environment found\n",
}


def test_the_pin_of_torch_may_be_lifted() -> None:
    assert only_lifted(ONE, LIFTED)
    assert only_lifted(f"\x1b[1m{PINNED}\x1b[0m\nFound 1 incompatibility\n", LIFTED)
    assert not only_lifted(ONE, ())
    assert not only_lifted(ONE, ("triton",))


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_may_be(name: str) -> None:
    assert not only_lifted(REFUSED[name], LIFTED)


def executor(store: Store, uv: PretendingUv) -> Executor:
    return Executor(
        store=store,
        run=uv,
        uv="/bin/uv",
        environ={},
        uv_version="0.13.9",
        make_wheel=lambda name, folder: folder / f"{name}-0.1.0-py3-none-any.whl",
        lock_descriptor=7,
    )


@pytest.mark.parametrize(
    ("words", "lifted", "holds"),
    [(ONE, LIFTED, True), (REFUSED["a package is missing"], LIFTED, False), (ONE, (), False)],
)
def test_the_check_of_a_plan(tmp_path: Path, words: str, lifted: tuple[str, ...], *, holds: bool) -> None:
    store = Store(Home(root=tmp_path))
    made = plan(steps=(*STEPS[:-1], CheckConsistency(torch="2.15.0", cuda="13.0", lifted=lifted)))
    uv = PretendingUv(store.path(made.environment), fail_at="pip check", stderr=words)
    if holds:
        assert executor(store, uv).realise(made).state is EnvironmentState.READY
        return
    with pytest.raises(IntegrityError) as caught:
        executor(store, uv).realise(made)
    assert caught.value.reference == "packages-disagree"
    assert read_record(uv.folder).state is EnvironmentState.FAILED


def test_it_is_said() -> None:
    step = CheckConsistency(torch="2.9.1", cuda="12.8", lifted=LIFTED)
    assert describe(step) == f"check that everything fits together, but for {NVRTC}, and torch is 2.9.1 (CUDA 12.8)"
