"""The aarch64 machine: what it takes, making it, running programs in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.errors import BuildError
from scripts.home import CHECKOUT, Home
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.shell import Completed, run
from tests.simulated_gpu.arm64.entering import QEMU, Mount, entering
from tests.simulated_gpu.kept import kept
from tests.support.roots import SUITE, CannotBuildError, debootstrap, not_made, require

PACKAGES = "python3,libgomp1,libstdc++6"
PYTHON = Path("/usr/bin/python3")
COMPILER = "aarch64-linux-gnu-gcc"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
CPU_FILES = {
    "possible": "0-1\n",
    "present": "0-1\n",
    "cpu0/regs/identification/midr_el1": "0x00000000410fd851\n",
    "cpu1/regs/identification/midr_el1": "0x00000000410fd851\n",
}
"""Below /sys/devices/system/cpu: the rest of what torch's libraries read of it, and the same as cpuinfo.txt says."""
_SELF = (
    "import json, os, platform, sys; print(json.dumps([platform.machine(), sys.version_info[:2], os.confstr({!r})]))"
)


def require_arm_machine() -> None:
    """Make sure that this machine can make one, and libraries for it.

    Raises CannotBuildError.
    """
    require({Path(QEMU).name: "qemu-user-static", COMPILER: "gcc-aarch64-linux-gnu", "dpkg-deb": "dpkg"})
    if not Path(QEMU).is_file():
        raise CannotBuildError(f"there is no {QEMU} (Debian: qemu-user-static)")


@dataclass(frozen=True, kw_only=True)
class ArmMachine:
    """An arm64 Debian that was unpacked and never configured, and what is seen in it besides."""

    root: Path
    mounts: tuple[Mount, ...] = (Mount.same(CHECKOUT / "scripts", read_only=True),)

    @classmethod
    def build(cls, home: Home) -> ArmMachine:
        """Make it, once. Half a minute. Raises CannotBuildError, and what not_made gives."""
        require_arm_machine()
        recipe = json.dumps([SUITE, PACKAGES, CPU_FILES])
        return cls(root=kept("aarch64-root", recipe, home, _unpack))

    def seeing(self, *mounts: Mount) -> ArmMachine:
        """Give the machine in which more of this one is seen."""
        return replace(self, mounts=(*self.mounts, *mounts))

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        """Run one aarch64 program, as scripts.shell.run does: this is a Runner. It can't start another program.

        `argv[0]` is its path there. `env` None is ENVIRONMENT. `cwd` is seen under its own path.
        """
        mounts = self.mounts if cwd is None else (*self.mounts, Mount.same(cwd))
        command = entering(
            self.root, mounts, argv, env=ENVIRONMENT if env is None else env, cwd=Path("/") if cwd is None else cwd
        )
        return run(command, timeout=timeout, tee=tee, pass_fds=pass_fds)

    def target(self) -> Target:
        """Ask the machine itself what wheels are chosen for. Raises BuildError (aarch64-machine) if it is damaged."""
        done = self.run([str(PYTHON), "-I", "-c", _SELF.format("CS_GNU_LIBC_VERSION")])
        if not done.ok:
            raise BuildError(
                "a program does not run on the aarch64 machine",
                context=done.stderr,
                reference="aarch64-machine",
                hint=f"delete {self.root}, and it is made again",
            )
        machine, python, libc = json.loads(done.stdout)
        major, minor = libc.removeprefix("glibc ").split(".")
        return Target(
            architecture=Architecture.parse(machine), python=PythonVersion(*python), glibc=(int(major), int(minor))
        )


def _unpack(root: Path) -> None:
    """Unpack packages and nothing more: their configuration, under emulation, takes five minutes."""
    debootstrap(root, "--arch=arm64", "--foreign", packages=PACKAGES)
    archives = root / "var" / "cache" / "apt" / "archives"
    for package in sorted(archives.glob("*.deb")):
        done = run(["dpkg-deb", "--extract", str(package), str(root)])
        if not done.ok:
            raise not_made(done)
        package.unlink()
    shutil.rmtree(root / "debootstrap")
    shutil.copy2(QEMU, root / QEMU.lstrip("/"))
    for name, text in CPU_FILES.items():
        file = root / "sys" / "devices" / "system" / "cpu" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name in ("root", "tmp"):
        (root / name).mkdir(exist_ok=True)
