import sqlite3

import pytest

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError
from embodied_mem.records.log import Entry, EntryKind, Search, TextLeg, VectorLeg
from embodied_mem.records.spaces import Space
from embodied_mem.testing.backend import example_entry, example_vector

TASK = (TextLeg("task", "sort box 3", ("task",)),)
NEW = Space(name="new", version="1", dimension=2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture
def backend(path):
    with SqliteBackend(path, busy_timeout_s=0.1) as backend:
        backend.append([example_entry(n) for n in range(6)])
        yield backend


def ids(backend):
    return [logged.entry.id for logged in backend.changes_since(0)]


class TestDeleting:
    def test_removes_entries_with_their_vectors_and_nothing_else(self, backend):
        backend.delete([2, 5, 77])
        assert ids(backend) == ["entry-0", "entry-2", "entry-3", "entry-5"]
        assert backend.get([2, 3])[0] is None
        db = backend._connection()
        assert db.execute("SELECT count(*) FROM vectors").fetchone() == (8,)
        assert db.execute("SELECT count(*) FROM contents").fetchone() == (4,)
        assert backend.verify() == []

    def test_what_was_deleted_is_not_found_any_more(self, backend):
        legs = (*TASK, VectorLeg("v", example_vector(3)))
        assert 4 in backend.search(Search(legs=legs)).sequences
        backend.delete([4])
        found = backend.search(Search(legs=legs))
        assert 4 not in found.sequences
        assert found.n_candidates == 5

    def test_another_handle_sees_it_too(self, backend, path):
        with SqliteBackend(path) as other:
            assert other.search(Search(legs=TASK)).n_candidates == 6
            backend.delete([4])
            assert other.search(Search(legs=TASK)).n_candidates == 5

    def test_a_sequence_number_is_never_given_again(self, backend):
        backend.delete(range(1, 7))
        assert backend.last_sequence() == 0
        assert backend.append([example_entry(9)])[0].sequence == 7

    def test_the_same_entry_can_be_written_again(self, backend):
        backend.delete([3])
        [again] = backend.append([example_entry(2)])
        assert (again.sequence, again.is_duplicate) == (7, False)

    def test_is_all_or_nothing(self, backend, monkeypatch):
        def fail(place):
            if place == "purge:rows-deleted":
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "listener", fail)
            with pytest.raises(KeyboardInterrupt):
                backend.delete([1, 2])
        assert len(ids(backend)) == 6
        assert backend.generation() == 0

    def test_raises_the_generation(self, backend):
        before = backend.generation()
        backend.append([example_entry(8)])
        assert backend.generation() == before
        backend.delete([1])
        assert backend.generation() > before

    def test_a_handle_for_reading_refuses(self, backend, path):
        with SqliteBackend(path, read_only=True) as reader, pytest.raises(StoreError, match="reading only"):
            reader.delete([1])


class TestCompacting:
    def test_leaves_no_byte_of_what_was_deleted_in_any_file(self, backend, path):
        backend.append([example_entry(9, id="secret-id", texts={"task": "s3cret " * 2000})])
        backend.delete([7])
        backend.compact()
        for file in path.parent.iterdir():
            if file != path:
                assert b"s3cret" not in file.read_bytes()
        copy = path.with_name("copy")
        backend.copy_to(copy)
        assert b"s3cret" not in copy.read_bytes()
        backend.close()
        assert b"s3cret" not in path.read_bytes()
        assert b"secret-id" not in path.read_bytes()

    def test_makes_the_file_smaller_and_keeps_the_rest(self, backend, path):
        backend.append([example_entry(9, texts={"task": "x" * 400_000})])
        backend.compact()
        before = path.stat().st_size
        backend.delete([7])
        backend.compact()
        assert path.stat().st_size < before - 300_000
        assert ids(backend) == [f"entry-{n}" for n in range(6)]
        assert backend.append([example_entry(8)])[0].sequence == 8

    def test_while_another_process_reads_the_past_it_says_so(self, backend, path):
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        backend.delete([1])
        with pytest.raises(StoreError, match=r"reads an older state|held the store"):
            backend.compact()
        reader.close()
        backend.compact()
        assert len(ids(backend)) == 5


