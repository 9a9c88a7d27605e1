"""The contract of a memory, as tests: run `pytest test_jsonl_memory.py`."""

from pathlib import Path

import pytest
from jsonl_memory import JsonlMemory

from embodied_mem.contracts import Memory
from embodied_mem.testing import MemoryContract


class TestJsonlMemory(MemoryContract):
    """Every memory must pass these."""

    @pytest.fixture
    def memory(self, tmp_path: Path) -> Memory:
        """An empty memory in a new file."""
        return JsonlMemory(tmp_path / "notes.jsonl")

    def reopen(self, memory: JsonlMemory) -> Memory:
        """The same file, as another process sees it."""
        return JsonlMemory(memory.path)
