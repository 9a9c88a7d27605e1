"""Ctrl-C that is noticed as soon as a transaction has begun leaves none open."""

import sqlite3

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError
from embodied_mem.log import Search
from embodied_mem.testing.backend import example_entry


class _Cursor(sqlite3.Cursor):
    def execute(self, sql, *parameters):
        super().execute(sql, *parameters)
        if sql.startswith("BEGIN") and self.connection.is_interrupted:
            self.connection.is_interrupted = False
            raise KeyboardInterrupt
        return self


class _Connection(sqlite3.Connection):
    is_interrupted = False

    def cursor(self, *_):
        return super().cursor(_Cursor)

    def execute(self, sql, *parameters):
        return self.cursor().execute(sql, *parameters)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: real(*args, **named, factory=_Connection))
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        yield backend


CALLS = {
    "append": lambda backend: backend.append([example_entry(1)]),
    "search": lambda backend: backend.search(Search()),
    "delete": lambda backend: backend.delete([1]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_next_call_finds_no_transaction_open(backend, call):
    backend.append([example_entry(0)])
    backend._db.is_interrupted = True
    with pytest.raises(KeyboardInterrupt):
        call(backend)
    assert not backend._db.in_transaction
    assert backend.append([example_entry(2)])[0].sequence == 2


def test_a_write_within_a_reading_is_refused_and_the_reading_goes_on(backend):
    backend.append([example_entry(0)])
    with backend.reading():
        assert backend.last_sequence() == 1
        with pytest.raises(StoreError):
            backend.append([example_entry(1)])
        assert backend._db.in_transaction
    assert backend.last_sequence() == 1
