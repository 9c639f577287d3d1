"""From a request to a build that could be run: recipe, torch, toolchain, stamp, and whether it is there already.

Changes nothing but the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scripts.builds.arch import parse_archs, require_consistent, require_torch_accepts
from scripts.builds.jobs import choose_jobs, forecast
from scripts.builds.machine import read_machine
from scripts.builds.preflight import Preflight, preflight
from scripts.builds.recipe import load_recipe
from scripts.builds.sources import identify
from scripts.builds.stamp import SCHEMA, stamp_of
from scripts.builds.toolchain import find_toolchain
from scripts.builds.wheelhouse import Wheelhouse
from scripts.errors import NoCandidateError
from scripts.model.builds import BuildInputs, BuildPlan, BuildRequest, Published, Toolchain
from scripts.model.facts import Interpreter
from scripts.model.plan import Lock, Request
from scripts.model.recipes import Arch, Recipe
from scripts.model.target import GB10, Architecture, ComputeCapability, Target
from scripts.operations.build_place import BuildPlace, container_place, host_place
from scripts.operations.compiling import compile_lock
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.operations.site import another_machine, this_machine
from scripts.operations.torch_lock import named_source, pinned_lock, torch_lock
from scripts.operations.torch_plan import rest_lock
from scripts.operations.wheelhouses import wheelhouse_folder
from scripts.strategies.locks import cuda_of, make_lock, only, pin_named, without

TORCH_SOURCE = "pypi"
"""Where the torch comes from that extensions are built against."""
NEWEST_CUDA = "13.2"
"""What is compiled with where no torch says which: constraints/nvcc-cu132.txt."""
LINKED = frozenset({"torch", "nvidia-cuda-runtime"})
TORCH_NEEDS = frozenset(
    {"filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "numpy", "sympy", "typing-extensions"}
)
"""What torch requires besides CUDA: of everything that Kokoro's lock pins, all that a build needs."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What a build environment is made of, each installed from its own index."""

    builder: Lock
    compiler: Lock | None
    torch: tuple[Lock, ...]
    """torch with its CUDA packages, and what it requires besides; empty: built against none."""
    requires: Lock | None
    """What the recipe requires beyond builder."""
    target: tuple[Lock, ...] = ()
    """Where it is built for another machine: what of that machine's torch is linked against."""
    beside: tuple[Lock, ...] = ()
    """Where torch itself is built: the CUDA packages that it will require, and what else it does."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A build, looked at. `found`: it is in the wheelhouse already."""

    plan: BuildPlan
    ingredients: Ingredients
    interpreter: Interpreter
    """Of this machine, also where the wheel is for another."""
    place: BuildPlace
    wheelhouse: Wheelhouse
    found: Published | None
    preflight: Preflight


def plan_build(request: BuildRequest, context: Context, *, act: bool = True) -> Outlook:
    """Look at a build; without `act` no Python is fetched and no image made for it.

    Raises UsageError for what was mistyped, NoCandidateError, NetworkError, IntegrityError.
    """
    recipe = load_recipe(request.recipe)
    archs = asked_archs(request, context)
    require_consistent(archs, context.environ)
    target, interpreter, notes = _where(request, context, act=act)
    builder = read_lock("builder", context)
    # What compiles runs here: for another machine too it is this one's torch whose headers are read.
    here = replace(target, architecture=Architecture(context.facts.host.architecture))
    torch = _torch_locks(recipe, request, here, context)
    version = _version_of(torch)
    if version:
        require_torch_accepts(archs, version)
    cuda = cuda_of(torch[0].pins) if torch else (NEWEST_CUDA if recipe.cuda else None)
    compiler = compiler_lock(cuda, context) if recipe.cuda else None
    place = _place(request, recipe, cuda, interpreter, target=target, context=context, make=act)
    toolchain = find_toolchain(
        recipe,
        request,
        cuda_version=cuda,
        run=place.run,
        environ=place.environ,
        architecture=target.architecture,
        nvcc_pin=_nvcc_of(compiler),
        cuda_home=place.cuda_home,
    )
    requires = _requires_lock(recipe, target, builder, context)
    ingredients = Ingredients(
        builder=builder,
        compiler=_needed(compiler, toolchain),
        torch=torch,
        requires=requires,
        target=() if here == target else _linked(_torch_locks(recipe, request, target, context)),
        beside=_beside_torch(recipe, request, target, context),
    )
    inputs = BuildInputs(
        schema=SCHEMA,
        recipe=recipe.digest,
        source=identify(recipe.source, run=context.run, environ=context.environ),
        archs=tuple(map(str, archs)) if recipe.cuda else (),
        torch=f"{version} {digest_of([*torch, *ingredients.target])}" if torch else "",
        cuda=f"{toolchain.nvcc_version} from {toolchain.cuda_from}" if recipe.cuda else "",
        compiler=toolchain.cxx_version,
        builder=digest_of([builder, *([requires] if requires else []), *ingredients.beside]),
        python=target.python.tag,
        platform=f"linux_{target.architecture} glibc {target.glibc[0]}.{target.glibc[1]}",
        place=place.inputs,
        variables=recipe.variables,
    )
    stamp = stamp_of(inputs)
    folder = context.home.builds
    machine = read_machine(folder)
    jobs = choose_jobs(machine, recipe.resources, request.jobs)
    expected = forecast(recipe, jobs, machine)
    plan = BuildPlan(
        recipe=recipe,
        inputs=inputs,
        stamp=stamp,
        target=target,
        archs=archs if recipe.cuda else (),
        torch=version,
        cuda=(toolchain.cuda_version or "") if recipe.cuda else "",
        toolchain=toolchain,
        jobs=jobs,
        forecast=expected,
        place=request.place,
        notes=(*notes, *_about_packages(ingredients, toolchain)),
    )
    wheelhouse = Wheelhouse(wheelhouse_folder(request.wheelhouse, context))
    return Outlook(
        plan=plan,
        ingredients=ingredients,
        interpreter=interpreter,
        place=place,
        wheelhouse=wheelhouse,
        found=None if request.rebuild else wheelhouse.find(stamp),
        preflight=preflight(
            recipe,
            archs=plan.archs,
            machine=machine,
            toolchain=toolchain,
            jobs=jobs,
            forecast=expected,
            environ=context.environ,
        ),
    )


