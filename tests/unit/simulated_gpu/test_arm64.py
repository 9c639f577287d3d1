"""The aarch64 machine's pure parts: how it is entered, what is installed, how a library is renamed."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest

from scripts.errors import IntegrityError, UsageError
from scripts.model.plan import InstallLock, Plan
from scripts.strategies.locks import make_lock
from tests.simulated_gpu.arm64.entering import CPUINFO, QEMU, Mount, entering
from tests.simulated_gpu.arm64.machine import CPU_FILES
from tests.simulated_gpu.arm64.nvrtc import OLDER_PIN
from tests.simulated_gpu.arm64.packages import IMPORTED, requirements
from tests.simulated_gpu.soname import elf_hash, renamed
from tests.support.elves import FATBINS
from tests.support.plans import H, plan

ROOT = Path("/data/a root")


def script(*mounts: Mount, env: dict[str, str] | None = None, cwd: str = "/w") -> list[list[str]]:
    """Enter for `python -c "print('x')"` and give the steps of the shell, each taken apart as the shell does."""
    argv = ["/usr/bin/python3", "-c", "print('x')"]
    command = entering(ROOT, mounts, argv, env=env or {}, cwd=Path(cwd))
    assert command[:4] == ["unshare", "--mount", "sh", "-euc"]
    assert len(command) == 5
    return [shlex.split(line) for line in command[4].splitlines()]


def test_the_program_comes_last_as_it_was_given() -> None:
    last = script(env={"PATH": "/usr/bin", "A": "two words"})[-1]
    assert last[:5] == ["exec", "env", "-i", "PATH=/usr/bin", "A=two words"]
    assert last[5:9] == ["$unshare", "--root=/data/a root", "--wd=/w", "--"]
    assert last[9:] == [QEMU, "/usr/bin/python3", "-c", "print('x')"]


def test_every_step_before_it_is_a_mount_in_the_root() -> None:
    steps = script()[:-2]
    assert [step[0] for step in steps] == ["mount"] * 3
    assert [step[-1] for step in steps] == ["/data/a root/proc", "/data/a root/proc/cpuinfo", "/data/a root/dev"]
    assert str(CPUINFO) in steps[1]


def test_what_is_seen_besides() -> None:
    steps = script(Mount.same(Path("/x y"), read_only=True), Mount(source=Path("/b"), target=Path("/c")))[3:-2]
    assert steps == [
        ["mkdir", "-p", "/data/a root/x y"],
        ["mount", "--bind", "/x y", "/data/a root/x y"],
        ["mount", "-o", "remount,bind,ro", "/data/a root/x y"],
        ["mkdir", "-p", "/data/a root/c"],
        ["mount", "--bind", "/b", "/data/a root/c"],
    ]


def test_the_dynamic_linkers_variables_reach_the_program_alone() -> None:
    last = script(env={"LD_PRELOAD": "/a.so /b.so", "HOME": "/root"})[-1]
    at = last.index(QEMU)
    assert "LD_PRELOAD" not in " ".join(last[:at])
    assert last[at + 1 : at + 3] == ["-E", "LD_PRELOAD=/a.so /b.so"]


def test_a_variable_that_the_emulator_would_take_apart_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        script(env={"LD_PRELOAD": "/a,b.so"})
    assert caught.value.reference == "comma-in-path"


def test_the_processors_are_the_same_everywhere() -> None:
    """/proc and /sys tell of as many processors, and of the same one."""
    fields = [line.split(":") for line in CPUINFO.read_text().splitlines() if line]
    values = {key.strip(): int(value, 0) for key, value in fields if value.strip()[:1].isdigit() and "." not in value}
    count = sum(1 for key, _ in fields if key.strip() == "processor")
    assert CPU_FILES["present"] == CPU_FILES["possible"] == f"0-{count - 1}\n"
    register = (
        values["CPU implementer"] << 24
        | values["CPU variant"] << 20
        | 0xF << 16  # the architecture is told by other registers
        | values["CPU part"] << 4
        | values["CPU revision"]
    )
    identified = [text for name, text in CPU_FILES.items() if name.endswith("midr_el1")]
    assert [int(text, 16) for text in identified] == [register] * count


def planned(*names: str) -> Plan:
    lock = make_lock("constraints/pypi-aarch64-cp311.txt", "".join(f"{name}==1.0 {H}\n" for name in names), index=None)
    return dataclasses.replace(plan(), steps=(InstallLock(lock=lock),))


def test_what_torch_imports_and_its_nvrtc_are_installed_and_nothing_else() -> None:
    text = requirements(planned(*IMPORTED, "nvidia-cuda-nvrtc", "nvidia-cublas", "triton", "kokoro"))
    lines = text.splitlines()
    assert {line.partition("==")[0] for line in lines} == IMPORTED | {"nvidia-cuda-nvrtc"}
    assert all(H in line for line in lines)


@pytest.mark.parametrize("left_out", ["numpy", "nvidia-cuda-nvrtc"])
def test_a_plan_without_one_of_them_is_refused(left_out: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        requirements(planned(*({*IMPORTED, "nvidia-cuda-nvrtc"} - {left_out})))
    assert caught.value.reference == "bad-lock"
    assert left_out.rpartition("-")[2] in caught.value.message.lower()


def test_the_older_nvrtc_is_pinned() -> None:
    assert len(make_lock("nvrtc", OLDER_PIN, index=None).pins[0].hashes) == 1


def test_the_hash_of_a_version() -> None:
    """As `readelf -V` and the linker have it: the System V ABI's own example, and glibc's."""
    assert elf_hash("printf") == 0x077905A6
    assert elf_hash("GLIBC_2.17") == 0x06969197


def test_a_library_without_a_name_is_not_renamed() -> None:
    with pytest.raises(IntegrityError) as caught:
        renamed((FATBINS / "plain.so").read_bytes(), "libnvrtc.so.13")
    assert caught.value.reference == "not-renamed"
