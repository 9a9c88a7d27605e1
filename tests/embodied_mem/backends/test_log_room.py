import os
import sqlite3
import sys

import pytest

from embodied_mem.backends import checkpoint, log_room
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.testing.backend import example_entry

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SQLite's own way is kept there")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(checkpoint, "SYNCED_BEFORE_ROOM", 1)


def log_of(path):
    return path.with_name(f"{path.name}-wal")


def test_commits_that_are_synced_do_not_make_the_log_longer(path):
    with SqliteBackend(path, fsync=True) as backend:
        backend.append([example_entry(0)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES
        for n in range(1, 60):
            backend.append([example_entry(n)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES
        assert backend.last_sequence() == 60


def test_commits_that_are_not_synced_need_no_room(path):
    with SqliteBackend(path) as backend:
        backend.append([example_entry(0)])
        assert log_of(path).stat().st_size < log_room.ROOM_BYTES


def test_who_writes_little_makes_no_room(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SYNCED_BEFORE_ROOM", 5)
    with SqliteBackend(path, fsync=True) as backend:
        for n in range(4):
            backend.append([example_entry(n)])
        assert log_of(path).stat().st_size < log_room.ROOM_BYTES
        backend.append([example_entry(4)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES


def test_there_is_room_again_after_another_handle_took_it_away(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "ENTRIES_BETWEEN", 5)
    with SqliteBackend(path, fsync=True) as backend, SqliteBackend(path) as other:
        backend.append([example_entry(0)])
        other.compact()
        for n in range(1, 8):
            backend.append([example_entry(n)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES


def test_room_is_made_where_a_link_leads(path, tmp_path):
    with SqliteBackend(path, fsync=True):
        pass
    link = tmp_path / "links" / "link.sqlite"
    link.parent.mkdir()
    link.symlink_to(path)
    with SqliteBackend(link, fsync=True) as backend:
        backend.append([example_entry(0)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES


def test_a_disk_that_is_nearly_full_is_left_what_it_has(path, monkeypatch):
    free = os.statvfs(path.parent)
    monkeypatch.setattr(log_room, "FREE_FOR_ROOM", free.f_bavail * free.f_frsize)
    with SqliteBackend(path, fsync=True) as backend:
        backend.append([example_entry(0)])
        assert log_of(path).stat().st_size < log_room.ROOM_BYTES


def test_there_is_room_again_after_a_compaction(path):
    with SqliteBackend(path, fsync=True) as backend:
        backend.append([example_entry(0)])
        backend.compact()
        assert log_of(path).stat().st_size == 0
        backend.append([example_entry(1)])
        assert log_of(path).stat().st_size == log_room.ROOM_BYTES
        assert backend.last_sequence() == 2


def test_another_process_reads_up_to_where_the_zeros_begin(path):
    """The log is recovered by whoever opens it first after a kill, and by a plain SQLite as well."""
    with SqliteBackend(path, fsync=True) as backend:
        for n in range(5):
            backend.append([example_entry(n)])
        copy = path.with_name("copy.sqlite")
        copy.write_bytes(path.read_bytes())
        log_of(copy).write_bytes(log_of(path).read_bytes())
    plain = sqlite3.connect(copy)
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert plain.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    plain.close()


def test_a_second_writer_leaves_what_the_first_has_written(path):
    with SqliteBackend(path) as first, SqliteBackend(path, fsync=True) as second:
        first.append([example_entry(0)])
        second.append([example_entry(1)])
        first.append([example_entry(2)])
        assert [logged.entry.id for logged in second.changes_since(0)] == [
            example_entry(n).id for n in range(3)
        ]


def test_nothing_is_written_over(path):
    log_of(path).write_bytes(b"frames")
    log_room.make_room(path, 20)
    assert log_of(path).read_bytes() == b"frames" + bytes(14)
    log_room.make_room(path, 10)
    assert log_of(path).read_bytes() == b"frames" + bytes(14)


def test_without_a_log_there_is_none_afterwards(path):
    log_room.make_room(path)
    assert not log_of(path).exists()


def test_a_disk_that_refuses_room_takes_the_entry_all_the_same(path, monkeypatch, caplog):
    def write_half(log, data, offset):
        if offset:
            raise OSError(28, "No space left on device")
        return write(log, data[:100], offset)

    write = os.pwrite
    monkeypatch.setattr(log_room.os, "pwrite", write_half)
    caplog.set_level("INFO", logger=log_room.__name__)
    with SqliteBackend(path, fsync=True) as backend:
        backend.append([example_entry(0)])
        assert "no room ahead" in caplog.text
        assert 0 < log_of(path).stat().st_size < log_room.ROOM_BYTES
        assert backend.last_sequence() == 1


def test_room_that_was_only_half_made_is_given_back(path, monkeypatch):
    def refuse(*_):
        raise OSError(5, "Input/output error")

    log_of(path).write_bytes(b"frames")
    write = os.pwrite
    monkeypatch.setattr(
        log_room.os, "pwrite", lambda log, data, offset: write(log, data[: 10 - offset], offset)
    )
    monkeypatch.setattr(log_room.os, "fsync", refuse)
    log_room.make_room(path, 10)
    assert log_of(path).read_bytes() == b"frames"
    monkeypatch.setattr(log_room.os, "ftruncate", refuse)
    log_room.make_room(path, 10)
    assert log_of(path).read_bytes() == b"frames" + bytes(4)
