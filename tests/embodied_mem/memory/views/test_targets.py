"""Votes, uses and the archive: what entries say of experiences that they name by id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.memory.scoring import trust_of, utility_of
from embodied_mem.memory.views.archived import Archive
from embodied_mem.memory.views.uses import Uses, utility
from embodied_mem.memory.views.votes import VoteView
from embodied_mem.records.log import EntryKind, Span

KNOWN = {"a": 1, "b": 2, "c": 3}
ALL = (Span(),)
EVENTS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "nobody"]), st.booleans()), max_size=15)


class Ids:
    """Looks ids up, and counts how often it is asked."""

    def __init__(self):
        self.n_asked = 0

    def sequences_of(self, ids):
        self.n_asked += 1
        return {name: KNOWN[name] for name in ids if name in KNOWN}


def read(view, events, first=10):
    for at, (name, flag) in enumerate(events, first):
        if isinstance(view, Uses):
            view.add(at, EntryKind.EXPERIENCE, {"recalled": [name, name]})
        else:
            archived = EntryKind.ARCHIVE if flag else EntryKind.RESTORE
            kind = archived if isinstance(view, Archive) else EntryKind.FEEDBACK
            view.add(at, kind, {"experience_id": name, "helped": flag})
    return view


@given(EVENTS, st.integers(9, 26))
def test_votes_are_counted_up_to_the_horizon(events, as_of):
    counts = read(VoteView(Ids()), events).counts((Span(1, as_of),))
    seen = events[: as_of - 9]
    expected = {
        KNOWN[name]: (seen.count((name, True)), seen.count((name, False)))
        for name in KNOWN
        if any(name == voted for voted, _ in seen)
    }
    columns = (counts.helped.tolist(), counts.not_helped.tolist())
    assert dict(zip(counts.sequences.tolist(), zip(*columns, strict=True), strict=True)) == expected
    assert counts.trust.values.tolist() == [trust_of(*map(float, expected[at])) for at in sorted(expected)]


@given(EVENTS, st.integers(9, 26))
def test_the_last_word_says_what_is_archived(events, as_of):
    last = dict(events[: as_of - 9])
    expected = [at for name, at in KNOWN.items() if last.get(name)]
    assert read(Archive(Ids()), events).archived((Span(1, as_of),)).tolist() == expected


@given(EVENTS)
def test_a_use_counts_once_however_often_it_is_listed(events):
    counts = read(Uses(Ids()), events).counts(ALL)
    named = [name for name, _ in events]
    expected = {at: named.count(name) for name, at in KNOWN.items() if name in named}
    assert dict(zip(counts.sequences.tolist(), counts.values.tolist(), strict=True)) == expected


def test_what_is_listed_as_recalled_before_it_was_written_is_no_use():
    view = Uses(Ids())
    view.add(2, EntryKind.EXPERIENCE, {"recalled": ["a", "b", "c"]})
    assert view.counts(ALL).sequences.tolist() == [1]


def test_utility_takes_uses_and_votes_together():
    uses = read(Uses(Ids()), [("a", True), ("a", True), ("b", True)]).counts(ALL)
    votes = read(VoteView(Ids()), [("a", True), ("c", False)]).counts(ALL)
    values = utility(uses, votes)
    assert values.sequences.tolist() == [1, 2, 3]
    expected = [utility_of(2, 1, 0), utility_of(1, 0, 0), utility_of(0, 0, 1)]
    assert values.values.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("view", [VoteView, Archive, Uses])
def test_ids_are_looked_up_many_at_a_time_and_once(view):
    ids = Ids()
    made = read(view(ids), [("a", True)] * 20)
    ask = {VoteView: "counts", Archive: "archived", Uses: "counts"}[view]
    for as_of in (None, 15, None):
        getattr(made, ask)((Span(1, as_of),))
    assert ids.n_asked == 1


@pytest.mark.parametrize("view", [VoteView, Archive, Uses])
def test_what_was_answered_is_not_computed_again(view):
    made = read(view(Ids()), [("a", True), ("b", False)])
    ask = getattr(made, {VoteView: "counts", Archive: "archived", Uses: "counts"}[view])
    assert ask(ALL) is ask(ALL)
    before = ask(ALL)
    read(made, [("c", True)], first=40)
    assert ask(ALL) is not before
