import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from embodied_mem import failpoints
from embodied_mem.backends import sqlite_file
from embodied_mem.backends.migrations import migrate
from embodied_mem.backends.schema import SCHEMA_VERSION
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.codec import experience_from_document, experience_to_document
from embodied_mem.errors import StoreError
from embodied_mem.experience_memory import ExperienceMemory
from embodied_mem.filters import where
from embodied_mem.log import EntryKind
from embodied_mem.spaces import FieldVector, Metric, Space
from embodied_mem.store import FILE_NAME, MemoryStore

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTED = json.loads((FIXTURES / "schema_1.json").read_text("utf-8"))
SIGHT = Space(name="sight", version="2", dimension=3, config_hash="abc", metric=Metric.EUCLIDEAN)


@pytest.fixture
def folder(tmp_path):
    shutil.copy(FIXTURES / "schema_1.sqlite", tmp_path / FILE_NAME)
    return tmp_path


def schema_of(folder):
    with sqlite3.connect(folder / FILE_NAME) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    db.close()
    return version


def ids(hits):
    return [hit.experience.id for hit in hits]


class TestAnOldStore:
    def test_opens_and_is_of_the_newest_schema_then(self, folder):
        assert schema_of(folder) == 1
        MemoryStore.open(folder).close()
        assert schema_of(folder) == SCHEMA_VERSION

    def test_keeps_every_document_and_vector_as_it_was(self, folder):
        with MemoryStore.open(folder) as store:
            experiences = list(store.experiences())
            vectors = [
                [logged.sequence, vector.field, vector.values.tobytes().hex()]
                for logged in store.backend.changes_since(0)
                for vector in logged.entry.vectors
            ]
        assert [experience_to_document(experience) for experience in experiences] == EXPECTED["documents"]
        assert [[sequence, field] for sequence, field, _ in vectors] == EXPECTED["vector_order"]
        assert [row for row in vectors if row[1] == "image"] == EXPECTED["vectors"]

    def test_counts_what_it_counted(self, folder):
        with MemoryStore.open(folder) as store:
            stats = store.stats()
        counts = [stats.n_experiences, stats.n_withdrawn, stats.n_feedback, stats.last_sequence]
        assert counts == EXPECTED["stats"]

    def test_recalls_the_same(self, folder):
        image = FieldVector(field="image", space=SIGHT, values=[0.1, -0.4, 1.0])
        with MemoryStore.open(folder) as store:
            memory = store.memory()
            recalls = {
                "task": memory.recall(task="bring the cup to the table", k=5),
                "chinese": memory.recall("杯子", k=3),
                "german failures": memory.recall("Kühlschranktür", where=where(outcome="failure"), k=3),
                "image": memory.recall(vectors=(image,), k=6),
                "past": memory.recall(task="wash the mug", as_of=6, k=4),
            }
        expected = {name: [hit[0] for hit in hits] for name, hits in EXPECTED["recalls"].items()}
        assert {name: ids(hits) for name, hits in recalls.items()} == expected
        scores = [hit.score for hit in recalls["image"]]
        assert scores == pytest.approx([hit[1] for hit in EXPECTED["recalls"]["image"]])

    def test_knows_what_is_written_to_it_again(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            entries = [logged.entry for logged in backend.changes_since(0)]
            assert all(item.is_duplicate for item in backend.append(entries))

    def test_knows_an_experience_that_is_recorded_again(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            [logged] = backend.get(["kitchen-3"])
            experience = experience_from_document(logged.entry.payload, logged.entry.vectors)
            assert ExperienceMemory(backend).record(experience).is_duplicate

    def test_is_sound_by_its_own_hashes(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            assert backend.verify() == []
            db = backend._connection()
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept = db.execute(
                "SELECT id, hex(digest) FROM entries WHERE entry_kind = 'experience'"
            ).fetchall()
        assert {identity: digest.lower() for identity, digest in kept} == EXPECTED["digests"]

    def test_finds_the_feedback_on_an_experience(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            kinds = [logged.entry.kind for logged in backend.entries_about("kitchen-0")]
        assert kinds == [EntryKind.FEEDBACK, EntryKind.FEEDBACK]

    def test_gives_no_sequence_number_twice(self, folder):
        with SqliteBackend(folder / FILE_NAME) as backend:
            newest = backend.last_sequence()
            backend.delete([newest])
            entry = backend.get(["kitchen-0"])[0].entry
            backend.delete([1])
            assert backend.append([entry])[0].sequence == newest + 1

    def test_says_how_to_migrate_when_opened_for_reading(self, folder):
        before = (folder / FILE_NAME).read_bytes()
        with pytest.raises(StoreError, match=r"has schema 1.*open it once without read_only"):
            MemoryStore.open(folder, read_only=True)
        assert (folder / FILE_NAME).read_bytes() == before

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
            assert store.stats().n_experiences == EXPECTED["stats"][0]

    def test_that_another_process_did_is_not_done_again(self, folder, monkeypatch):
        SqliteBackend(folder / FILE_NAME).close()
        reached = []
        monkeypatch.setattr(failpoints, "listener", reached.append)
        db = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
        migrate(db, now_s=0.0)
        db.close()
        assert reached == []