class TestCopying:
    def test_gives_a_store_of_its_own_with_the_same_entries(self, backend, path):
        copy = path.with_name("copies") / "copy.sqlite"
        backend.copy_to(copy)
        with SqliteBackend(copy) as other:
            assert other.changes_since(0) == backend.changes_since(0)
            other.append([example_entry(8)])
            assert other._connection().execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert len(ids(backend)) == 6

    def test_takes_what_is_still_in_the_write_ahead_log_and_leaves_nothing_else(self, backend, path):
        backend.copy_to(path.with_name("copy"))
        assert [file.name for file in path.parent.glob("*copy*")] == ["copy"]
        with SqliteBackend(path.with_name("copy"), read_only=True) as other:
            assert len(ids(other)) == 6

    def test_a_path_that_is_taken_is_left_alone(self, backend, path):
        path.with_name("copy").write_text("mine")
        with pytest.raises(StoreError, match="copy is there already"):
            backend.copy_to(path.with_name("copy"))
        assert path.with_name("copy").read_text() == "mine"


class TestChecking:
    def test_a_sound_store_has_no_damage(self, backend):
        assert backend.verify() == []

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE contents SET payload = '{}' WHERE sequence = 3",
            "UPDATE contents SET texts = CAST(x'ff00' AS TEXT) WHERE sequence = 3",
            "UPDATE vectors SET data = zeroblob(length(data)) WHERE key = 3 << 15",
            "UPDATE vectors SET data = x'00' WHERE key = 3 << 15",
            "UPDATE vectors SET space_id = 99 WHERE key = 3 << 15",
            "DELETE FROM vectors WHERE key = 3 << 15",
            "DELETE FROM contents WHERE sequence = 3",
            "UPDATE entries SET entry_kind = 'feedback' WHERE sequence = 3",
        ],
    )
    def test_an_entry_that_is_not_what_was_written_is_named(self, backend, path, damage):
        with sqlite3.connect(path) as other:
            other.execute(damage)
        other.close()
        assert backend.verify() == [3]


class TestTimes:
    @pytest.fixture
    def clocked(self, tmp_path):
        now_s = [0.0]
        with SqliteBackend(tmp_path / "clocked.sqlite", clock=lambda: now_s[0]) as backend:
            for number, time_s in enumerate([100.0, 200.0, 150.0, 160.0, 300.0]):
                now_s[0] = time_s
                backend.append([example_entry(number)])
            yield backend

    @pytest.mark.parametrize(
        ("time_s", "expected"),
        [(99, 0), (100, 1), (155, 1), (199.9, 1), (200, 4), (299, 4), (300, 5), (1e12, 5), (-1e12, 0)],
    )
    def test_a_clock_that_goes_back_is_taken_for_one_that_stands_still(self, clocked, time_s, expected):
        assert clocked.sequence_at(time_s) == expected

    def test_when_an_entry_was_recorded_is_known(self, clocked):
        assert [clocked.recorded_at(n) for n in range(1, 7)] == [100, 200, 200, 200, 300, None]

    def test_deleted_entries_leave_the_others_where_they_were(self, clocked):
        clocked.delete([2, 5])
        assert [clocked.sequence_at(time_s) for time_s in (150, 250, 350)] == [1, 4, 4]

    def test_an_empty_log_has_none(self, tmp_path):
        with SqliteBackend(tmp_path / "empty.sqlite") as backend:
            assert backend.sequence_at(1e12) == 0


def test_entries_about_an_experience_come_oldest_first(backend):
    def about(identity, kind, name):
        return Entry(id=identity, kind=kind, payload={"experience_id": name})

    backend.append(
        [
            about("f1", EntryKind.FEEDBACK, "entry-1"),
            about("f2", EntryKind.FEEDBACK, "entry-2"),
            about("a1", EntryKind.ARCHIVE, "entry-1"),
            about("r1", EntryKind.RESTORE, "entry-1"),
        ]
    )
    assert [logged.entry.id for logged in backend.entries_about("entry-1")] == ["f1", "a1", "r1"]
    assert backend.entries_about("entry-5") == []
    query = "EXPLAIN QUERY PLAN SELECT sequence FROM entries WHERE subject = ? ORDER BY sequence"
    plan = backend._connection().execute(query, ("x",)).fetchall()
    assert "entries_by_subject" in str(plan)


def test_settings_say_what_durability_rests_on(backend):
    settings = backend.settings()
    assert settings["sqlite"] == sqlite3.sqlite_version
    assert {name: settings[name] for name in ("journal_mode", "mmap_size", "wal_autocheckpoint")} == {
        "journal_mode": "wal",
        "mmap_size": 0,
        "wal_autocheckpoint": 0,
    }
