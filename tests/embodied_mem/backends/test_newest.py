"""What a handle remembers of the newest entry is right whoever wrote, deleted or failed since."""

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import ConflictingId
from embodied_mem.log import Entry


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
