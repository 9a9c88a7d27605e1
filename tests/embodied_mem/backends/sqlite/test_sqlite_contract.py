import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.testing.backend import BackendContract
from embodied_mem.testing.memory import MemoryContract


class TestSqliteBackend(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path):
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            yield backend


class TestExperienceMemory(MemoryContract):
    @pytest.fixture
    def memory(self, tmp_path):
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            yield ExperienceMemory(backend)


class TestExperienceMemoryWithoutEmbedder(MemoryContract):
    @pytest.fixture
    def memory(self, tmp_path):
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            yield ExperienceMemory(backend, embedder=None)
