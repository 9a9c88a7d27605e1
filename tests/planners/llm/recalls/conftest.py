"""Lets the tests import the helpers that lie beside them and above, and gives them a memory."""

import sys
from pathlib import Path

import pytest

from embodied_mem import MemoryStore

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture
def memory(tmp_path):
    """A new store's memory."""
    with MemoryStore.open(tmp_path / "store") as store:
        yield store.memory()
