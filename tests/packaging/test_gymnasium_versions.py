"""Recording and worlds work with every minor version of Gymnasium that the package admits.

    python -m pytest -m nightly tests/packaging/test_gymnasium_versions.py

installs each version into a folder of its own, which needs a package index, and runs the suites with it.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITES = ["tests/embodied_mem/recording", "tests/envs"]
TRIED = ["==1.0.0", "==1.1.1", "==1.2.0", "==1.3.0"]  # 1.2.0 is what packages of the field pin


def admitted() -> str:
    """The versions that pyproject.toml admits, as a specifier: ">=1.0,<2"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [found] = [each for each in project["dependencies"] if each.startswith("gymnasium")]
    return str(found).removeprefix("gymnasium")


def test_the_oldest_version_that_is_tried_is_the_oldest_admitted() -> None:
    oldest = TRIED[0].removeprefix("==")
    assert admitted() == f">={oldest.removesuffix('.0')},<2"


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("versions", [*TRIED, admitted()])
def test_recording_and_worlds_work_with(versions: str, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, f"gymnasium{versions}"], check=True)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    where = "import gymnasium; print(gymnasium.__version__, gymnasium.__file__)"
    found = subprocess.run([sys.executable, "-c", where], env=environment, capture_output=True, text=True)
    assert str(tmp_path) in found.stdout, found.stderr
    print(f"\ngymnasium {found.stdout.split()[0]}")
    suites = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES]
    done = subprocess.run(suites, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(done.stdout[-1_000:])
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
