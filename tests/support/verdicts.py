"""A judge that asks nobody: a verdict by strategy, as `auto` and its tests take one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.environments.store import Entry
from scripts.errors import ExitCode
from scripts.model.evidence import Prediction, Reason, Report, Verdict, VerdictKind
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.judging import Judged
from scripts.verification.report import SCHEMA


@dataclass
class Verdicts:
    """Gives the verdicts that it was told, and keeps for which strategies it was asked."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    """Where nothing is said, what is best; `simulated ` may stand before a kind."""
    seen: list[str] = field(default_factory=list)

    def __call__(self, entry: Entry, target: ComputeCapability, given: Context) -> Judged:
        assert entry.record is not None
        strategy = entry.record.plan.strategy
        self.seen.append(strategy)
        said = self.kinds.get(strategy, "not-applicable" if strategy == "onnx" else "not-needed")
        kind = VerdictKind(said.removeprefix("simulated "))
        reason = Reason(text=f"{strategy} was found {kind}", evidence="a test")
        prediction = Prediction(target=target, kind=VerdictKind.NOT_NEEDED, reasons=(reason,))
        report = Report(
            schema=SCHEMA,
            created="2026-11-25T04:00:00+00:00",
            environment=entry.name,
            python=str(entry.python),
            torch=entry.record.plan.torch,
            cuda=entry.record.plan.cuda,
            weights="synthetic (seeded random)",
            verdict=Verdict(
                kind=kind, reasons=(reason,), prediction=prediction, device="a GPU", simulated=said != str(kind)
            ),
            observations=(),
        )
        return Judged(report=report, text="", exit_code=ExitCode.OK, folder=given.home.reports / entry.name)
