"""Which saved parts of the index are used: those made of the first rows of this log, and no others."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite.log_reader import SqliteLogReader
from embodied_mem.index import part_files as snapshot
from embodied_mem.index.index_options import DEFAULT_OPTIONS
from embodied_mem.index.kept_parts import KeptParts, Settings
from embodied_mem.index.rows import RowTable
from embodied_mem.testing.backend import example_entry
from embodied_mem.text.synonyms import NO_SYNONYMS

NAME, OF = "numbers", {"space": "plain"}
ENTRIES = [example_entry(number) for number in range(40)]


class Numbers:
    """A column that can be kept."""

    form = "numbers"

    def __init__(self, n_rows):
        self.numbers = np.arange(n_rows)

    def __len__(self):
        return len(self.numbers)

    def to_arrays(self):
        return {"numbers": self.numbers}


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "experiences.sqlite") as opened:
        opened.append(ENTRIES)
        yield opened


@pytest.fixture
def db(backend):
    with closing(sqlite3.connect(backend.path)) as opened:
        yield opened


@pytest.fixture
def log(db):
    return SqliteLogReader(db)


def parts_of(log, folder):
    table = RowTable("experience")
    for kind, sequences in log.kinds_after(0):
        assert kind == "experience"
        table.append(sequences)
    return KeptParts(table, Settings("store", NO_SYNONYMS, DEFAULT_OPTIONS, folder))


@pytest.fixture
def folder(log, tmp_path):
    """Where a column of all rows is saved."""
    place = tmp_path / "index"
    parts = parts_of(log, place)
    parts.save(log, log.head(), NAME, Numbers(len(ENTRIES)), OF, only_stale=False)
    return place


def test_what_was_saved_is_used_until_something_is_removed(backend, db, log, folder):
    parts = parts_of(log, folder)
    assert parts.load(log, NAME, OF)["numbers"].tolist() == list(range(40))
    assert parts.load(log, NAME, {"space": "another"}) is None
    backend.append([example_entry(40)])
    log = SqliteLogReader(db)
    assert parts_of(log, folder).load(log, NAME, OF) is not None
    backend.delete([41])
    log = SqliteLogReader(db)
    assert parts_of(log, folder).load(log, NAME, OF) is None


@pytest.mark.parametrize(
    "made_of",
    [
        {"n_rows": 41},
        {"n_rows": 39},
        {"n_rows": 0},
        {"n_rows": "40"},
        {"n_rows": 39, "last_sequence": 39},
        {"last_sequence": 39},
        {"last_sequence": "40"},
        {"digest": "ab"},
        {"generation": 1},
        {"generation": None},
        {"space": "another"},
    ],
    ids=str,
)
def test_what_says_it_was_made_of_something_else_is_not_used(log, folder, made_of):
    [part] = snapshot.parts_in(folder, "")
    header = snapshot.read_header(folder, part)
    snapshot.save(folder, part, {**header["made_of"], **made_of}, Numbers(40).to_arrays())
    assert parts_of(log, folder).load(log, NAME, OF) is None


def test_a_part_is_not_used_for_a_table_with_removed_rows(log, folder):
    table = RowTable("experience")
    table.append(np.arange(1, 41))
    table.keep_only(np.arange(2, 41))
    parts = KeptParts(table, Settings("store", NO_SYNONYMS, DEFAULT_OPTIONS, folder))
    assert parts.load(log, NAME, OF) is None


def test_nothing_is_saved_of_a_table_with_removed_rows(log, tmp_path):
    """The column still holds the words and vectors of what was removed."""
    table = RowTable("experience")
    table.append(np.arange(1, 41))
    table.keep_only(np.arange(2, 41))
    parts = KeptParts(table, Settings("store", NO_SYNONYMS, DEFAULT_OPTIONS, tmp_path / "index"))
    parts.save(log, log.head(), NAME, Numbers(40), OF, only_stale=False)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("n_rows", [0, 39, 41])
def test_nothing_is_saved_of_a_column_that_does_not_cover_the_table(log, tmp_path, n_rows):
    parts = parts_of(log, tmp_path / "index")
    parts.save(log, log.head(), NAME, Numbers(n_rows), OF, only_stale=False)
    assert not (tmp_path / "index").exists()


def test_the_log_is_on_the_disk_before_a_part_of_it_is_saved(log, tmp_path, monkeypatch):
    """Or a power cut could leave a part that holds more than the log."""
    there = []
    monkeypatch.setattr(SqliteLogReader, "sync", lambda _: there.append((tmp_path / "index").exists()))
    parts_of(log, tmp_path / "index").save(log, log.head(), NAME, Numbers(40), OF, only_stale=False)
    assert there == [False]
    assert (tmp_path / "index").exists()
