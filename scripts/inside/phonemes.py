"""Probe `phonemes`: texts to phonemes, as KPipeline does it for the model, so that every mode speaks the same.

Request: `texts` ([{"name": TEXT, "text": TEXT, "language": KPipeline's letter}]), `device` ("auto", "cpu", "cuda").
Answer: `stretches` ({name: [phonemes, ...]}, each at most 510 symbols: what the model takes in one pass), `left_out`
({name: why}: languages whose package is not here), `seconds` ({name: what its text took}), `device` (the one that torch
would use) and its `device_name`, `torch`, `processors`. Failures carry `cause`: "no-gpu", "no-spacy-model",
"nothing-spoken".
"""

from __future__ import annotations

import os
import time
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.loading import REPOSITORY
from scripts.inside.speak import SPACY_MODEL, choose_device, installed

LIMIT = 510
"""Symbols of one pass of the model, whose context is 512 with both ends."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Turn every text into stretches of phonemes."""
    device = choose_device(request["device"])
    os.environ["HF_HUB_OFFLINE"] = "1"  # before kokoro's import: an unreachable hub costs 24 s of retries
    import torch

    pipelines: dict[str, Any] = {}
    stretches: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for one in request["texts"]:
        language = one["language"]
        if language not in pipelines:
            pipelines[language] = _pipeline(language)
        pipeline = pipelines[language]
        if isinstance(pipeline, str):
            left_out[one["name"]] = pipeline
            continue
        start = time.perf_counter()
        stretches[one["name"]] = [result.phonemes for result in pipeline(one["text"])]
        seconds[one["name"]] = time.perf_counter() - start
        if not any(map(str.isalpha, "".join(stretches[one["name"]]))):
            raise ProbeFailure(f"nothing to speak came of {one['text']!r}", {"cause": "nothing-spoken"})
    return {
        "stretches": stretches,
        "left_out": left_out,
        "seconds": seconds,
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else None,
        "torch": torch.__version__,
        "processors": os.cpu_count(),
    }


def _pipeline(language: str) -> Any:
    """Build a KPipeline that has no model; a text instead, where its language needs what is not installed."""
    from kokoro import KPipeline

    if language in "ab" and not installed(SPACY_MODEL):  # misaki would run pip for it
        raise ProbeFailure(f"spaCy's model {SPACY_MODEL} is not installed", {"cause": "no-spacy-model"})
    try:
        return KPipeline(lang_code=language, repo_id=REPOSITORY, model=False)
    except ImportError as error:
        return f"the language {language!r} needs a package that is not installed: {error}"
