import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.memory.scoring import outcome_class
from embodied_mem.memory.views.surprise import Surprise
from embodied_mem.records import Status


def read(events, hidden=()):
    view = Surprise(hidden)
    for sequence, (kind, status) in enumerate(events, 1):
        view.add(sequence, "experience", {"task.kind": kind, "outcome.status": status})
    return view.values()


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from([s.value for s in Status])), max_size=20))
def test_it_is_one_less_the_smoothed_rate_among_earlier_ones_of_the_kind(events):
    expected = []
    for n, (kind, status) in enumerate(events):
        earlier = [outcome_class(s) for k, s in events[:n] if k == kind]
        expected.append(1 - (earlier.count(outcome_class(status)) + 1) / (len(earlier) + 3))
    assert read(events).values.tolist() == pytest.approx(expected)


def test_what_comes_later_changes_nothing():
    events = [("A", "success"), ("A", "failure"), ("A", "success")]
    assert read(events).values[:2].tolist() == read(events[:2]).values.tolist()


def test_what_is_hidden_was_not_seen():
    events = [("A", "success"), ("A", "success"), ("A", "success")]
    assert read(events, hidden=((1, 2),)).values.tolist() == [pytest.approx(2 / 3)]
    assert read(events, hidden=((1, 2),)).sequences.tolist() == [3]
