"""ask(): one question to a provisioned interpreter, as one process, answered in a file.

The other half is scripts/inside. A crash, a hang and a kill are observations like any other; only an interpreter
that cannot be started at all is an error.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.errors import NoCandidateError, SparkError
from scripts.home import CHECKOUT
from scripts.model.evidence import Observation, Outcome
from scripts.redaction import redact
from scripts.shell import Completed, ProgramNotFoundError, Runner

INSIDE = CHECKOUT / "scripts" / "inside"
DEFAULT_TIMEOUT = 300.0
"""Seconds. A cold import of kokoro is 14 s on an idle machine, and CI machines are not idle."""

_OUTPUT_TAIL = 4000
_ERROR_HEAD, _ERROR_TAIL = 300, 1200
"""What is kept of a long error. The Jiterator's is 46,000 characters: a kernel's source, then what NVRTC says."""


def ask(
    python: Path,
    probe: str,
    request: Mapping[str, Any],
    *,
    run: Runner,
    workdir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    bytecode: Path | None = None,
) -> Observation:
    """Ask one probe of scripts/inside, run by `python`, and return how it ended.

    `python` is an environment's interpreter; a link such as `envs/current` on the way to it is resolved first.
    `workdir` is where request, answer and the private caches live (None: a temporary folder, removed after).
    `environ` is the whole environment of the child before it is made safe (None: this process's own).
    `bytecode` is a folder for compiled modules that outlives this call: with it kokoro imports in 5 s instead of 14 s.
    Nothing is ever written into the environment itself.

    Raises NoCandidateError where there is no such interpreter.
    """
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-probe-", dir=workdir) as name:
        folder = Path(name)
        request_file, answer_file = folder / "request.json", folder / "answer.json"
        request_file.write_text(json.dumps({**request, "probe": probe}, ensure_ascii=False), encoding="utf-8")
        interpreter = real_interpreter(python)
        compiled = ["-B"] if bytecode is None else ["-X", f"pycache_prefix={bytecode}"]
        options = ["-I", *compiled, "-X", "faulthandler"]
        argv = [str(interpreter), *options, str(INSIDE), str(request_file), str(answer_file)]
        try:
            done = run(argv, env=probe_environment(environ, folder), cwd=folder, timeout=timeout)
        except (ProgramNotFoundError, OSError) as error:
            raise NoCandidateError(
                f"{python} is no Python that can be started",
                context=redact(error.message if isinstance(error, SparkError) else str(error)),
                reference="no-interpreter",
                hint="name an environment's own interpreter, e.g. --python PATH/bin/python",
            ) from error
        return observe(probe, done, read_answer(answer_file), timeout=timeout)


def real_interpreter(python: Path) -> Path:
    """Resolve the folder that holds the interpreter, but not the interpreter itself.

    `envs/current/bin/python` becomes `envs/<real>/bin/python`: started through the link, `sys.prefix` would be the
    link, and change under a running process when another environment becomes current. The interpreter's own link
    must stay: resolved, it would be the base Python, outside the environment.
    """
    return python.absolute().parent.resolve() / python.name


def probe_environment(environ: Mapping[str, str] | None, folder: Path) -> dict[str, str]:
    """Make the child's environment: offline, quiet, with private empty caches.

    A cached kernel hides a broken NVRTC, so the Jiterator's cache is a fresh folder (facts: the kernel cache).
    PYTHON* variables do not reach the probe (`-I`), but would reach processes that the libraries start.
    """
    base = os.environ if environ is None else environ
    child = {name: value for name, value in base.items() if not name.startswith("PYTHON")}
    caches = {
        "PYTORCH_KERNEL_CACHE_PATH": "kernels",
        "TRITON_CACHE_DIR": "triton",
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
    }
    for variable, name in caches.items():
        place = folder / name
        place.mkdir()
        child[variable] = str(place)
    return child | {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads of two processes starve each other
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def read_answer(path: Path) -> dict[str, Any] | None:
    """Read an answer file; None where there is none or it is no answer."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and isinstance(data.get("ok"), bool) else None


def observe(probe: str, done: Completed, answer: dict[str, Any] | None, *, timeout: float) -> Observation:
    """Turn how the process ended and what it answered into one observation."""
    detail = dict(answer["detail"]) if answer and isinstance(answer.get("detail"), dict) else {}
    outcome, error = _ending(done, answer, timeout)
    if outcome is not Outcome.PASSED:
        for stream, text in (("stdout_tail", done.stdout), ("stderr_tail", done.stderr)):
            if text.strip():
                detail[stream] = redact(text[-_OUTPUT_TAIL:])
    error = redact(shorten(error))
    return Observation(probe=probe, outcome=outcome, detail=detail, error=error, seconds=round(done.seconds, 3))


def shorten(error: str) -> str:
    """Keep both ends of a long error text."""
    left_out = len(error) - _ERROR_HEAD - _ERROR_TAIL
    if left_out <= 0:
        return error
    return f"{error[:_ERROR_HEAD]}\n[... {left_out} characters ...]\n{error[-_ERROR_TAIL:]}"


def _ending(done: Completed, answer: dict[str, Any] | None, timeout: float) -> tuple[Outcome, str]:
    if done.returncode is None:
        return Outcome.HUNG, f"no answer within {timeout:g} s"
    if done.returncode == -signal.SIGKILL:
        return Outcome.KILLED, "killed from outside by SIGKILL, usually the kernel's out-of-memory killer"
    if done.returncode < 0:
        when = " after it had answered" if answer else ""
        return Outcome.CRASHED, f"died of {_signal_name(-done.returncode)}{when}"
    if answer is None:
        return Outcome.CRASHED, f"exited {done.returncode} without an answer"
    if answer["ok"]:
        return Outcome.PASSED, ""
    return Outcome.FAILED, str(answer.get("error") or "failed without a reason")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
