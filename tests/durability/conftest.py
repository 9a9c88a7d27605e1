"""The zygote that forks the children of these tests, the layer below their files, and a small disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.file_calls import build_layer, layer_variables, missing_reason
from tests.durability.zygote import Zygote


@pytest.fixture(scope="module")
def zygote(child_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Forks children that have everything imported."""
    zygote = Zygote(child_environment, tmp_path_factory.mktemp("zygote"))
    yield zygote
    zygote.close()


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that notes or refuses what a child does to files."""
    if reason := missing_reason():
        pytest.skip(reason)
    return build_layer(tmp_path_factory.mktemp("layer"))


@pytest.fixture(scope="module")
def layered(
    layer: Path, child_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Zygote, Path]]:
    """A zygote whose children can be refused space or permission, and the folder where that holds."""
    place = tmp_path_factory.mktemp("layered")
    (place / "watched").mkdir()
    zygote = Zygote(
        {**child_environment, **layer_variables(layer, place / "watched", place / "journal")}, place
    )
    yield zygote, place / "watched"
    zygote.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes, where this process may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if (
        os.name == "nt"
        or shutil.which("mount") is None
        or subprocess.run(command, capture_output=True).returncode
    ):
        pytest.skip("this process may not mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
