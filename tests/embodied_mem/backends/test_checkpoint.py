import sqlite3

import pytest

from embodied_mem import failpoints
from embodied_mem.backends import checkpoint
from embodied_mem.backends.sqlite import SqliteBackend
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
    from embodied_mem.backends import sqlite_file

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
