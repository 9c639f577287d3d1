"""A STAND-IN named torch, for tests of `setup --strategy source`: a library with device code, and no tensor.

It is built as torch is: setup.py, ninja, nvcc, TORCH_CUDA_ARCH_LIST, PYTORCH_BUILD_VERSION and
PYTORCH_EXTRA_INSTALL_REQUIREMENTS. OTHER_ARCH in the environment of its recipe makes it compile for something else.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent
BUILD = SOURCE / "build" / "ninja"
RULES = """
rule nvcc
  command = {nvcc} -ccbin {cxx} {flags} -Xcompiler -fPIC -c $in -o $out
  description = Building CUDA object $out
rule link
  command = {nvcc} -ccbin {cxx} -shared {flags} $in -o $out
"""


def gencode(entry: str) -> str:
    """Write one entry of the list as nvcc's flag."""
    name = entry.replace(".", "")
    return f"-gencode=arch=compute_{name},code=sm_{name}"


class BuildWithNinja(build_py):
    """Compile before the Python files are copied."""

    def run(self) -> None:
        """Write build.ninja and run it."""
        version = os.environ["PYTORCH_BUILD_VERSION"]
        cuda = os.environ["CUDA_RELEASE"]
        (SOURCE / "torch" / "version.py").write_text(f"__version__ = {version!r}\ncuda = {cuda!r}\n")
        BUILD.mkdir(parents=True, exist_ok=True)
        archs = os.environ.get("OTHER_ARCH") or os.environ["TORCH_CUDA_ARCH_LIST"]
        nvcc = f"{os.environ['CUDA_HOME']}/bin/nvcc"
        text = RULES.format(nvcc=nvcc, cxx=os.environ["CXX"], flags=" ".join(map(gencode, archs.split(";"))))
        if os.environ.get("UNSEEN"):  # by another program than ninja, and without a word
            command = [nvcc, "-ccbin", os.environ["CXX"], gencode(os.environ["UNSEEN"]), "-Xcompiler=-fPIC", "-shared"]
            library = SOURCE / "torch" / "lib" / "libtorch_unseen.so"
            subprocess.run([*command, str(SOURCE / "csrc" / "one.cu"), "-o", str(library)], check=True)
        objects = []
        for source in sorted((SOURCE / "csrc").glob("*.cu")):
            objects.append(f"{source.stem}.o")
            text += f"build {source.stem}.o: nvcc {source}\n"
        text += f"build libtorch_cuda.so: link {' '.join(objects)}\n"
        (BUILD / "build.ninja").write_text(text)
        jobs = os.environ.get("MAX_JOBS", "1")
        built = subprocess.run(["ninja", "-C", str(BUILD), "-j", jobs], check=False)
        if built.returncode:
            sys.exit(built.returncode)
        (SOURCE / "torch" / "lib" / "libtorch_cuda.so").write_bytes((BUILD / "libtorch_cuda.so").read_bytes())
        super().run()


class Binary(Distribution):
    """Its wheel is for one platform."""

    def has_ext_modules(self) -> bool:
        """It holds a library."""
        return True


required = [one.strip() for one in os.environ.get("PYTORCH_EXTRA_INSTALL_REQUIREMENTS", "").split("|")]
setup(
    name="torch",
    version=os.environ.get("PYTORCH_BUILD_VERSION", "2.15.0"),
    packages=["torch"],
    package_data={"torch": ["lib/*.so"]},
    install_requires=["filelock", *(one for one in required if one)],
    cmdclass={"build_py": BuildWithNinja},
    distclass=Binary,
)
