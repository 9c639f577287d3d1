"""Asking an NVRTC itself: its wheel found for this machine, unpacked, and one probe of scripts/inside."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, ExitCode, IntegrityError, NoCandidateError, SparkError
from scripts.model.facts import Facts, IndexSettings
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.proving import ask_nvrtc
from tests.support.answering import AnsweringRunner, failed, passed
from tests.support.contexts import context
from tests.support.machines import MAC, PC, SPARK
from tests.unit.operations.wheel_web import File, WheelWeb, nvrtc_file
from tests.unit.operations.worlds import DEFAULT

NAME = "nvidia-cuda-nvrtc"
FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=DEFAULT))
LIBRARIES = ("libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libnvrtc.alt.so.13", "libnvrtc-builtins.alt.so.13.0")


class Unpacked(AnsweringRunner):
    """Looks at what lies beside the library while it is asked."""

    found: tuple[str, ...] = ()

    def __call__(self, argv: Any, **options: Any) -> Any:
        self.argv = tuple(argv)
        done = super().__call__(argv, **options)
        library = Path(self.requests[-1]["library"])
        self.library = library.name
        self.found = tuple(sorted(path.name for path in library.parent.iterdir()))
        return done


def answer(request: dict[str, Any]) -> dict[str, Any]:
    return passed(compiles={one: {"ok": True, "code": 0} for one in request["targets"]})


def ask(
    tmp_path: Path,
    web: WheelWeb,
    run: AnsweringRunner,
    *,
    facts: Facts = FACTS,
    version: str = "13.0.88",
    **options: Any,
) -> dict[str, Any]:
    given = context(tmp_path, facts, web=web, run=run)
    return ask_nvrtc(NAME, version, [GB10, ComputeCapability(12, 0)], given, **options)


def cached(folder: Path) -> list[str]:
    """Name the files that the cache of wheels holds."""
    return sorted(path.name for path in (folder / "data" / "cache" / "wheels").rglob("*") if path.is_file())


def test_the_library_and_its_builtins_are_unpacked_and_asked(tmp_path: Path) -> None:
    file = nvrtc_file("13.0.88", libraries=LIBRARIES)
    run = Unpacked(answer)
    detail = ask(tmp_path, WheelWeb().add(file), run)
    assert set(detail["compiles"]) == {"12.1", "12.0"}
    assert (run.library, run.found) == ("libnvrtc.so.13", ("libnvrtc-builtins.so.13.0", "libnvrtc.so.13"))
    assert run.requests[0]["probe"] == "nvrtc"
    assert run.argv[0] == sys.executable
    assert cached(tmp_path) == [file.name], "the wheel stays, what was unpacked goes"


def test_it_need_not_stay(tmp_path: Path) -> None:
    ask(tmp_path, WheelWeb().add(nvrtc_file("13.0.88")), AnsweringRunner(answer), keep=False)
    assert cached(tmp_path) == []


@pytest.mark.parametrize("keep", [True, False])
def test_one_that_does_not_answer(tmp_path: Path, *, keep: bool) -> None:
    run = AnsweringRunner(lambda _: failed("libnvrtc.so.13 cannot be loaded: no such thing"))
    with pytest.raises(BrokenError, match="does not answer on this machine: libnvrtc") as caught:
        ask(tmp_path, WheelWeb().add(nvrtc_file("13.0.88")), run, keep=keep)
    assert (caught.value.reference, caught.value.exit_code) == ("nvrtc-broken", ExitCode.BROKEN)
    assert caught.value.hint
    assert len(cached(tmp_path)) == (1 if keep else 0)


@pytest.mark.parametrize(("returncode", "how"), [(-11, "SIGSEGV"), (None, "no answer within"), (3, "exited 3")])
def test_one_that_crashes_or_hangs(tmp_path: Path, returncode: int | None, how: str) -> None:
    run = AnsweringRunner(answer, returncode=returncode)
    with pytest.raises(BrokenError, match=how):
        ask(tmp_path, WheelWeb().add(nvrtc_file("13.0.88")), run)


def test_the_wheel_is_this_machine_s(tmp_path: Path) -> None:
    files = [nvrtc_file("13.0.88", architecture=one) for one in ("x86_64", "aarch64")]
    for folder, facts, name in (
        ("pc", FACTS, "x86_64"),
        ("spark", dataclasses.replace(SPARK, index=FACTS.index), "aarch64"),
    ):
        web = WheelWeb().add(*files)
        ask(tmp_path / folder, web, AnsweringRunner(answer), facts=facts)
        assert [name in url for url in web.downloads] == [True]


def test_a_mirror_may_be_named(tmp_path: Path) -> None:
    web = WheelWeb().add(nvrtc_file("13.0.88"), index="https://lane.example/whl/cu130")
    ask(tmp_path, web, AnsweringRunner(answer), index="https://lane.example/whl/cu130")
    assert web.downloads[0].startswith("https://lane.example/files/")


def test_versions_are_compared_and_not_spelled(tmp_path: Path) -> None:
    ask(tmp_path, WheelWeb().add(nvrtc_file("13.0.88.0")), AnsweringRunner(answer))


def refused(tmp_path: Path, *files: File, **options: Any) -> SparkError:
    run = AnsweringRunner(answer)
    with pytest.raises(SparkError) as caught:
        ask(tmp_path, WheelWeb().add(*files), run, **options)
    assert run.requests == [], "nothing was run"
    assert caught.value.hint
    return caught.value


def test_there_is_none_for_this_machine(tmp_path: Path) -> None:
    error = refused(tmp_path, nvrtc_file("13.0.88", architecture="aarch64"))
    assert isinstance(error, NoCandidateError)
    assert error.reference == "no-nvrtc"
    assert "x86_64" in error.message
    assert "aarch64" in error.context


def test_there_is_no_such_release(tmp_path: Path) -> None:
    assert refused(tmp_path, nvrtc_file("13.0.88"), version="13.0.89").reference == "no-nvrtc"


def test_a_machine_that_is_none_of_ours(tmp_path: Path) -> None:
    mac = dataclasses.replace(MAC, index=FACTS.index)
    assert refused(tmp_path, nvrtc_file("13.0.88"), facts=mac).reference == "unsupported-machine"


def test_without_a_hash_it_is_not_run(tmp_path: Path) -> None:
    error = refused(tmp_path, dataclasses.replace(nvrtc_file("13.0.88"), hashed=False))
    assert isinstance(error, IntegrityError)
    assert error.reference == "no-hash"


@pytest.mark.parametrize(
    "file",
    [
        dataclasses.replace(nvrtc_file("13.0.88"), data=b"no zip"),
        nvrtc_file("13.0.88", libraries=()),
        nvrtc_file("13.0.88", libraries=("libnvrtc.so.12", "libnvrtc.so.13")),
        nvrtc_file("13.0.88", libraries=("libnvrtc-builtins.so.13.0",)),
    ],
    ids=["no zip", "no library", "two", "builtins alone"],
)
def test_a_wheel_that_is_none(tmp_path: Path, file: File) -> None:
    error = refused(tmp_path, file)
    assert error.reference == "bad-wheel"
    assert file.name in error.message


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    run = Unpacked(answer)
    file = nvrtc_file("13.0.88", libraries=("../../../../libnvrtc.so.13",))
    ask(tmp_path, WheelWeb().add(file), run)
    assert run.found == ("libnvrtc.so.13",)
    assert cached(tmp_path) == [file.name]
    assert not list(tmp_path.glob("libnvrtc*"))
