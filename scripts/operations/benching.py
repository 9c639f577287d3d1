"""invoke bench: rounds in which the modes take turns, and what they measured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.errors import BrokenError, NoCandidateError
from scripts.model.bench import BenchReport, BenchTable, Unmeasured
from scripts.model.evidence import Observation, Outcome
from scripts.model.modes import Engine
from scripts.operations.bench_order import BenchOrder, pairs_of
from scripts.operations.bench_power import energy_joules, sampled_power
from scripts.operations.bench_rows import Collected, budgets_of, rows_of
from scripts.operations.bench_turns import concurrent_of, names_of, turns_of
from scripts.operations.context import Context
from scripts.operations.sound_work import broken
from scripts.operations.speech import NO_ONNX, Speech, onnx_speech, torch_speech
from scripts.probing import ask
from scripts.progress import say, step
from scripts.weights.request import to_request
from scripts.weights.voices import choose_voice

SCHEMA = 1
WAITING = "OMP_WAIT_POLICY"
_ROUND_SECONDS = 3600.0
SAMPLED = "3 s"
"""The text whose sounds are kept for the report."""


@dataclass(kw_only=True)
class Bench:
    """One run; `folder` takes the sounds that a report shows (None: none are kept)."""

    order: BenchOrder
    table: BenchTable
    context: Context
    folder: Path | None
    torch: Speech = field(init=False)
    onnx: Speech | None = field(init=False)
    phonemes: Mapping[str, Any] = field(init=False)
    collected: Collected = field(default_factory=Collected)

    def perform(self) -> BenchReport:
        """Measure all of it.

        Raises NoCandidateError (no environment; no-gpu), UsageError (unknown-voice), BrokenError where phonemes cannot
        be made or nothing at all could be measured. A mode that fails is a line in the report.
        """
        self.torch = torch_speech(self.order.env, self.context)
        choose_voice(self.torch.weights.voices, self.table.voice)
        wants_onnx = any(mode.engine is Engine.ONNX for mode in self.order.modes)
        self.onnx = onnx_speech(self.context) if wants_onnx else None
        if wants_onnx and self.onnx is None:
            self.collected.unmeasured["onnx", ""] = NO_ONNX
        for mode in self.order.modes:
            if mode.same_code_as is not None:
                why = f"the code of {mode.same_code_as}, in an environment of its own: judge it there with --env"
                self.collected.unmeasured[mode.name, ""] = why
        self._find_phonemes()
        for number in range(self.order.rounds):
            self._round(number)
        if self.order.whole:
            self._start_cold()
        return self._report()

    def _find_phonemes(self) -> None:
        texts = [
            {"name": name, "text": text, "language": "a"} for name, text in names_of(self.order, self.table).items()
        ]
        with step(f"turning {len(texts)} texts into phonemes"):
            found = self._ask(self.torch, "phonemes", {"texts": texts, "device": self.order.device})
        if found.outcome is not Outcome.PASSED:
            if found.detail.get("cause") == "no-gpu":
                raise NoCandidateError(
                    "there is no GPU to measure on",
                    context=found.error,
                    hint="leave --device out, or say cpu",
                    reference="no-gpu",
                )
            raise broken("the texts could not be turned into phonemes", found)
        self.phonemes = found.detail

    def _round(self, number: int) -> None:
        """Have the modes of torch take their turns, then those of ONNX Runtime."""
        stretches = self.phonemes["stretches"]
        samples = None
        if self.folder is not None and number == 0 and SAMPLED in stretches:
            samples = {"turn": SAMPLED, "folder": str(self.folder)}
        for speech, engine in ((self.torch, Engine.TORCH), (self.onnx, Engine.ONNX)):
            pairs = [pair for pair in pairs_of(self.order, engine) if pair not in self.collected.unmeasured]
            if speech is None or not pairs:
                continue
            request = {
                "modes": [list(pair) for pair in pairs],
                "weights": to_request(speech.weights),
                "device": self.phonemes["device"],
                "voice": self.table.voice,
                "turns": turns_of(self.order, self.table, stretches),
                "concurrent": concurrent_of(self.order, self.table, stretches, number),
                "samples": samples,
            }
            with step(f"round {number + 1} of {self.order.rounds}: {engine}, {len(pairs)} modes in turns"):
                found = self._ask(speech, "bench", request)
            if found.outcome is not Outcome.PASSED:
                why = f"{found.outcome}: {found.error}"
                self.collected.unmeasured.update(dict.fromkeys(pairs, why))
                say(f"{engine}: {why}", style="red")
                continue
            self.collected.add(found.detail)
            for failure in found.detail["failures"]:
                say(f"{failure['mode']} {failure['dtype']}: {failure['error']}", style="red")

    def _start_cold(self) -> None:
        """Start every mode in a process of its own."""
        on_a_gpu = self.phonemes["device"] != "cpu"
        for speech, engine in ((self.torch, Engine.TORCH), (self.onnx, Engine.ONNX)):
            for mode, dtype in pairs_of(self.order, engine):
                if speech is None or (mode, dtype) in self.collected.unmeasured:
                    continue
                request = {
                    "mode": mode,
                    "dtype": dtype,
                    "weights": to_request(speech.weights),
                    "device": self.phonemes["device"],
                    "voice": self.table.voice,
                    "lines": self.phonemes["stretches"]["20 s" if on_a_gpu else SAMPLED],
                }
                with step(f"starting {mode} {dtype}"), sampled_power(self.context.run, wanted=on_a_gpu) as power:
                    found = self._ask(speech, "cold-start", request)
                if found.outcome is Outcome.PASSED:
                    energy = energy_joules(power, found.detail["spoken_from"], found.detail["spoken_to"])
                    self.collected.cold[mode, found.detail["dtype"]] = {**found.detail, "energy_joules": energy}

    def _ask(self, speech: Speech, probe: str, request: Mapping[str, Any]) -> Observation:
        place = self.context.place(speech.entry, folders=(self.folder,) if self.folder else ())
        return ask(
            place.python,
            probe,
            request,
            run=place.run,
            environ={WAITING: "PASSIVE", **self.context.environ},
            bytecode=self.context.home.bytecode,
            timeout=_ROUND_SECONDS,
        )

    def _report(self) -> BenchReport:
        device = str(self.phonemes["device"])
        rows = rows_of(self.collected, self.order, self.table, device=device)
        budgets = budgets_of(self.collected, self.phonemes["seconds"])
        if not rows and not budgets:
            reasons = [f"{mode} {dtype}: {why}" for (mode, dtype), why in self.collected.unmeasured.items()]
            raise BrokenError(
                "nothing could be measured",
                context="\n".join(reasons),
                hint="`invoke verify` says what the environment can do",
                reference="nothing-measured",
            )
        host = self.context.facts.host
        return BenchReport(
            schema=SCHEMA,
            created=datetime.now(UTC).date().isoformat(),
            machine=f"{host.cpu_model or 'unknown CPU'}, {host.cpu_count} cores, {host.architecture}",
            device=device,
            device_name=self.phonemes["device_name"],
            weights=self.torch.weights.label,
            versions=tuple(self.collected.versions),
            settings=self._settings(),
            rows=tuple(rows),
            unmeasured=tuple(
                Unmeasured(mode=mode, dtype=dtype, why=why) for (mode, dtype), why in self.collected.unmeasured.items()
            ),
            budgets=budgets,
        )

    def _settings(self) -> tuple[str, ...]:
        waiting = self.context.environ.get(WAITING, "PASSIVE (set here)")
        return (
            f"{self.order.rounds} rounds; in each the modes take turns, text by text",
            f"before a round every mode speaks {self.collected.warm_up} utterances that do not count",
            f"torch with {self.collected.threads} threads, {WAITING}={waiting}",
            f"load when the report was made: {os.getloadavg()[0]:.1f}",
            "from phonemes to samples: text to phonemes is the same for all modes, and in the budget alone",
        )
