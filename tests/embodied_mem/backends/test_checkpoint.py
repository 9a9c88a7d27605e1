import fcntl
import sqlite3

import pytest

from embodied_mem.backends import checkpoint
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.testing.backend import example_entry


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


def test_the_log_goes_into_the_file_after_so_many_entries(backend, path):
    append(backend, 0, 9)
    assert wal_size(path) > 0
    append(backend, 9, 10)
    assert wal_size(path) == 0
    assert backend.last_sequence() == 10


def test_sqlite_does_not_checkpoint_by_itself(backend):
    assert backend._connection().execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_while_another_process_checkpoints_this_one_does_not(backend, path):
    with open(path.with_name("log.sqlite-checkpoint-lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        append(backend, 0, 30)
        assert wal_size(path) > 0
    append(backend, 30, 31)
    assert wal_size(path) == 0


def test_a_long_reader_puts_it_off_and_loses_nothing(backend, path):
    append(backend, 0, 5)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    append(backend, 5, 15)
    assert wal_size(path) > 0
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    reader.close()
    append(backend, 15, 16)
    assert wal_size(path) == 0
    assert len(backend.changes_since(0)) == 16


def test_a_failed_checkpoint_is_logged_and_the_entry_is_safe(backend, path, caplog):
    path.with_name("log.sqlite-checkpoint-lock").mkdir()
    append(backend, 0, 10)
    assert "no checkpoint" in caplog.text
    assert backend.last_sequence() == 10


def test_waiting_for_other_writers_is_as_patient_as_before(backend):
    append(backend, 0, 10)
    assert backend._connection().execute("PRAGMA busy_timeout").fetchone() == (200,)
