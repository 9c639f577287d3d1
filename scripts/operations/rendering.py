"""Plans, results and listings as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.environments.executor import describe
from scripts.model.plan import Plan
from scripts.operations.environments import Listed
from scripts.operations.planning import Planned
from scripts.operations.setup import SetupResult
from scripts.redaction import redact
from scripts.strategies.climb_text import climb_lines


def plan_lines(planned: Planned) -> list[str]:
    """A plan, whole, as --dry-run shows it."""
    plan = planned.plan
    lines = [] if planned.climb is None else climb_lines(planned.climb)
    lines += [f"plan: environment {plan.environment}", *_facts(plan)]
    lines += [f"  {number}. {describe(step)}" for number, step in enumerate(plan.steps, 1)]
    lines += [f"note: {note}" for note in plan.notes]
    if not planned.for_this_machine:
        lines.append(f"note: this plan is for {plan.architecture}; it cannot be carried out on this machine")
    return [redact(line) for line in lines]


def setup_lines(result: SetupResult) -> list[str]:
    """What setup did."""
    lines = [] if result.climb is None else climb_lines(result.climb)
    lines += [f"note: {note}" for note in result.notes]
    state = "ready, found as it was" if result.reused else "ready"
    lines += [f"environment {result.environment}: {state}", *_facts(result.plan)]
    if result.weights is not None:
        lines.append(f"  weights: {result.weights}")
    if result.verdict is not None:
        lines.append(f"  last judged here: {result.verdict}")
    elif result.prediction is not None:
        lines.append(f"  predicted for compute capability {result.predicted_for}, not verified: {result.prediction}")
    if result.current:
        speaks = ', `invoke say "Hello."` speaks' if result.weights is not None else ""
        lines.append(f"  it is now current; `invoke verify` judges it{speaks}")
    else:
        lines.append(
            f"  it is NOT made current: {result.withheld}; `invoke verify --env {result.environment}` says why"
        )
    return [redact(line) for line in lines]


def listing_rows(listed: Iterable[Listed]) -> list[tuple[str, ...]]:
    """The rows of env.list."""
    return [
        (
            "*" if one.current else "",
            one.name,
            f"{one.state}: {one.reason}" if one.reason else one.state,
            f"ONNX Runtime {one.onnxruntime}" if one.onnxruntime else one.torch,
            one.cuda or "-",
            one.python,
            one.weights or "-",
            (one.verdict or (f"predicted {one.prediction}" if one.prediction else "-"))
            + (", bridge hook on" if one.hook else ""),
        )
        for one in listed
    ]


def _facts(plan: Plan) -> list[str]:
    return [f"  {_engine(plan)}, Python {plan.python}, {plan.architecture}"]


def _engine(plan: Plan) -> str:
    """Say what runs Kokoro, where it comes from, and for what it was built."""
    if plan.onnxruntime is not None:
        build = f"CUDA {plan.cuda}" if plan.cuda else "for the CPU"
        return f"ONNX Runtime {plan.onnxruntime} from {plan.source} ({build})"
    nvrtc = f", NVRTC {plan.nvrtc}" if plan.nvrtc else ""
    if plan.image is not None:
        torch = f"torch {plan.torch}" if plan.torch else "a torch that is known once it is here"
        return f"{torch}, {f'CUDA {plan.cuda}' if plan.cuda else 'CUDA'}{nvrtc}, in a container of {plan.image}"
    build = f"CUDA {plan.cuda}{nvrtc}" if plan.cuda else "CPU-only build"
    return f"torch {plan.torch} from {plan.source} ({build})"
