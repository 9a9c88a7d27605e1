"""What earlier releases left behind, copied to where it may be changed, and programs written against them."""

import runpy
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

FIXTURES = Path(__file__).with_name("fixtures")
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


@pytest.fixture(params=RELEASES)
def release(request) -> str:
    """The name of a release."""
    return request.param


@pytest.fixture
def kept(release) -> Path:
    """Its fixtures, which no test changes."""
    return FIXTURES / release


@pytest.fixture
def copied(kept, tmp_path):
    """Copies one of its folders to where it may be changed."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(kept / name, tmp_path / name))

    return copy


@pytest.fixture
def program(kept) -> SimpleNamespace:
    """The program that made its store, loaded with the code of today: its names as attributes."""
    with old_names():
        return SimpleNamespace(**runpy.run_path(str(kept / "make_store.py")))


@contextmanager
def old_names() -> Iterator[None]:
    """Imports by the names of an earlier release may warn that these have moved, and of nothing else."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*embodied_mem\.", category=DeprecationWarning)
        yield
