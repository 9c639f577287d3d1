"""A hub in memory, a uv and an npm that unpack from a script, and pins small enough to hash by hand."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.errors import IntegrityError, NetworkError
from scripts.home import Home
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME
from scripts.shell import Completed, ProgramNotFoundError
from scripts.web import Reply
from scripts.weights.means import Means
from scripts.weights.pins import CONFIG, HubPins, RegistryPins

HUB_FILES = {CHECKPOINT_NAME: b"checkpoint", "voices/af_heart.pt": b"heart", "voices/bf_emma.pt": b"emma"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


HUB = HubPins(
    endpoint="https://hub.example",
    repository="someone/Kokoro",
    revision="abc123",
    files=(
        (CHECKPOINT_NAME, sha256(HUB_FILES[CHECKPOINT_NAME])),
        (CONFIG_NAME, sha256(CONFIG.read_bytes())),
        *((path, sha256(data)) for path, data in HUB_FILES.items() if path != CHECKPOINT_NAME),
    ),
    label="the hub's",
    licences=("Apache-2.0",),
)


def voices_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        names = ["package/voices/af_heart.bin", "package/voices/../../evil.bin", "package/dist/kokoro.js"]
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"voice"))
    return buffer.getvalue()


ARCHIVE = voices_archive()
REGISTRY = RegistryPins(
    parts=("part_one", "part_two"),
    onnx_sha256=sha256(b"onetwo"),
    content_sha256="c0ffee",
    voices_package="voices-js@1.0",
    voices_sha256=sha256(ARCHIVE),
    label="int8-derived",
    licences=("Apache-2.0", "MIT"),
)


@dataclass
class Hub:
    """Answers for HUB.endpoint. `down`: cannot be reached. `breaks_at`: so many downloads, then the network goes."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(HUB_FILES))
    down: bool = False
    status: int = 200
    breaks_at: int | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        self._ask(url, headers)
        return Reply(url=url, status=self.status, headers={}, body=b"")

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str,
        size: int | None = None,
        description: str,
        headers: Mapping[str, str] | None = None,
    ) -> Path:
        if destination.is_file():
            return destination
        self._ask(url, headers)
        if self.breaks_at is not None and len(self.asked) > self.breaks_at:
            raise NetworkError("the hub broke off", reference="connection-lost")
        data = self.files[url.partition("/resolve/abc123/")[2]]
        if hashlib.sha256(data).hexdigest() != sha256:
            raise IntegrityError("wrong", reference="wrong-hash")
        destination.write_bytes(data)
        return destination

    def _ask(self, url: str, headers: Mapping[str, str] | None) -> None:
        self.asked.append((url, dict(headers or {})))
        if self.down:
            raise NetworkError("the hub cannot be reached", reference="network-unreachable")


@dataclass
class Machine:
    """A runner with uv, npm (unless `npm` is False) and an interpreter that converts and checks."""

    npm: bool = True
    npm_exit: int | None = 0
    archive: bytes = ARCHIVE
    parts: Mapping[str, bytes] = field(default_factory=lambda: {"part_one": b"one", "part_two": b"two"})
    uv_fails: str = ""
    answer: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    content: str = "c0ffee"
    seen: list[tuple[str, ...]] = field(default_factory=list)
    pass_fds: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        self.seen.append(tuple(argv))
        self.pass_fds.append(tuple(pass_fds))
        code, words = 0, ""
        if argv[0] == "uv":
            code, words = self._unpack(Path(argv[argv.index("--target") + 1]))
        elif argv[0] == "npm" and not self.npm:
            raise ProgramNotFoundError("npm was not found", reference="program-not-found")
        elif "pack" in argv:
            return self._pack(argv)
        else:
            self._inside(Path(argv[-2]), Path(argv[-1]))
        return Completed(argv=tuple(argv), returncode=code, stdout="", stderr=words, seconds=0.1)

    def _unpack(self, target: Path) -> tuple[int, str]:
        if self.uv_fails:
            return 1, self.uv_fails
        for name, data in self.parts.items():
            (target / name).mkdir(parents=True)
            (target / name / "part.bin").write_bytes(data)
        return 0, ""

    def _pack(self, argv: Sequence[str]) -> Completed:
        if self.npm_exit == 0:
            folder = Path(argv[argv.index("--pack-destination") + 1])
            (folder / "voices-js-1.0.tgz").write_bytes(self.archive)
        return Completed(argv=tuple(argv), returncode=self.npm_exit, stdout="", stderr="npm words", seconds=300.0)

    def _inside(self, request: Path, answer: Path) -> None:
        asked = json.loads(request.read_text(encoding="utf-8"))
        if self.answer is not None:
            given = self.answer(asked)
        else:
            given = {"ok": True, "detail": {"content_sha256": self.content}}
            if asked["probe"] == "convert":
                out = Path(asked["out"])
                (out / CHECKPOINT_NAME).write_bytes(b"converted")
                for voice in Path(asked["voices"]).iterdir():
                    (out / "voices" / f"{voice.stem}.pt").write_bytes(voice.read_bytes())
        answer.write_text(json.dumps(given), encoding="utf-8")


def means(
    root: Path, *, web: Hub | None = None, run: Machine | None = None, environ: Mapping[str, str] | None = None
) -> Means:
    machine = run or Machine()
    return Means(
        home=Home(root / "data"),
        run=machine,
        here=machine,
        uv_python=("--python", "/env/bin/python"),
        web=web or Hub(),
        python=Path("/env/bin/python"),
        uv="uv",
        environ={"HOME": str(root), **(environ or {})},
    )
