"""W-TinyLFU against LRU on traces, its parts, and the same survivors in every process."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting import Lru, Remembered, WTinyLfu, evict
from embodied_mem.memory.forgetting.frequency_sketch import MAX_COUNT, FrequencySketch


def hit_rate(policy, trace, capacity):
    """Share of the requests that a cache of this capacity answers, under this policy."""
    held, n_hits = set(), 0
    for at, name in enumerate(trace):
        if name in held:
            n_hits += 1
            policy.used(name, at=at)
            continue
        policy.added(Remembered(id=name), at=at)
        held.add(name)
        if len(held) > capacity:
            held.difference_update(evict(policy, at=at))
    assert len(held) <= capacity
    return n_hits / len(trace)


def zipf_trace(n, *, seed):
    return [f"z{rank}" for rank in np.random.default_rng(seed).zipf(1.2, n) % 1000]


def with_scans(trace, *, every, length):
    """The trace with a run of names that never come back after each `every` requests."""
    result = []
    for start in range(0, len(trace), every):
        result += trace[start : start + every] + [f"scan{start}-{i}" for i in range(length)]
    return result


@pytest.mark.parametrize("seed", range(3))
def test_it_beats_lru_on_a_zipf_trace_with_scans(seed):
    trace = with_scans(zipf_trace(2500, seed=seed), every=250, length=150)
    ours, lru = hit_rate(WTinyLfu(50), trace, 50), hit_rate(Lru(), trace, 50)
    assert ours > lru + 0.03


def working_set_after_a_scan(policy, capacity=40):
    """How much of an often used working set is left after a scan of ten times the capacity."""
    trace = [f"w{i}" for i in range(capacity // 2)] * 10 + [f"s{i}" for i in range(10 * capacity)]
    hit_rate(policy, trace, capacity)
    return sum(name.startswith("w") for name in policy.retention(at=len(trace))) / (capacity // 2)


def test_a_scan_does_not_sweep_the_working_set_away():
    assert working_set_after_a_scan(WTinyLfu(40)) >= 0.9
    assert working_set_after_a_scan(Lru()) == 0


def test_a_new_favourite_gets_in():
    """Frequency alone would keep out what only now became popular."""
    trace = [f"old{i % 20}" for i in range(400)] + [f"new{i % 20}" for i in range(2000)]
    policy = WTinyLfu(20)
    hit_rate(policy, trace, 20)
    assert sum(name.startswith("new") for name in policy.retention(at=0)) >= 18


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(2, 12))
def test_it_keeps_the_capacity_whatever_comes(requests, capacity):
    trace = [str(number) for number in requests]
    policy = WTinyLfu(capacity)
    hit_rate(policy, trace, capacity)
    assert len(policy.retention(at=0)) == min(capacity, len(set(trace)))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=120), st.integers(2, 12))
def test_losers_that_pile_up_are_let_go_of_first(requests, capacity):
    """Used as an archive: nothing is let go of on the way, and then all but the capacity at once."""
    policy = WTinyLfu(capacity)
    for at, number in enumerate(requests):
        if str(number) in policy.retention(at=at):
            policy.used(str(number), at=at)
        else:
            policy.added(Remembered(id=str(number)), at=at)
    n_excess = max(0, len(set(requests)) - capacity)
    assert set(evict(policy, at=999, n=n_excess)) >= set(policy._losers)
    assert len(policy.retention(at=999)) == min(capacity, len(set(requests)))


def test_the_same_survivors_in_every_process(run_python):
    program = """
import json
from embodied_mem.memory.forgetting import WTinyLfu
from embodied_mem.testing.forgetting import play
print(json.dumps(play(WTinyLfu(10, seed=3), 300)))
"""
    outputs = {run_python("-c", program).stdout for _ in range(2)}  # each with a hash seed of its own
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())) > 100


@given(st.lists(st.integers(0, 50), max_size=300))
def test_the_sketch_never_counts_too_little_before_it_halves(numbers):
    sketch = FrequencySketch(64)
    for number in numbers:
        sketch.increment(str(number))
    for number in set(numbers):
        assert sketch.estimate(str(number)) >= min(numbers.count(number), MAX_COUNT)


def test_the_sketch_is_about_right():
    sketch = FrequencySketch(100)
    for number in range(100):
        for _ in range(number % 8 + 1):
            sketch.increment(str(number))
    wrong = [number for number in range(100) if sketch.estimate(str(number)) != number % 8 + 1]
    assert len(wrong) <= 2


def test_the_sketch_halves_its_counts_after_ten_times_the_capacity():
    sketch = FrequencySketch(10)
    for _ in range(12):
        sketch.increment("popular")
    for number in range(100 - 13):
        sketch.increment(f"other {number}")
    assert sketch.estimate("popular") == 12
    sketch.increment("the hundredth")
    assert sketch.estimate("popular") == 6


@pytest.mark.parametrize("capacity", [1, 0, 2.5, True])
def test_a_capacity_without_room_for_both_parts_is_refused(capacity):
    with pytest.raises(InvalidQuery, match="capacity is"):
        WTinyLfu(capacity)


def test_a_window_of_everything_is_refused():
    with pytest.raises(InvalidQuery, match="window_share is"):
        WTinyLfu(10, window_share=1.0)
