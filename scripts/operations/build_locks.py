"""What a build environment is made of: pinned sets, each from one index, by what a recipe needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.errors import NoCandidateError
from scripts.model.builds import BuildRequest
from scripts.model.plan import Lock, Request
from scripts.model.recipes import Recipe
from scripts.model.target import Target
from scripts.operations.compiling import compile_lock
from scripts.operations.context import Context
from scripts.operations.torch_lock import named_source, pinned_lock, torch_lock
from scripts.operations.torch_plan import rest_lock
from scripts.strategies.locks import cuda_of, make_lock, only, pin_named, without

TORCH_SOURCE = "pypi"
"""Where the torch comes from that extensions are built against."""
NEWEST_CUDA = "13.2"
"""What is compiled with where no torch says which: constraints/nvcc-cu132.txt."""
LINKED = frozenset({"torch", "nvidia-cuda-runtime"})
"""What an extension is linked against: torch's libraries and CUDA's runtime."""
TORCH_NEEDS = frozenset(
    {"filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "numpy", "sympy", "typing-extensions"}
)
"""What torch requires besides CUDA: of everything that Kokoro's lock pins, all that a build needs."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """The sets; those that a build does not need are empty, or None."""

    builder: Lock
    compiler: Lock | None = None
    """NVIDIA's compiler; not installed where a toolkit that is here is used."""
    torch: tuple[Lock, ...] = ()
    """torch with its CUDA packages, and what it requires besides."""
    requires: Lock | None = None
    """What the recipe requires beyond builder."""
    target: tuple[Lock, ...] = ()
    """Where it is built for another machine: what of that machine's torch is linked against."""
    beside: tuple[Lock, ...] = ()
    """Where torch itself is built: the CUDA packages that it will require, and what else it does."""

    @property
    def torch_version(self) -> str:
        """The torch that is built against; empty: none."""
        pin = pin_named(self.torch[0].pins, "torch") if self.torch else None
        return "" if pin is None else pin.version

    @property
    def cuda(self) -> str:
        """The CUDA release that a torch says, or the newest that there is a compiler for."""
        return (cuda_of(self.torch[0].pins) if self.torch else None) or NEWEST_CUDA

    @property
    def nvcc(self) -> str | None:
        """The pinned compiler's release."""
        pin = None if self.compiler is None else pin_named(self.compiler.pins, "nvidia-cuda-nvcc")
        return None if pin is None else pin.version

    @property
    def required_cuda(self) -> str | None:
        """The CUDA release of the packages that a torch which is built will require."""
        return cuda_of(pin for lock in self.beside for pin in lock.pins)

    @property
    def tools(self) -> tuple[Lock, ...]:
        """What decides a wheel's content besides torch and the compiler."""
        return (self.builder, *([] if self.requires is None else [self.requires]), *self.beside)


def gather_ingredients(
    recipe: Recipe, request: BuildRequest, target: Target, here: Target, context: Context
) -> Ingredients:
    """Find the locks of a build for `target` that runs `here`.

    Raises NoCandidateError (no-pins and what torch_lock raises), NetworkError, what a failed resolution means.
    """
    builder = read_lock("builder", context)
    # What compiles runs here: for another machine too it is this one's torch whose headers are read.
    torch = _torch_locks(recipe, request, here, context)
    known = Ingredients(builder=builder, torch=torch)
    there = _torch_locks(recipe, request, target, context)[:1] if here != target else ()
    return Ingredients(
        builder=builder,
        compiler=_compiler_lock(known.cuda, context) if recipe.cuda else None,
        torch=torch,
        requires=_requires_lock(recipe, target, builder, context),
        target=tuple(only(lock, LINKED) for lock in there),
        beside=_beside_torch(recipe, request, target, context),
    )


def read_lock(name: str, context: Context) -> Lock:
    """Read one of the locks that are the same for every target. Raises NoCandidateError (no-pins)."""
    path = context.constraints / f"{name}.txt"
    if not path.is_file():
        raise NoCandidateError(
            f"there are no pins of {name}",
            context=f"missing: constraints/{path.name}",
            reference="no-pins",
            hint="make them with `invoke lock`",
        )
    return make_lock(f"constraints/{path.name}", path.read_text(encoding="utf-8"), index=None)


def digest_of(locks: Iterable[Lock]) -> str:
    """Name what locks pin, in twelve digits."""
    return hashlib.sha256("\n".join(lock.text for lock in locks).encode()).hexdigest()[:12]


def _compiler_lock(cuda: str, context: Context) -> Lock | None:
    """Read the pins of the CUDA compiler for a CUDA release; None: there are none for it."""
    name = f"nvcc-cu{cuda.replace('.', '')}"
    return read_lock(name, context) if (context.constraints / f"{name}.txt").is_file() else None


def _torch_locks(recipe: Recipe, request: BuildRequest, target: Target, context: Context) -> tuple[Lock, ...]:
    """Lock the torch that is built against, as setup does, and what it requires besides."""
    if not recipe.against_torch:
        return ()
    rest = rest_lock(target, context.constraints)
    source = named_source(TORCH_SOURCE, context, index=request.index)
    locked = torch_lock(source, target, Request(strategy=TORCH_SOURCE, torch=request.torch), rest, context)
    return locked, only(rest, TORCH_NEEDS)


def _beside_torch(recipe: Recipe, request: BuildRequest, target: Target, context: Context) -> tuple[Lock, ...]:
    """Where torch itself is built: the CUDA packages that the default index's torch is pinned with, and the rest."""
    if recipe.distribution != "torch" or recipe.against_torch:
        return ()
    source = named_source(TORCH_SOURCE, context, index=request.index)
    pinned = pinned_lock(source, target, context.constraints)
    packages = () if pinned is None else (without(pinned, ["torch"]),)
    return *packages, only(rest_lock(target, context.constraints), TORCH_NEEDS)


def _requires_lock(recipe: Recipe, target: Target, builder: Lock, context: Context) -> Lock | None:
    """Resolve what a recipe requires beyond the pins of every build."""
    if not recipe.requires:
        return None
    text = compile_lock(
        recipe.requires,
        dropping=[pin.name for pin in builder.pins],
        architecture=target.architecture,
        python=target.python,
        index=None,
        exclude_newer=None,
        context=context,
        doing=f"resolving what {recipe.name} is built with",
    )
    return make_lock("resolved at plan time", text, index=None)
