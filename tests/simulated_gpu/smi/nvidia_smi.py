"""What a fake nvidia-smi runs: it prints what answers.json, beside it, holds. Stdlib only."""

from __future__ import annotations

import json
import sys
from pathlib import Path

_FIELDS = ("index", "name", "uuid", "compute_cap", "memory.total", "driver_version")
"""The columns of the captured queries."""


def main(arguments: list[str]) -> int:
    """Answer `--query-gpu=FIELDS --format=csv,noheader,nounits` by columns, and no arguments by the table."""
    answers = json.loads((Path(__file__).parent / "answers.json").read_text(encoding="utf-8"))
    asked = [one.partition("=")[2].split(",") for one in arguments if one.startswith("--query-gpu=")]
    if not arguments or not asked:
        sys.stdout.write(answers["table"])
        return int(answers["exit"])
    rows = [line.split(", ") for line in answers["query"].splitlines()]
    if answers["exit"] or any(len(row) != len(_FIELDS) for row in rows):  # a message, not columns
        sys.stdout.write(answers["query"])
        return int(answers["exit"])
    unknown = [field for field in asked[0] if field not in _FIELDS]
    if unknown:
        sys.stdout.write(f'Field "{unknown[0]}" is not a valid field to query.\n\n')
        return 2
    for row in rows:
        sys.stdout.write(", ".join(row[_FIELDS.index(field)] for field in asked[0]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
