"""Configures with CMake and builds with ninja, as torch's own setup.py does, then packs the library that comes out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent
BUILD = SOURCE / "build" / "cmake"


class BuildWithCMake(build_py):
    """Compile before the Python files are copied."""

    def run(self) -> None:
        """Run CMake where it has not run, and ninja for what is left."""
        if not (BUILD / "build.ninja").exists():
            subprocess.run(["cmake", "-G", "Ninja", "-S", str(SOURCE), "-B", str(BUILD)], check=True)
        jobs = os.environ.get("MAX_JOBS", "1")
        built = subprocess.run(["ninja", "-C", str(BUILD), "-j", jobs], check=False)
        if built.returncode:
            sys.exit(built.returncode)
        shutil.copy(BUILD / "libmany_units.so", SOURCE / "many_units" / "libmany_units.so")
        super().run()


class Binary(Distribution):
    """Its wheel is for one platform."""

    def has_ext_modules(self) -> bool:
        """It holds a library."""
        return True


setup(cmdclass={"build_py": BuildWithCMake}, distclass=Binary, package_data={"many_units": ["*.so"]})
