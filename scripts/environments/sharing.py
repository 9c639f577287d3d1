"""What a container sees of this machine: folders at their own paths, and variables that mean the same inside."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.engines import Mount
from scripts.errors import UsageError

ENVIRONMENT = Path("/opt/kokoro-spark")
"""Where the environment is in every image of ours."""

PASSED_ON = frozenset(
    {
        "LANG",
        "LANGUAGE",
        "TZ",
        "USE_PYTORCH_KERNEL_CACHE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONNOUSERSITE",
    }
)
"""Variables that mean the same inside as outside."""
PASSED_ON_PREFIXES = (
    "CUBLAS_",
    "CUDA_",
    "CUDNN_",
    "GOMP_",
    "HF_",
    "KMP_",
    "KOKORO_SPARK_",
    "LC_",
    "MKL_",
    "NCCL_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PYTORCH_",
    "TOKENIZERS_",
    "TORCH",
    "TRANSFORMERS_",
    "TRITON_",
)
KEPT_BACK = frozenset({"NVIDIA_VISIBLE_DEVICES"})
"""What the engine itself sets for the devices that it gives."""
_CREDENTIALS = ("_TOKEN", "_KEY", "_SECRET", "_PASSWORD")
"""How the names of credentials end (HF_TOKEN, NVIDIA_API_KEY): none is given, for nothing is fetched inside."""

_SYSTEM = tuple(Path(f"/{name}") for name in ("bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr"))


def passed_on(environ: Mapping[str, str], mounts: Sequence[Mount]) -> list[str]:
    """Name the variables that a container is given, in order.

    One that holds paths is given where all of them are the same inside: elsewhere they name other files, or none.
    """
    return sorted(
        name
        for name, value in environ.items()
        if (name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)) and name not in KEPT_BACK
        if not name.endswith(_CREDENTIALS)
        if all(is_shared(Path(part), mounts) for part in value.split(os.pathsep) if part.startswith("/"))
    )


def is_shared(path: Path, mounts: Sequence[Mount], *, writable: bool = False) -> bool:
    """Tell whether a path is the same inside; with `writable`, whether it can be written there."""
    around = [one for one in mounts if path.is_relative_to(one.folder)]
    innermost = max(around, key=lambda one: len(one.folder.parts), default=None)
    return innermost is not None and (innermost.writable or not writable)


def caller_mounts(checkout: Path, data: Path, folders: Sequence[Path]) -> tuple[Mount, ...]:
    """Say what of this machine a container environment sees: the checkout to read, the data root and folders to write.

    The data root is made where it is not there. A folder that is not there is left out: who writes there says so.
    Behind a link a folder has two paths, and is mounted at both; parts of the data root may be on another disk.

    Raises UsageError (hides-image) for a folder that the image has itself.
    """
    with disk_errors(data):
        data.mkdir(parents=True, exist_ok=True)
        linked = [path for path in data.iterdir() if path.is_symlink() and path.is_dir()]
    named = [folder.absolute() for folder in (data, *folders) if folder.is_dir()]
    writable = dict.fromkeys([*named, *(folder.resolve() for folder in (*named, *linked))])
    for folder in (checkout, *writable):
        require_free(folder)
    return (Mount(folder=checkout, writable=False), *(Mount(folder=folder, writable=True) for folder in writable))


def require_free(folder: Path) -> None:
    """Insist that a folder, mounted at its own path, hides nothing of the image. Raises UsageError (hides-image)."""
    taken = folder.is_relative_to(ENVIRONMENT) or any(
        folder == own or folder in own.parents for own in (ENVIRONMENT, *_SYSTEM)
    )
    if taken or any(folder.is_relative_to(own) for own in _SYSTEM):
        raise UsageError(
            f"{folder} cannot be shared with a container: the image has files of its own there",
            reference="hides-image",
            hint="take a folder in your home or another of your own",
        )
