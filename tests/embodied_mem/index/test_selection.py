"""Which rows are candidates: what is kept of recent filters."""

import sqlite3

import numpy as np
import pytest

from embodied_mem.index import selection as selection_module
from embodied_mem.index.rows import RowTable
from embodied_mem.index.selection import Selection
from embodied_mem.records.filters import Equals
from embodied_mem.records.log import Search


class NumberedTable(RowTable):
    """Rows of which every n-th passes the filter for n."""

    n_asked = 0

    def mask(self, db, where, start=0):
        self.n_asked += 1
        return np.arange(start, len(self)) % where.value == 0


@pytest.fixture
def table():
    table = NumberedTable("experience")
    table.append(range(1, 101))
    return table


@pytest.fixture
def ask(table):
    db, held = sqlite3.connect(":memory:"), Selection(table)

    def rows_that_pass(n):
        return held.candidates(db, Search(where=Equals("metadata.n", n))).row_numbers().tolist()

    rows_that_pass.selection = held
    yield rows_that_pass
    db.close()


def test_a_filter_is_worked_out_once_and_further_for_new_rows(ask, table):
    assert [ask(10), ask(10)] == [list(range(0, 100, 10))] * 2
    assert table.n_asked == 1
    table.append(range(101, 151))
    assert ask(10) == list(range(0, 150, 10))
    assert table.n_asked == 2
    assert ask.selection.nbytes == 8 * 15


def test_the_filters_that_were_used_last_are_kept(ask, table, monkeypatch):
    monkeypatch.setattr(selection_module, "MAX_SELECTORS", 3)
    for n in (2, 3, 4, 2, 5):
        ask(n)
    assert ask.selection.nbytes == 8 * (50 + 25 + 20)
    assert table.n_asked == 4
    ask(2)
    assert table.n_asked == 4
    ask(3)
    assert table.n_asked == 5


def test_filters_that_let_much_pass_leave_room_for_fewer(ask):
    for n in range(1, 500):
        ask(n)
        ask(n + 0.5)
    assert ask.selection.nbytes <= 2**20 + selection_module.SELECTOR_BYTES * 100
