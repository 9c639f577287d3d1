"""A wheel's platform tag, by what auditwheel answers."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.builds.platform_tag import choose_tag
from scripts.model.builds import TagChoice
from scripts.model.target import Architecture
from scripts.shell import Completed, ProgramNotFoundError

HONEST = "linux_aarch64"


class Auditwheel:
    """Answers as auditwheel would: a wheel of some name with some members, or words and no wheel."""

    def __init__(self, repaired: str = "", members: Sequence[str] = (), *, stderr: str = "", code: int = 0) -> None:
        self.repaired, self.members, self.stderr, self.code = repaired, members, stderr, code
        self.argv: list[str] = []

    def __call__(self, argv: Sequence[str], **_: Any) -> Completed:
        self.argv = list(argv)
        if self.repaired:
            with zipfile.ZipFile(Path(argv[argv.index("-w") + 1]) / self.repaired, "w") as archive:
                for name in self.members:
                    archive.writestr(name, "")
        return Completed(argv=tuple(argv), returncode=self.code, stdout="", stderr=self.stderr, seconds=0)


def chosen(run: Any, folder: Path, name: str = "demo-1.0-cp312-cp312-linux_aarch64.whl") -> TagChoice:
    provided = ("libtorch*.so",)
    return choose_tag(
        folder / name, provided, architecture=Architecture.AARCH64, tools=folder, run=run, environ={"PATH": "/bin"}
    )


MANY = "demo-1.0-cp312-cp312-manylinux_2_34_aarch64.manylinux_2_35_aarch64.whl"


def test_what_the_symbols_allow(tmp_path: Path) -> None:
    run = Auditwheel(MANY)
    assert chosen(run, tmp_path).tag == "manylinux_2_34_aarch64"
    assert run.argv[run.argv.index("--exclude") + 1] == "libtorch*.so"


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (Auditwheel(MANY, ["demo.libs/libodd-0123abcd.so.1"]), "libodd.so.1"),
        (Auditwheel(stderr="INFO: x\nERROR:auditwheel.main_repair:too recent", code=1), "auditwheel: too recent"),
        (Auditwheel(code=1), "it said nothing"),
        (Auditwheel("demo-1.0-cp312-cp312-linux_aarch64.whl", stderr="INFO: as it is"), "as it is"),
    ],
)
def test_the_honest_tag_has_its_reason(run: Auditwheel, why: str, tmp_path: Path) -> None:
    choice = chosen(run, tmp_path)
    assert choice.tag == HONEST
    assert why in choice.reason


def test_without_auditwheel(tmp_path: Path) -> None:
    def missing(argv: Sequence[str], **_: Any) -> Completed:
        raise ProgramNotFoundError(argv[0], reference="program-not-found")

    assert chosen(missing, tmp_path).tag == HONEST


def test_a_wheel_for_any_platform_is_not_asked_about(tmp_path: Path) -> None:
    run = Auditwheel()
    assert chosen(run, tmp_path, "demo-1.0-py3-none-any.whl").tag == "any"
    assert not run.argv
