"""A store for each test; lets tests import `kitchen` by name, which importlib mode alone does not."""

import sys
from pathlib import Path

import pytest

from embodied_mem import failpoints

sys.path.insert(0, str(Path(__file__).parent))

from kitchen import Kitchen


@pytest.fixture
def kitchen(tmp_path):
    made = Kitchen(tmp_path / "kitchen")
    yield made
    made.backend.close()


@pytest.fixture
def listen(monkeypatch):
    """Sets what is told of every failpoint."""
    return lambda listener: monkeypatch.setattr(failpoints, "listener", listener)
