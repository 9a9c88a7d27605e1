import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.store.upkeep.archiving import archive
from embodied_mem.testing.backend import BackendContract
from embodied_mem.testing.memory import MemoryContract


class TestSqliteBackend(BackendContract):
    commit_every = 1

    @pytest.fixture
    def backend(self, tmp_path):
        with SqliteBackend(tmp_path / "log.sqlite", commit_every=self.commit_every) as backend:
            yield backend

    def second_handle(self, backend):
        return SqliteBackend(backend.path, commit_every=self.commit_every)


class TestSqliteBackendWithGroupCommit(TestSqliteBackend):
    commit_every = 4


class TestExperienceMemory(MemoryContract):
    commit_every = 1

    @pytest.fixture
    def memory(self, tmp_path):
        with SqliteBackend(tmp_path / "log.sqlite", commit_every=self.commit_every) as backend:
            yield ExperienceMemory(backend)

    def reopen(self, memory):
        return ExperienceMemory(SqliteBackend(memory.backend.path))

    def archive(self, memory, experience_id):
        archive(memory.backend, [experience_id], reason="", at_s=0.0)


class TestExperienceMemoryWithGroupCommit(TestExperienceMemory):
    commit_every = 4
