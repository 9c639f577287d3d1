"""Run while docker/ngc.Dockerfile is built, by the base image's Python: which pins, and is torch still its own?

    python3 -I base_torch.py remember CONTEXT PREFIX    before anything is installed
    PREFIX/bin/python -I base_torch.py check PREFIX     after it, in the image that is kept

Standard library and the image's torch, Python 3.8 and later: an image whose Python is too old must be able to say so.
A refusal is one line on stderr, `kokoro-spark: REFERENCE: MESSAGE`, and exit code 1; scripts/environments/image.py
reads it.
"""
# ruff: noqa: INP001 - no package: it is copied into an image

from __future__ import annotations

import json
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

BASE = "base.json"
"""In PREFIX: what the base image brought."""
ANSWER = "image.json"
"""In PREFIX: what is in use in the finished image."""


def refuse(reference: str, message: str) -> SystemExit:
    """Say why the build cannot go on."""
    sys.stderr.write(f"kokoro-spark: {reference}: {message}\n")
    return SystemExit(1)


def remember(context: Path, prefix: Path) -> None:
    """Choose the pins for this Python, and pin the torch that is here."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"kokoro-{platform.machine()}-cp{python.replace('.', '')}.txt"
    if not (context / name).is_file():
        there = ", ".join(sorted(path.stem for path in context.glob("kokoro-*-cp*.txt"))) or "none"
        raise refuse("python-mismatch", f"the base image has Python {python} on {platform.machine()}; pins: {there}")
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        raise refuse("no-torch", f"the base image's python3 ({sys.executable}) has no torch") from None
    prefix.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(context / name, prefix / "requirements.txt")
    shutil.copyfile(__file__, prefix / Path(__file__).name)
    (prefix / "constraint.txt").write_text(f"torch=={torch}\n", encoding="utf-8")
    (prefix / BASE).write_text(json.dumps({"torch": torch}), encoding="utf-8")


def check(prefix: Path) -> None:
    """Insist that torch is the one that was remembered, from where it was, and for CUDA."""
    base = json.loads((prefix / BASE).read_text(encoding="utf-8"))
    try:
        import torch  # noqa: PLC0415 - remember() has none to import
    except ImportError as error:
        raise refuse("torch-import-failed", f"torch {base['torch']} of the base image: {error}") from None
    file, version = Path(torch.__file__).resolve(), metadata.version("torch")
    if prefix.resolve() in file.parents or version != base["torch"]:
        raise refuse(
            "torch-replaced", f"torch {version} from {file} is in use, and the base image's is {base['torch']}"
        )
    if torch.version.cuda is None:
        raise refuse("cpu-build", f"torch {version} of the base image is a CPU-only build")
    found = {
        "python": platform.python_version(),
        "torch": version,
        "cuda": torch.version.cuda,
        "file": str(file),
    }
    (prefix / ANSWER).write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.write(f"kokoro-spark: torch {version} (CUDA {torch.version.cuda}) of the base image is in use: {file}\n")


def main(arguments: list[str]) -> None:
    """Do what is asked."""
    if len(arguments) == 3 and arguments[0] == "remember":
        remember(Path(arguments[1]), Path(arguments[2]))
    elif len(arguments) == 2 and arguments[0] == "check":
        check(Path(arguments[1]))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
