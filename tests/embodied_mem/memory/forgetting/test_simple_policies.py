"""None, FIFO, LRU and LFU against references in a line or two each."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting import Fifo, KeepAll, Lfu, Lru, Remembered, evict

# A story: the ids that are met one after another; the first meeting adds, a later one uses.
STORIES = st.lists(st.sampled_from("abcdefgh"), max_size=60)


def told(policy, story):
    """The policy after the story; ids in the order of adding."""
    added = []
    for at, name in enumerate(story):
        if name in added:
            policy.used(name, at=at, helped=at % 2 == 0)
        else:
            policy.added(Remembered(id=name), at=at)
            added.append(name)
    return policy, added


def order(policy, at):
    return evict(policy, at=at, n=100)


@given(STORIES)
def test_keep_all_lets_go_of_nothing(story):
    policy, added = told(KeepAll(), story)
    assert evict(policy, at=99, n=5) == []
    assert dict(policy.retention(at=99)) == dict.fromkeys(added, math.inf)


@given(STORIES)
def test_fifo_goes_by_the_order_of_adding_whatever_is_used(story):
    policy, added = told(Fifo(), story)
    assert order(policy, 99) == added


@given(STORIES)
def test_lru_agrees_with_a_list_in_the_order_of_last_use(story):
    used = []
    for name in story:
        used = [*(other for other in used if other != name), name]
    policy, _ = told(Lru(), story)
    assert order(policy, 99) == used


@given(STORIES)
def test_lfu_agrees_with_a_counter_and_lets_the_oldest_of_equals_go(story):
    policy, added = told(Lfu(), story)
    counts = Counter(story)
    assert dict(policy.retention(at=99)) == counts
    assert order(policy, 99) == sorted(added, key=lambda name: (counts[name], added.index(name)))


@given(STORIES, st.floats(0.5, 50))
def test_an_ageing_lfu_counts_a_use_half_after_each_half_life(story, half_life):
    policy, _ = told(Lfu(half_life=half_life), story)
    expected = Counter()
    for at, name in enumerate(story):
        expected[name] += 2 ** -((99 - at) / half_life)
    assert dict(policy.retention(at=99)) == pytest.approx(dict(expected))


def test_a_time_that_went_down_ages_no_count():
    policy = Lfu(half_life=1.0)
    policy.added(Remembered(id="m"), at=100)
    policy.used("m", at=0)
    assert policy.retention(at=100)["m"] == 2


def test_ageing_lets_old_popularity_fade():
    kept, faded = Lfu(), Lfu(half_life=5.0)
    for policy in (kept, faded):
        policy.added(Remembered(id="once popular"), at=0)
        for _ in range(10):
            policy.used("once popular", at=0)
        policy.added(Remembered(id="used now"), at=50)
        policy.used("used now", at=50)
    assert order(kept, 50)[0] == "used now"
    assert order(faded, 50)[0] == "once popular"


@pytest.mark.parametrize("half_life", [0, -1, math.nan])
def test_a_half_life_that_means_nothing_is_refused(half_life):
    with pytest.raises(InvalidQuery, match="half_life is"):
        Lfu(half_life=half_life)


def test_letting_go_of_less_than_nothing_is_refused():
    with pytest.raises(InvalidQuery, match="n is -1"):
        evict(Fifo(), at=0, n=-1)


def test_an_item_added_again_is_new():
    policy = Fifo()
    for at, name in enumerate(["a", "b", "a"]):
        policy.added(Remembered(id=name), at=at)
    assert evict(policy, at=3) == ["b"]
