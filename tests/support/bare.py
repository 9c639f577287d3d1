"""A bare Debian with python3 and venv only, made by debootstrap, to run the documentation's commands in.

Nothing of the host is in it but the way to a package index: its CA bundle, its resolver, and the variables and the
index that pip and uv are configured with. Each command runs in its own mount namespace, so nothing stays mounted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.home import CHECKOUT
from scripts.shell import Completed, run
from tests.support.roots import debootstrap, require

PACKAGES = "python3,python3-venv,ca-certificates"
FOLDER = "/home/reader/kokoro-spark"
BUNDLE = "/etc/ssl/certs/host-ca.crt"
CARRIED = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "OMP_")
CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
# The root, with /proc and /dev of its own. unshare makes the mounts private: they end with the command.
ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && cd / && exec chroot "$0" sh -c "$1"'


@dataclass(frozen=True)
class BareMachine:
    """A root file system with a copy of the checkout in it."""

    root: Path

    @classmethod
    def build(cls, root: Path) -> BareMachine:
        """Make the root file system and put the checkout and uv's cache of the host into it. About a minute.

        Raises CannotBuildError, and what debootstrap raises.
        """
        require({})
        debootstrap(root, packages=PACKAGES)
        machine = cls(root)
        machine._copy_the_way_to_an_index()
        machine._copy_the_checkout()
        machine._share_the_cache()
        return machine

    def run(self, text: str, *, variables: Mapping[str, str] | None = None, timeout: float | None = None) -> Completed:
        """Run shell text in the copy of the checkout as root, `sh -e`, with nothing of the host's environment."""
        words = {
            "HOME": "/root",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            **self._carried(),
            **(variables or {}),
        }
        inside = " ".join(shlex.quote(f"{name}={value}") for name, value in words.items())
        command = f"cd {FOLDER} && exec env -i {inside} sh -ec {shlex.quote(text)}"
        return run(["unshare", "--mount", "sh", "-c", ENTER, str(self.root), command], timeout=timeout)

    def _copy_the_way_to_an_index(self) -> None:
        bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
        if bundle and Path(bundle).is_file():
            shutil.copyfile(bundle, self.root / BUNDLE.lstrip("/"))
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(Path("/etc", name), self.root / "etc" / name)

    def _copy_the_checkout(self) -> None:
        listed = run(["git", "-C", str(CHECKOUT), "ls-files", "-z"])
        if not listed.ok:
            raise RuntimeError(listed.stderr)
        for name in filter(None, listed.stdout.split("\0")):
            if (CHECKOUT / name).is_file():
                target = self.root / FOLDER.lstrip("/") / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, target)

    def _share_the_cache(self) -> None:
        """Hard-link uv's cache of the host into the root, so that nothing is fetched or written twice.

        A bind mount would do for reading, but no link can be made from one mount into another.
        """
        cache = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache/uv")
        if cache.is_dir() and cache.stat().st_dev == self.root.stat().st_dev:
            copied = run(["cp", "-al", str(cache), str(self.root / "cache")])
            if not copied.ok:
                shutil.rmtree(self.root / "cache", ignore_errors=True)

    def _carried(self) -> dict[str, str]:
        """The host's configuration of pip and uv, but for its own folders; its CA bundle under the copy's name."""
        found = {
            name: value
            for name, value in os.environ.items()
            if name.upper().startswith(CARRIED) and not value.startswith(("/", "file:"))
        }
        index = run([sys.executable, "-m", "pip", "config", "get", "global.index-url"])
        if index.ok and "PIP_INDEX_URL" not in found:
            found["PIP_INDEX_URL"] = index.stdout.strip()
        if (self.root / BUNDLE.lstrip("/")).exists():
            found |= dict.fromkeys(CA_VARIABLES, BUNDLE)
        return {**found, "UV_CACHE_DIR": "/cache"}
