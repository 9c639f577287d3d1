"""The bill of materials in a wheel, by CycloneDX's own validator, and what auditwheel says of the wheel."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts.errors import BuildError
from scripts.facts.tools import find_uv
from tests.builds.conftest import Builder

pytestmark = pytest.mark.builds

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(problem) if problem else 0)
"""


def test_it_is_valid_cyclonedx(tiny: Builder, tmp_path: Path) -> None:
    wheel = Path(tiny.build().path)
    with zipfile.ZipFile(wheel) as archive:
        name = "tiny-1.0.dist-info/sboms/kokoro-spark.cdx.json"
        (tmp_path / "sbom.json").write_bytes(archive.read(name))
        assert f"{name},sha256=" in archive.read("tiny-1.0.dist-info/RECORD").decode()
    uv, venv = find_uv(), tmp_path / "venv"
    packages = "cyclonedx-python-lib[json-validation]>=9"
    subprocess.run([uv, "--no-config", "venv", "--quiet", str(venv)], check=True)
    subprocess.run([uv, "--no-config", "pip", "install", "--quiet", "--python", str(venv), packages], check=True)
    python = str(venv / "bin" / "python")
    done = subprocess.run(
        [python, "-c", VALIDATE, str(tmp_path / "sbom.json")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    broken = (tmp_path / "sbom.json").read_text().replace('"CycloneDX"', '"Cyclone"')
    (tmp_path / "sbom.json").write_text(broken)
    assert subprocess.run(
        [python, "-c", VALIDATE, str(tmp_path / "sbom.json")], capture_output=True, check=False
    ).returncode


def test_the_tag_that_its_symbols_allow(tiny: Builder) -> None:
    published = tiny.build().published
    assert "manylinux" in published.filename
    assert "by auditwheel" in published.tag_reason


def test_a_library_that_nobody_brings(tiny: Builder) -> None:
    """Unless the recipe says who does."""
    setup = tiny.source / "setup.py"
    (tiny.source / "unit_0.c").write_text("int libodd(void);\nint unit_0(void) { return libodd(); }\n")
    (tiny.source / "odd.c").write_text("int libodd(void) { return 1; }\n")
    odd = tiny.recipe.parent / "libodd.so"
    subprocess.run(["gcc", "-shared", "-fPIC", str(tiny.source / "odd.c"), "-o", str(odd)], check=True)
    setup.write_text(
        setup.read_text().replace(
            "])])",
            f"], libraries=['odd'], library_dirs=[{str(odd.parent)!r}], runtime_library_dirs=[{str(odd.parent)!r}])])",
        )
    )
    tiny.recipe.write_text(tiny.recipe.read_text() + 'provided = ["libelse.so"]\n')
    error = tiny.refused(BuildError, "missing-libraries")
    assert "libodd.so" in error.context
    tiny.recipe.write_text(tiny.recipe.read_text().replace("libelse.so", "libodd.so"))
    assert not tiny.build().found
