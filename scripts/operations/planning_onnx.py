"""The plan of `onnx`: which build of ONNX Runtime, its pins, steps. Asks no index; changes nothing."""

from __future__ import annotations

from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.model.plan import Lock, Plan, Request
from scripts.model.target import Target
from scripts.operations.context import Context
from scripts.operations.site import Site
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.locks import lock_filename, make_lock, pin_named
from scripts.strategies.onnx import Build, OnnxRuntime, choose_build
from scripts.wheels.made import onnxruntime_wheel


def plan_onnx(request: Request, site: Site, context: Context) -> Plan:
    """Plan an environment of ONNX Runtime.

    Raises UsageError for an option that is about torch, and what choose_build raises.
    """
    require_no_torch_options(request)
    build, notes = choose_build(request, context.facts, site.target)
    alias = onnxruntime_wheel()
    made = ((alias.name, alias.version, alias.sha256),) if build is Build.GPU else ()
    inputs = PlanInputs(
        source=TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=False),
        target=site.target,
        interpreter=site.interpreter,
        locks=(onnx_lock(build, site.target, context),),
        made=made,
        notes=(*site.notes, *notes, *context.facts.index.notes),
    )
    return OnnxRuntime().plan(inputs, build)


def require_no_torch_options(request: Request) -> None:
    """Refuse what says where torch comes from. Raises UsageError (option-not-for-strategy)."""
    given = {"--torch": request.torch, "--index": request.index, "--nightly": request.nightly}
    for option, value in given.items():
        if value:
            raise UsageError(
                f"{option} is not for strategy onnx",
                context="it says which torch to take, and this environment has none",
                reference="option-not-for-strategy",
                hint="leave it out; --source gpu|cpu chooses ONNX Runtime's build",
            )


def onnx_lock(build: Build, target: Target, context: Context) -> Lock:
    """Read the pins of a build. Raises NoCandidateError (no-pins), IntegrityError (bad-lock)."""
    name = lock_filename(build.part, target.architecture, target.python)
    path = context.constraints / name
    if not path.is_file():
        raise NoCandidateError(
            f"there are no pins of ONNX Runtime for {target.architecture} with Python {target.python}",
            context=f"missing: constraints/{name}",
            reference="no-pins",
            hint="make them with `invoke lock --only onnx`",
        )
    lock = make_lock(f"constraints/{name}", path.read_text(encoding="utf-8"), index=None)
    other = Build.CPU if build is Build.GPU else Build.GPU
    if pin_named(lock.pins, build.package) is None or pin_named(lock.pins, other.package) is not None:
        raise IntegrityError(
            f"constraints/{name} does not pin {build.package} alone of ONNX Runtime's builds",
            context=f"{build.package} and {other.package} write the same files: the last one installed wins",
            reference="bad-lock",
            hint="regenerate it with `invoke lock --only onnx`",
        )
    return lock
