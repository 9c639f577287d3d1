"""Locks as text: what a pinned, hashed requirements file says, and what its pins mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.model.plan import Lock, Pin
from scripts.model.target import Architecture, PythonVersion
from scripts.wheels.evaluate import local_cuda

REST = "kokoro"
"""The lock of everything that does not belong to torch's lane: Kokoro, G2P, spaCy and their closure."""

BUILD = "build"
"""The lock of what source builds need."""

OVERRIDE = "nvrtc-override"
"""The lock of the one NVRTC that is put in the place of the one that an older torch pins."""

SOURCE_BUILDS = ("docopt",)
"""The packages of the closure that exist as source only. Every other one must have a wheel."""

NVRTC_NAMES = ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12", "nvidia-cuda-nvrtc-cu11")


def lock_filename(part: str, architecture: Architecture, python: PythonVersion) -> str:
    """Name the file in constraints/ of one part (`kokoro`, or a source of torch) for one target."""
    return f"{part}-{architecture}-{python.tag}.txt"


def parse_pins(text: str, *, what: str) -> tuple[Pin, ...]:
    """Read `name==version --hash=sha256:…` entries; `what` names the file for the error.

    Raises IntegrityError for anything that is not exactly pinned and hashed.
    """
    pins = []
    for entry in _entries(text):
        requirement_text, *options = entry.split(" --hash=")
        try:
            requirement = Requirement(requirement_text)
        except InvalidRequirement as error:
            raise _bad(what, entry, "is no requirement") from error
        specifiers = list(requirement.specifier)
        if len(specifiers) != 1 or specifiers[0].operator != "==" or specifiers[0].version.endswith(".*"):
            raise _bad(what, requirement_text, "is not pinned to one version")
        hashes = tuple(option.strip() for option in options)
        if not hashes or not all(one.startswith("sha256:") for one in hashes):
            raise _bad(what, requirement_text, "has no sha256")
        pins.append(Pin(name=canonicalize_name(requirement.name), version=specifiers[0].version, hashes=hashes))
    return tuple(pins)


def _entries(text: str) -> Iterable[str]:
    """Join continued lines; drop comments and blank ones."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        stripped = " ".join(line.split())
        if stripped and not stripped.startswith("#"):
            yield stripped


def _bad(what: str, entry: str, problem: str) -> IntegrityError:
    return IntegrityError(
        f"{what}: {entry.split(' ', 1)[0]!r} {problem}",
        reference="bad-lock",
        hint="regenerate it with `invoke lock`",
    )


def make_lock(name: str, text: str, *, index: str | None, build_text: str = "") -> Lock:
    """Make a Lock of a file's text."""
    return Lock(name=name, index=index, text=text, build_text=build_text, pins=parse_pins(text, what=name))


def without(lock: Lock, names: Iterable[str]) -> Lock:
    """Take pins out of a lock, by name; everything else of it stays. Comments go."""
    left_out = set(names)
    entries = _entries(lock.text)
    kept = [entry for entry, pin in zip(entries, lock.pins, strict=True) if pin.name not in left_out]
    text = "".join(entry.replace(" --hash=", " \\\n    --hash=") + "\n" for entry in kept)
    return make_lock(lock.name, text, index=lock.index, build_text=lock.build_text)


def only(lock: Lock, names: Iterable[str]) -> Lock:
    """Keep the pins of these names alone."""
    kept = set(names)
    return without(lock, [pin.name for pin in lock.pins if pin.name not in kept])


def pin_named(pins: Iterable[Pin], *names: str) -> Pin | None:
    """Find the first pin that has one of these names."""
    return next((pin for pin in pins if pin.name in names), None)


def nvrtc_of(pins: Iterable[Pin]) -> str | None:
    """Tell the NVRTC that a set of pins installs; None for a CPU-only build."""
    pin = pin_named(pins, *NVRTC_NAMES)
    return None if pin is None else pin.version


def cuda_of(pins: Iterable[Pin]) -> str | None:
    """Tell the CUDA release (`13.2`) of a set of pins; None for a CPU-only build.

    By its NVRTC; where torch brings all of CUDA inside its own wheel, as older lanes do for aarch64, by its `+cu128`.
    """
    known = tuple(pins)
    nvrtc, torch = nvrtc_of(known), pin_named(known, "torch")
    if nvrtc is None:
        local = None if torch is None else local_cuda(Version(torch.version))
        return None if local == "cpu" else local
    version = Version(nvrtc)
    return f"{version.major}.{version.minor}"


def dropping_overrides(names: Iterable[str]) -> str:
    """Write uv overrides that drop each name from a resolution.

    uv looks up whatever a resolution reaches, on the one index it was given. A name that the other half of the pair
    of locks pins must not be looked up there: neither found (dependency confusion) nor missed (no solution).
    """
    return "".join(f"{name} ; sys_platform == 'never'\n" for name in sorted(set(names)))


def compile_arguments(
    *, architecture: Architecture, python: PythonVersion, exclude_newer: str | None, manylinux: str = "2_28"
) -> list[str]:
    """Give the `uv pip compile` options that make an environment's lock reproducible on any machine.

    manylinux_2_28 is what torch's own wheels ask for; a lower level silently resolves an old torch.
    """
    arguments = _common_arguments(python, exclude_newer)
    arguments += ["--python-platform", f"{architecture}-manylinux_{manylinux}", "--only-binary", ":all:"]
    for name in SOURCE_BUILDS:
        arguments += ["--no-binary", name]
    return arguments


def universal_arguments(*, python: PythonVersion, exclude_newer: str | None, present: Iterable[str]) -> list[str]:
    """Give the options for the toolkit's own locks: one file for every platform and Python.

    `present` names what the place they are installed beside has already.
    """
    arguments = [*_common_arguments(python, exclude_newer), "--universal"]
    for name in present:
        arguments += ["--no-emit-package", name]
    return arguments


def _common_arguments(python: PythonVersion, exclude_newer: str | None) -> list[str]:
    arguments = ["--no-config", "--no-header", "--no-annotate", "--generate-hashes", "--quiet"]
    # A source package's metadata is the same under any Python: do not fetch one for it.
    arguments += ["--no-python-downloads"]
    arguments += ["--python-version", str(python)]
    if exclude_newer is not None:
        # A bare day would be taken in this machine's time zone.
        arguments += ["--exclude-newer", f"{exclude_newer}T00:00:00Z"]
    return arguments
