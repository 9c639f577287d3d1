"""Tuned and batched models beside the stock one, in an environment's interpreter: answers questions line by line.

python speaking_models.py CHECKOUT WEIGHTS  reads one JSON request a line, `{"ask": NAME, ...}`, and prints one JSON
answer a line. WEIGHTS is what scripts.weights.request.to_request gives, as JSON. Utterances are lists
[phonemes, voice, speed, seed]; `voice` is a seed of a random voice for the reduced model, a name for the full one.
"""

from __future__ import annotations

import gc
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

CHECKOUT, WEIGHTS = Path(sys.argv[1]), json.loads(sys.argv[2])
sys.path.insert(0, str(CHECKOUT))
OUT = os.fdopen(os.dup(1), "w")  # answers; what libraries print goes to stderr
os.dup2(2, 1)

import torch  # noqa: E402

from scripts.inside.loading import empty_model, load_model, load_voice  # noqa: E402
from scripts.runtime import Utterance, batched, stream, tuned  # noqa: E402

QUIET = -200.0


def reduced_config() -> dict[str, Any]:
    """Kokoro's architecture with fewer and narrower layers, where its code lets them be."""
    config: dict[str, Any] = json.loads(Path(WEIGHTS["config"]).read_text(encoding="utf-8"))
    config["n_layer"] = 1
    config["plbert"] |= {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 2}
    config["istftnet"] |= {"resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3, 5]]}
    return config


class Models:
    """One architecture: stock, and what is made of it when it is first asked for."""

    def __init__(self, *, full: bool) -> None:
        torch.manual_seed(1)
        self.full = full
        self.stock: Any = (
            load_model(WEIGHTS, disable_complex=False) if full else empty_model(reduced_config(), disable_complex=False)
        )
        self.tuned = tuned(self.stock)
        self.each = batched(self.tuned)
        self.together = batched(self.tuned, together=True)

    def utterance(self, given: list[Any]) -> Any:
        phonemes, voice, speed, seed = given
        if self.full:
            style = load_voice(WEIGHTS, voice)[len(phonemes) - 1]
        else:
            style = torch.randn(1, 256, generator=torch.Generator().manual_seed(voice)) * 0.1
        return Utterance(phonemes, style, speed, seed)


def alone(model: Any, one: Any) -> Any:
    torch.manual_seed(one.seed)
    return model(one.phonemes, one.style, one.speed, return_output=True)


def snr(expected: Any, found: Any) -> float | None:
    """SNR in dB; None: identical. Another length is no likeness at all."""
    if expected.shape != found.shape:
        return QUIET
    expected, found = expected.double(), found.double()
    noise = float((expected - found).square().sum())
    return None if noise == 0 else 10 * math.log10(float(expected.square().sum()) / noise)


def compare_tuned(models: Models, utterances: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    model = tuned(models.stock, **options) if options else models.tuned
    answers = []
    for one in map(models.utterance, utterances):
        expected, state = alone(models.stock, one), torch.get_rng_state()
        found = alone(model, one)
        answers.append(
            {
                "snr": snr(expected.audio, found.audio),
                "durations": torch.equal(expected.pred_dur, found.pred_dur),
                "random_state": torch.equal(state, torch.get_rng_state()),
                "changeable": not found.audio.is_inference(),
            }
        )
    return {"answers": answers}


def compare_batched(models: Models, utterances: list[Any], how: str) -> dict[str, Any]:
    """SNR of each in company against alone: alone by the tuned model, or as a batch of one."""
    chosen = [models.utterance(given) for given in utterances]
    if how == "each":
        found = models.each.forward_batch(chosen)
        expected = [alone(models.tuned, one) for one in chosen]
    else:
        found = models.together.forward_batch(chosen)
        expected = [models.together.forward_batch([one])[0] for one in chosen]
    return {"snr": [snr(a.audio, b.audio) for a, b in zip(expected, found, strict=True)]}


def untouched(models: Models) -> dict[str, Any]:
    """Whether the model given to tuned has what it had: values, norms, and no shared part that was changed."""
    again = load_model(WEIGHTS, disable_complex=False)
    names = [name for name, _ in again.named_parameters()]
    same = all(torch.equal(a, b) for a, b in zip(again.parameters(), models.stock.parameters(), strict=True))
    return {"same": same and names == [name for name, _ in models.stock.named_parameters()]}


def growth(models: Models, count: int, utterances: list[Any]) -> dict[str, Any]:
    """Resident MiB after a quarter of `count` utterances and after all, through tuned and batched in turn."""
    chosen = [models.utterance(given) for given in utterances]
    marks: list[float] = []
    done = 0
    while done < count:
        alone(models.tuned, chosen[done % len(chosen)])
        models.each.forward_batch(chosen)
        done += 1 + len(chosen)
        if done >= count or (not marks and done >= count // 4):
            gc.collect()
            marks.append(resident())
    return {"marks": marks}


def resident() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def refusal(models: Models, what: str) -> dict[str, Any]:
    style = models.utterance(["a", "af_heart" if models.full else 1, 1.0, 0]).style
    calls = {
        "no model": lambda: tuned(torch.nn.Linear(1, 1)),
        "dtype": lambda: tuned(models.stock, dtype="float16"),
        "twice": lambda: tuned(models.tuned),
        "disable_complex": lambda: tuned(empty_model(reduced_config(), disable_complex=True)),
        "no phonemes": lambda: models.each.forward_batch([Utterance("a", style), Utterance("", style)]),
        "unknown phonemes": lambda: models.each.forward_batch([Utterance("\x00\x07", style)]),
        "too many": lambda: models.each.forward_batch([Utterance("a" * 511, style)]),
        "shape": lambda: models.each.forward_batch([Utterance("a", style[:, :128])]),
        "not finite": lambda: models.each.forward_batch([Utterance("a", style * float("nan"))]),
        "speed": lambda: models.each.forward_batch([Utterance("a", style, speed=0.0)]),
    }
    try:
        calls[what]()
    except (TypeError, ValueError) as error:
        return {"kind": type(error).__name__, "text": str(error)}
    return {"kind": None, "text": ""}


def streamed(models: Models, text: str, by: str) -> dict[str, Any]:
    """What stream hands out beside what KPipeline does with the same model."""
    from kokoro import KPipeline  # noqa: PLC0415 - misaki's dictionaries take seconds

    pipeline = KPipeline(lang_code="a", repo_id="hexgrad/Kokoro-82M", model=models.tuned)
    voice = load_voice(WEIGHTS, "af_heart")
    parts = [[one.graphemes, one.phonemes, len(one.audio)] for one in stream(pipeline, text, voice=voice, by=by)]
    whole = [[one.graphemes, one.phonemes, len(one.audio)] for one in pipeline(text, voice=voice)]
    return {"parts": parts, "whole": whole}


def main() -> None:
    made: dict[bool, Models] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name, full = request.pop("ask"), request.pop("full")
        if full not in made:
            made[full] = Models(full=full)
        answer = globals()[name](made[full], **request)
        OUT.write(json.dumps(answer) + "\n")
        OUT.flush()


if __name__ == "__main__":
    main()
