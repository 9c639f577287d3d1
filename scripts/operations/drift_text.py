"""What drift prints."""

from __future__ import annotations

from scripts.model.drift import BridgeFit, Drift, DriftFinding


def drift_lines(drift: Drift) -> list[str]:
    """Write the comparison as text: the findings, the bridge, what was not reached, and how much was compared."""
    lines = [line for finding in drift.findings for line in _finding(finding)]
    lines += [_fit(fit) for fit in drift.bridge]
    lines += [f"not reached: {one.name}: {one.reason}" for one in drift.not_reached]
    checked = drift.checked
    count = len(drift.findings)
    result = f"{count} {'finding' if count == 1 else 'findings'}" if count else "no drift"
    lines.append(
        f"{result}, {drift.created}: {checked.pins} pins, {checked.projects} projects and {checked.lanes} "
        f"{'index' if checked.lanes == 1 else 'indexes'} of torch compared, {len(drift.not_reached)} not reached"
    )
    return lines


def _finding(finding: DriftFinding) -> list[str]:
    change = f"{finding.pinned or 'nothing'} -> {finding.offered or 'nothing'}"
    return [
        f"{finding.kind}: {finding.what} {change} ({finding.where})",
        f"  {finding.text}",
        f"  {finding.to_do}",
    ]


def _fit(fit: BridgeFit) -> str:
    which = f"{'the pinned' if fit.pinned else 'the newest'} kokoro {fit.kokoro}"
    if fit.fits is None:
        return f"whether the bridge fits {which} could not be told: {fit.why}"
    return f"the bridge fits {which}" if fit.fits else f"the bridge does not fit {which}: {fit.why}"
