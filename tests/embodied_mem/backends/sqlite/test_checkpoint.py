import os
import shutil
import sqlite3
import time

import pytest

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend, checkpoint
from embodied_mem.errors import StoreError
from embodied_mem.testing.backend import example_entry

fcntl = pytest.importorskip("fcntl", reason="this system has no such lock, and SQLite's own way is kept")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture
def backend(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "ENTRIES_BETWEEN", 10)
    with SqliteBackend(path, busy_timeout_s=0.2) as backend:
        yield backend


@pytest.fixture
def reached(monkeypatch):
    """The places that the code comes by."""
    places = []
    monkeypatch.setattr(failpoints, "listener", places.append)
    return places


def write_and_close(path, first, last, **options):
    with SqliteBackend(path, **options) as backend:
        append(backend, first, last)


def n_entries_without_the_log(path):
    """What a copy of the database file alone holds."""
    copy = path.with_name("copy.sqlite")
    shutil.copyfile(path, copy)
    with SqliteBackend(copy) as backend:
        return len(backend.changes_since(0))


def wal_size(path):
    return path.with_name(f"{path.name}-wal").stat().st_size


def append(backend, first, last):
    for n in range(first, last):
        backend.append([example_entry(n)])


def is_log_reused(backend, path, first):
    """Whether three more entries fit into the log as it is, as they do once all of it went into the file."""
    before = wal_size(path)
    append(backend, first, first + 3)
    return wal_size(path) == before


def test_the_log_goes_into_the_file_after_so_many_entries(backend, path):
    append(backend, 0, 9)
    before = path.stat().st_size
    append(backend, 9, 10)
    assert path.stat().st_size > before
    assert backend.last_sequence() == 10


def test_the_log_keeps_its_blocks(backend, path):
    """Or every commit that waits for the disk would also wait for the file to grow."""
    append(backend, 0, 10)
    assert wal_size(path) > 0
    assert is_log_reused(backend, path, 10)


