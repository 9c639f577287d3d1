"""Hypothesis, so that every run tries the same examples: CI is to say the same of the same commit.

To look for more: `sh scripts/bootstrap.sh test -m fuzz --hypothesis-profile=search`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings

# Hypothesis's own deadline is of wall-clock time, which a busy neighbour spoils: see support.fuzzing.outcome.
COMMON: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}

# A failing example is not made smaller here: that has no bound but minutes.
PHASES = [Phase.explicit, Phase.generate]

settings.register_profile("reproducible", derandomize=True, max_examples=1000, phases=PHASES, **COMMON)
settings.register_profile("search", derandomize=False, max_examples=20_000, **COMMON)
settings.load_profile("reproducible")