def asked_archs(request: BuildRequest, context: Context) -> tuple[Arch, ...]:
    """Read `--sm`; without it, exactly this machine's GPU, else a GB10."""
    if request.sm is not None:
        return parse_archs(request.sm)
    gpu = next((one.capability for one in context.facts.gpu.gpus if one.capability is not None), GB10)
    return parse_archs(exactly(gpu))


def exactly(capability: ComputeCapability) -> str:
    """Name the architecture of exactly this capability: NVIDIA has such ones since 9.0."""
    return f"{capability}a" if capability >= ComputeCapability(9, 0) else str(capability)


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


def compiler_lock(cuda: str | None, context: Context) -> Lock | None:
    """Read the pins of the CUDA compiler for a CUDA release; None: there are none for it."""
    name = f"nvcc-cu{(cuda or '').replace('.', '')}"
    return read_lock(name, context) if (context.constraints / f"{name}.txt").is_file() else None


def digest_of(locks: Iterable[Lock]) -> str:
    """Name what locks pin, in twelve digits."""
    return hashlib.sha256("\n".join(lock.text for lock in locks).encode()).hexdigest()[:12]


def _where(request: BuildRequest, context: Context, *, act: bool) -> tuple[Target, Interpreter, tuple[str, ...]]:
    """Find the machine that the wheel is for, and a Python of this one to build it with."""
    architecture, glibc = this_machine(context.facts.host)
    interpreter, notes = find_interpreter(request.python, context, fetch=act)
    if request.architecture is None or request.architecture == architecture:
        return Target(architecture=architecture, python=interpreter.minor, glibc=glibc), interpreter, notes
    return another_machine(request.architecture, interpreter.minor), interpreter, notes


def _place(
    request: BuildRequest,
    recipe: Recipe,
    cuda: str | None,
    interpreter: Interpreter,
    *,
    target: Target,
    context: Context,
    make: bool,
) -> BuildPlace:
    if request.place == "host":
        return host_place(interpreter, context)
    return container_place(
        request,
        recipe,
        cuda_version=cuda,
        architecture=target.architecture,
        context=context,
        python=target.python,
        make=make,
    )


def _torch_locks(recipe: Recipe, request: BuildRequest, target: Target, context: Context) -> tuple[Lock, ...]:
    """Lock the torch that is built against, as setup does, and what it requires besides."""
    if not recipe.against_torch:
        return ()
    rest = rest_lock(target, context.constraints)
    source = named_source(TORCH_SOURCE, context, index=request.index)
    locked = torch_lock(source, target, Request(strategy=TORCH_SOURCE, torch=request.torch), rest, context)
    return locked, only(rest, TORCH_NEEDS)


def _linked(torch: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """Keep what an extension is linked against: torch's libraries and CUDA's runtime."""
    return tuple(only(lock, LINKED) for lock in torch[:1])


def _beside_torch(recipe: Recipe, request: BuildRequest, target: Target, context: Context) -> tuple[Lock, ...]:
    """Where torch itself is built: the CUDA packages that the default index's torch is pinned with, and the rest."""
    if recipe.distribution != "torch" or recipe.against_torch:
        return ()
    source = named_source(TORCH_SOURCE, context, index=request.index)
    pinned = pinned_lock(source, target, context.constraints)
    packages = () if pinned is None else (without(pinned, ["torch"]),)
    return *packages, only(rest_lock(target, context.constraints), TORCH_NEEDS)


def _about_packages(ingredients: Ingredients, toolchain: Toolchain) -> tuple[str, ...]:
    """Say that a torch is built by one CUDA and will require the packages of another: the same major serves both."""
    required = cuda_of(pin for lock in ingredients.beside for pin in lock.pins)
    if required is None or required == toolchain.cuda_version:
        return ()
    return (f"it is built with CUDA {toolchain.cuda_version}, and requires the packages of CUDA {required}",)


def _version_of(torch: tuple[Lock, ...]) -> str:
    pin = pin_named(torch[0].pins, "torch") if torch else None
    return "" if pin is None else pin.version


def _nvcc_of(compiler: Lock | None) -> str | None:
    pin = None if compiler is None else pin_named(compiler.pins, "nvidia-cuda-nvcc")
    return None if pin is None else pin.version


def _needed(compiler: Lock | None, toolchain: Toolchain) -> Lock | None:
    """The pinned compiler, unless this machine's own is used."""
    return compiler if toolchain.cuda_home is None else None


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
