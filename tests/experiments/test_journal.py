"""Rows survive a kill, and a torn one is put aside."""

import json

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.journal import FILE_NAME, Journal, recover

ROWS = [{"index": 0, "task": "größer\nals"}, {"index": 1, "task": ""}]


@pytest.fixture
def folder(tmp_path):
    journal = Journal(tmp_path)
    for row in ROWS:
        journal.append(row)
    journal.close()
    return tmp_path


def test_rows_come_back_in_order(folder):
    assert recover(folder) == ROWS


def test_a_lifetime_that_never_began_has_no_rows(tmp_path):
    assert recover(tmp_path / "nowhere") == []


@pytest.mark.parametrize("n_bytes", range(1, 12))
def test_a_torn_last_row_is_cut_off_and_kept_aside(folder, n_bytes):
    line = json.dumps({"index": 2}).encode()
    with (folder / FILE_NAME).open("ab") as file:
        file.write(line[:n_bytes])
    assert recover(folder) == ROWS
    assert (folder / f"{FILE_NAME}.torn").read_bytes() == line[:n_bytes] + b"\n"


def test_rows_after_a_torn_one_follow_the_whole_ones(folder):
    with (folder / FILE_NAME).open("ab") as file:
        file.write(b'{"ind')
    recover(folder)
    journal = Journal(folder)
    journal.append({"index": 2})
    journal.close()
    assert [row["index"] for row in recover(folder)] == [0, 1, 2]


def test_a_damaged_row_in_the_middle_is_an_error_with_its_line(folder):
    with (folder / FILE_NAME).open("ab") as file:
        file.write(b'{"ind\n{"index": 3}\n')
    with pytest.raises(ExperimentError, match="line 3 is not valid JSON"):
        recover(folder)
