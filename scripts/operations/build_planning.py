"""From a request to a build that could be run: recipe, torch, toolchain, stamp, and whether it is there already.

Changes nothing but the cache.
"""

from __future__ import annotations

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
from scripts.model.builds import BuildInputs, BuildMachine, BuildPlan, BuildRequest, Published, Toolchain
from scripts.model.recipes import Arch, Recipe
from scripts.model.target import GB10, Architecture, ComputeCapability, Target
from scripts.operations.build_locks import Ingredients, digest_of, gather_ingredients
from scripts.operations.build_place import BuildPlace, container_place, host_place
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.operations.site import Site, another_machine, this_machine
from scripts.operations.wheelhouses import wheelhouse_folder


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A build, looked at. `found`: it is in the wheelhouse already."""

    plan: BuildPlan
    ingredients: Ingredients
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
    site = _site(request, context, act=act)
    here = replace(site.target, architecture=Architecture(context.facts.host.architecture))
    ingredients = gather_ingredients(recipe, request, site.target, here, context)
    if ingredients.torch_version:
        require_torch_accepts(archs, ingredients.torch_version)
    place = _place(request, recipe, ingredients, site, context=context, make=act)
    toolchain = find_toolchain(
        recipe,
        request,
        cuda_version=ingredients.cuda if recipe.cuda else None,
        run=place.run,
        environ=place.environ,
        architecture=site.target.architecture,
        nvcc_pin=ingredients.nvcc,
        cuda_home=place.cuda_home,
    )
    source = identify(recipe.source, run=context.run, environ=context.environ)
    inputs = build_inputs(recipe, archs, source, ingredients, toolchain, target=site.target, place=place.inputs)
    machine = read_machine(context.home.builds)
    plan = _plan(request, recipe, archs, inputs, ingredients, toolchain=toolchain, machine=machine, site=site)
    wheelhouse = Wheelhouse(wheelhouse_folder(request.wheelhouse, context))
    return Outlook(
        plan=plan,
        ingredients=ingredients,
        place=place,
        wheelhouse=wheelhouse,
        found=None if request.rebuild else wheelhouse.find(plan.stamp),
        preflight=preflight(
            recipe,
            archs=plan.archs,
            machine=machine,
            toolchain=toolchain,
            jobs=plan.jobs,
            forecast=plan.forecast,
            environ=context.environ,
        ),
    )


def build_inputs(
    recipe: Recipe,
    archs: tuple[Arch, ...],
    source: str,
    ingredients: Ingredients,
    toolchain: Toolchain,
    *,
    target: Target,
    place: str,
) -> BuildInputs:
    """Put together what decides a wheel's content. Pure."""
    torch = (*ingredients.torch, *ingredients.target)
    return BuildInputs(
        schema=SCHEMA,
        recipe=recipe.digest,
        source=source,
        archs=tuple(map(str, archs)) if recipe.cuda else (),
        torch=f"{ingredients.torch_version} {digest_of(torch)}" if torch else "",
        cuda=f"{toolchain.nvcc_version} from {toolchain.cuda_from}" if recipe.cuda else "",
        compiler=toolchain.cxx_version,
        builder=digest_of(ingredients.tools),
        python=target.python.tag,
        platform=f"linux_{target.architecture} glibc {target.glibc[0]}.{target.glibc[1]}",
        place=place,
        variables=recipe.variables,
    )


def _plan(
    request: BuildRequest,
    recipe: Recipe,
    archs: tuple[Arch, ...],
    inputs: BuildInputs,
    ingredients: Ingredients,
    *,
    toolchain: Toolchain,
    machine: BuildMachine,
    site: Site,
) -> BuildPlan:
    jobs = choose_jobs(machine, recipe.resources, request.jobs)
    return BuildPlan(
        recipe=recipe,
        inputs=inputs,
        stamp=stamp_of(inputs),
        target=site.target,
        archs=archs if recipe.cuda else (),
        torch=ingredients.torch_version,
        cuda=(toolchain.cuda_version or "") if recipe.cuda else "",
        toolchain=toolchain,
        jobs=jobs,
        forecast=forecast(recipe, jobs, machine),
        place=request.place,
        notes=(*site.notes, *_about_packages(ingredients, toolchain)),
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


def _site(request: BuildRequest, context: Context, *, act: bool) -> Site:
    """Find the machine that the wheel is for, and a Python of this one to build it with."""
    architecture, glibc = this_machine(context.facts.host)
    interpreter, notes = find_interpreter(request.python, context, fetch=act)
    target = Target(architecture=architecture, python=interpreter.minor, glibc=glibc)
    if request.architecture not in {None, architecture}:
        target = another_machine(Architecture(str(request.architecture)), interpreter.minor)
    return Site(target=target, interpreter=interpreter, notes=notes)


def _place(
    request: BuildRequest,
    recipe: Recipe,
    ingredients: Ingredients,
    site: Site,
    *,
    context: Context,
    make: bool,
) -> BuildPlace:
    if request.place == "host":
        assert site.interpreter is not None, "a build runs here, whatever it is for"
        return host_place(site.interpreter, context)
    return container_place(
        request,
        recipe,
        cuda_version=ingredients.cuda,
        architecture=site.target.architecture,
        context=context,
        python=site.target.python,
        make=make,
    )


def _about_packages(ingredients: Ingredients, toolchain: Toolchain) -> tuple[str, ...]:
    """Say that a torch is built by one CUDA and will require the packages of another: the same major serves both."""
    required = ingredients.required_cuda
    if required is None or required == toolchain.cuda_version:
        return ()
    return (f"it is built with CUDA {toolchain.cuda_version}, and requires the packages of CUDA {required}",)
