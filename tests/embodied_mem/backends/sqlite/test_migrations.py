import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite import file as sqlite_file
from embodied_mem.backends.sqlite.migrations import migrate
from embodied_mem.backends.sqlite.schema import SCHEMA_VERSION
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.log import EntryKind
from embodied_mem.store import FILE_NAME, MemoryStore

SCHEMA_1 = Path(__file__).parents[3] / "compatibility" / "fixtures" / "0.1.0" / "store" / FILE_NAME
N_EXPERIENCES = 25


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SCHEMA_1, tmp_path)
    return tmp_path


def schema_of(folder):
    with sqlite3.connect(folder / FILE_NAME) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    db.close()
    return version


def digests_of(folder):
    """Id of each experience to the hash that is kept with it."""
    with sqlite3.connect(folder / FILE_NAME) as db:
        found = db.execute("SELECT id, digest FROM entries WHERE entry_kind = 'experience'").fetchall()
    db.close()
    return dict(found)


class TestAnOldStore:
    def test_opens_and_is_of_the_newest_schema_then(self, folder):
        assert schema_of(folder) == 1
        MemoryStore.open(folder).close()
        assert schema_of(folder) == SCHEMA_VERSION

    def test_knows_what_is_written_to_it_again(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            entries = [logged.entry for logged in backend.changes_since(0)]
            assert all(item.is_duplicate for item in backend.append(entries))

    def test_knows_an_experience_that_is_recorded_again(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            [logged] = backend.get(["chore-3"])
            experience = experience_from_document(logged.entry.payload, logged.entry.vectors)
            assert ExperienceMemory(backend).record(experience).is_duplicate

    def test_is_sound_by_its_own_hashes(self, folder):
        before = digests_of(folder)
        with SqliteBackend(folder / FILE_NAME) as backend:
            assert backend.verify() == []
            assert backend._connection().execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert digests_of(folder) == before
        assert len(before) > N_EXPERIENCES  # with those that were withdrawn

    def test_finds_the_feedback_on_an_experience(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            kinds = [logged.entry.kind for logged in backend.entries_about("chore-0")]
        assert kinds == [EntryKind.FEEDBACK, EntryKind.FEEDBACK]

    def test_gives_no_sequence_number_twice(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            newest = backend.last_sequence()
            backend.delete([newest])
            entry = backend.get(["chore-0"])[0].entry
            backend.delete([1])
            assert backend.append([entry])[0].sequence == newest + 1

    @pytest.mark.skipif(sys.platform == "win32", reason="SQLite's own way is kept there")
    def test_is_migrated_without_a_checkpoint_outside_of_the_lock(self, folder, monkeypatch):
        pages = []

        def migrate_and_look(db, **given):
            pages.extend(db.execute("PRAGMA wal_autocheckpoint").fetchone())
            migrate(db, **given)

        monkeypatch.setattr(sqlite_file, "migrate", migrate_and_look)
        MemoryStore.open(folder).close()
        assert pages == [0]


class TestAnInterruptedMigration:
    @pytest.mark.parametrize("step", ["begun", "before-commit"])
    def test_leaves_the_old_schema_and_is_done_at_the_next_opening(self, folder, monkeypatch, step):
        def fail(place):
            if place == f"migration:1-to-2-{step}":
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "listener", fail)
            with pytest.raises(KeyboardInterrupt):
                SqliteBackend(folder / FILE_NAME)
        assert schema_of(folder) == 1
        with MemoryStore.open(folder) as store:
            assert store.stats().n_experiences == N_EXPERIENCES

    def test_that_another_process_did_is_not_done_again(self, folder, monkeypatch):
        SqliteBackend(folder / FILE_NAME).close()
        reached = []
        monkeypatch.setattr(failpoints, "listener", reached.append)
        db = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
        migrate(db, now_s=0.0)
        db.close()
        assert reached == []