def test_sqlite_does_not_checkpoint_by_itself(backend):
    assert backend._connection().execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_while_another_process_checkpoints_this_one_does_not(backend, path):
    with open(path.with_name("log.sqlite-checkpoint-lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        append(backend, 0, 30)
        assert not is_log_reused(backend, path, 30)
    append(backend, 33, 34)
    assert is_log_reused(backend, path, 34)


def test_nobody_else_gets_the_lock_while_this_one_checkpoints(backend, path, monkeypatch):
    got = []

    def try_lock(place):
        if place.startswith("checkpoint:"):
            with open(path.with_name("log.sqlite-checkpoint-lock"), "w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    got.append(False)
                else:
                    got.append(True)

    append(backend, 0, 9)
    monkeypatch.setattr(failpoints, "listener", try_lock)
    append(backend, 9, 10)
    assert got == [False, False]  # before it and after it


def test_the_file_is_not_written_anew_while_another_process_checkpoints(backend, path, reached):
    append(backend, 0, 3)
    with open(path.with_name("log.sqlite-checkpoint-lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match=r"another process holds .*checkpoint-lock"):
            backend.compact()
    assert not [place for place in reached if place.startswith(("checkpoint", "compaction"))]
    backend.compact()
    assert reached[-1] == "compaction:done"


def test_a_long_reader_puts_it_off_and_loses_nothing(backend, path):
    append(backend, 0, 5)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    append(backend, 5, 15)
    assert not is_log_reused(backend, path, 15)
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    reader.close()
    append(backend, 18, 19)
    assert is_log_reused(backend, path, 19)
    assert len(backend.changes_since(0)) == 22


def test_a_failed_checkpoint_is_logged_and_the_entry_is_safe(backend, path, caplog):
    path.with_name("log.sqlite-checkpoint-lock").mkdir()
    append(backend, 0, 10)
    assert "no checkpoint" in caplog.text
    assert backend.last_sequence() == 10


def test_waiting_for_other_writers_is_as_patient_as_before(backend):
    append(backend, 0, 10)
    assert backend._connection().execute("PRAGMA busy_timeout").fetchone() == (200,)


def test_a_log_that_grew_large_becomes_small_again(backend, path, monkeypatch):
    from embodied_mem.backends.sqlite import file as sqlite_file

    backend._connection().execute("PRAGMA journal_size_limit = 100000")
    assert sqlite_file.MAX_IDLE_LOG_BYTES > 100_000
    backend.append([example_entry(n, texts={"task": "x" * 50_000}) for n in range(12)])
    assert wal_size(path) > 500_000
    append(backend, 20, 21)
    assert wal_size(path) <= 100_000 + 50_000


def test_a_reader_that_takes_long_does_not_make_every_commit_wait(backend, path, monkeypatch):
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    tried = []
    monkeypatch.setattr(failpoints, "listener", tried.append)
    monkeypatch.setattr(checkpoint, "ENTRIES_BETWEEN", 100)
    append(backend, 0, 109)
    reader.close()
    assert tried.count("checkpoint:before") == 1


def test_beside_a_reader_the_log_does_not_grow_from_one_writer_to_the_next(path):
    write_and_close(path, 0, 1)
    with SqliteBackend(path, read_only=True) as reader:
        sizes = []
        for session in range(1, 30):
            write_and_close(path, 5 * session, 5 * session + 5)
            sizes.append(wal_size(path))
        assert len(reader.changes_since(0)) == 1 + 29 * 5
        assert max(sizes) < 2 * sizes[0]
        assert n_entries_without_the_log(path) == 1 + 29 * 5


def test_a_reader_that_closes_last_leaves_all_in_the_file(path):
    with SqliteBackend(path):
        reader = SqliteBackend(path, read_only=True)
        write_and_close(path, 0, 5)
    reader.close()
    assert n_entries_without_the_log(path) == 5


def test_what_was_removed_goes_into_the_file_as_well(path):
    write_and_close(path, 0, 5)
    with SqliteBackend(path, read_only=True):
        with SqliteBackend(path) as backend:
            backend.delete([1, 2])
        assert n_entries_without_the_log(path) == 3


def test_who_wrote_nothing_does_not_checkpoint(path, reached):
    write_and_close(path, 0, 5)
    with SqliteBackend(path) as backend:
        append(backend, 5, 6)
        reached.clear()
        with SqliteBackend(path) as other:
            assert other.last_sequence() == 6
        with SqliteBackend(path, read_only=True) as reader:
            assert reader.last_sequence() == 6
        assert "checkpoint:before" not in reached


def test_a_snapshot_that_is_read_does_not_hold_up_who_closes(path):
    write_and_close(path, 0, 5)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    begun_s = time.monotonic()
    write_and_close(path, 5, 8)
    assert time.monotonic() - begun_s < 2.0
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (8,)
    write_and_close(path, 8, 9)
    assert n_entries_without_the_log(path) == 9
    reader.close()


def test_another_process_that_checkpoints_does_not_hold_up_who_closes(path, reached):
    write_and_close(path, 0, 1)
    with SqliteBackend(path, read_only=True) as reader, open(f"{path}-checkpoint-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reached.clear()
        begun_s = time.monotonic()
        write_and_close(path, 1, 4)
        assert time.monotonic() - begun_s < 2.0
        assert "checkpoint:before" not in reached
        assert reader.last_sequence() == 4


def test_closing_waits_a_moment_for_another_process_that_checkpoints(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PATIENCE_MS", 60_000)
    with SqliteBackend(path), SqliteBackend(path) as backend:
        append(backend, 0, 3)
        lock = os.open(f"{path}-checkpoint-lock", os.O_CREAT | os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setattr(checkpoint.time, "sleep", lambda _: os.close(lock))
        backend.close()
        assert n_entries_without_the_log(path) == 3


def test_a_checkpoint_that_fails_does_not_keep_a_handle_open(path, caplog):
    path.with_name("log.sqlite-checkpoint-lock").mkdir()
    with SqliteBackend(path) as backend:
        append(backend, 0, 3)
    assert "no checkpoint" in caplog.text
    with SqliteBackend(path) as backend:
        assert backend.last_sequence() == 3


@pytest.mark.parametrize("n_new", [1, 0])
def test_a_long_log_that_killed_ones_left_goes_into_the_file(path, monkeypatch, n_new):
    with SqliteBackend(path) as killed:
        append(killed, 0, 20)
        monkeypatch.setattr(checkpoint, "LONG_LOG_BYTES", wal_size(path) - 1)
        write_and_close(path, 20, 20 + n_new)
        assert n_entries_without_the_log(path) == 20 + n_new


def test_who_wrote_nothing_checkpoints_a_log_that_grew_long_since_it_was_opened(path, monkeypatch):
    with SqliteBackend(path) as killed, SqliteBackend(path):
        append(killed, 0, 20)
        monkeypatch.setattr(checkpoint, "LONG_LOG_BYTES", wal_size(path) - 1)
        idle = SqliteBackend(path)
        monkeypatch.setattr(idle._checkpointer, "_n_entries", 0)  # as it opened before the log was long
        idle.close()
        assert n_entries_without_the_log(path) == 20


def test_a_connection_that_is_lost_while_its_handle_closes_is_no_error(path, monkeypatch):
    backend = SqliteBackend(path)
    append(backend, 0, 1)
    monkeypatch.setattr(backend, "_before_close", backend._drop_connection)
    backend.close()
    write_and_close(path, 1, 2)
