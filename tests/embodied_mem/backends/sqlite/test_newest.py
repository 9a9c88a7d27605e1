"""What a handle remembers of the newest entry is right whoever wrote, deleted or failed since."""

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import ConflictingId
from embodied_mem.records.log import Entry


class Clock:
    """One that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def entry(name, n=0):
    return Entry(id=name, kind="experience", payload={"n": n})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def both(tmp_path, clock):
    path = tmp_path / "log.sqlite"
    with SqliteBackend(path, clock=clock) as one, SqliteBackend(path, clock=clock) as other:
        yield one, other


def place(backend, name):
    [appended] = backend.append([entry(name)])
    return appended.sequence


def test_two_handles_that_take_turns_count_on(both):
    one, other = both
    assert [place(handle, f"e{n}") for n, handle in enumerate([one, one, other, one, other, other])] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip


def test_a_number_that_another_handle_deleted_is_not_given_again(both):
    one, other = both
    assert [place(one, "a"), place(one, "b")] == [1, 2]
    other.delete([2])
    assert place(one, "c") == 3
    one.delete([3])
    assert place(one, "d") == 4


def test_a_duplicate_takes_no_number(both):
    one, _ = both
    assert [place(one, "a"), place(one, "b"), place(one, "a"), place(one, "c")] == [1, 2, 1, 3]
    [again, new] = one.append([entry("b"), entry("d")])
    assert (again.sequence, new.sequence) == (2, 4)


def test_what_was_rolled_back_takes_no_number(both):
    one, other = both
    place(one, "a")
    with pytest.raises(ConflictingId):
        one.append([entry("b"), entry("a", n=1)])
    assert place(one, "c") == 2
    assert place(other, "d") == 3


def test_time_stands_still_for_a_clock_that_goes_back_but_not_for_a_duplicate(both, clock):
    one, other = both
    place(one, "a")
    clock.now_s = 500.0
    place(one, "a")  # kept already, so it leaves no time behind
    clock.now_s = 200.0
    place(one, "b")
    clock.now_s = 150.0
    place(one, "c")
    place(other, "d")
    assert [one.recorded_at(sequence) for sequence in (1, 2, 3, 4)] == [100.0, 200.0, 200.0, 200.0]


def test_entries_of_another_store_keep_their_times_but_never_go_back(both, clock):
    one, other = both
    one.append_recorded([entry("a"), entry("b"), entry("c"), entry("d")], [10.0, 30.0, 20.0, None])
    assert [other.recorded_at(sequence) for sequence in (1, 2, 3, 4)] == [10.0, 30.0, 30.0, 100.0]
    clock.now_s = 50.0
    place(one, "e")
    assert one.recorded_at(5) == 100.0
    assert [one.sequence_at(time_s) for time_s in (5.0, 10.0, 29.0, 30.0, 99.0, 100.0)] == [0, 1, 1, 3, 3, 5]


def test_entries_of_another_store_are_added_all_or_none(both):
    one, _ = both
    place(one, "a")
    with pytest.raises(ConflictingId):
        one.append_recorded([entry("b"), entry("a", n=1)], [500.0, 600.0])
    assert one.get(["b"]) == [None]
    assert (place(one, "c"), one.recorded_at(2)) == (2, 100.0)


def test_an_entry_of_another_store_that_is_here_already_takes_no_number(both):
    one, _ = both
    place(one, "a")
    [again, new] = one.append_recorded([entry("a"), entry("b")], [7.0, 200.0])
    assert (again.sequence, again.is_duplicate, new.sequence) == (1, True, 2)
    assert [one.recorded_at(sequence) for sequence in (1, 2)] == [100.0, 200.0]


def test_each_entry_of_another_store_has_one_time(both):
    one, _ = both
    with pytest.raises(ValueError, match="zip"):
        one.append_recorded([entry("a"), entry("b")], [1.0])
    assert one.last_sequence() == 0


def test_times_are_given_a_page_at_a_time(both):
    one, _ = both
    one.append_recorded([entry(name) for name in "abcd"], [1.0, 2.0, 3.0, 4.0])
    one.delete([3])
    assert one.times_since(0, limit=2) == {1: 1.0, 2: 2.0}
    assert one.times_since(2, limit=2) == {4: 4.0}
    assert one.times_since(4, limit=2) == {}
