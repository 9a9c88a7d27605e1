import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting import ARCHIVE_BELOW, Ebbinghaus, Remembered, evict
from embodied_mem.memory.forgetting.eviction import below_threshold

AGES = st.floats(0.01, 600)
COUNTS = st.integers(0, 20)


def policy_with(**items):
    """Name -> (is_failure, number of useful recalls); all added and used at 0."""
    policy = Ebbinghaus()
    for name, (is_failure, n_useful) in items.items():
        policy.added(Remembered(id=name, is_failure=is_failure), at=0)
        for _ in range(n_useful):
            policy.used(name, at=0, helped=True)
    return policy


@given(AGES, AGES, st.booleans(), COUNTS)
def test_retention_falls_with_time(age, more, is_failure, n_useful):
    policy = policy_with(m=(is_failure, n_useful))
    assert policy.retention(at=age + more)["m"] < policy.retention(at=age)["m"] < 1


@given(AGES, COUNTS, st.integers(1, 5), st.booleans())
def test_retention_rises_with_strength(age, n_useful, more, is_failure):
    policy = policy_with(weak=(is_failure, n_useful), strong=(is_failure, n_useful + more))
    retention = policy.retention(at=age)
    assert retention["strong"] > retention["weak"]


@given(st.floats(0.01, 1e9), COUNTS)
def test_a_failure_outlives_its_success_twin(age, n_useful):
    policy = policy_with(failure=(True, n_useful), success=(False, n_useful))
    assert evict(policy, at=age, n=2) == ["success", "failure"]


@given(st.floats(0.01, 1e9), COUNTS)
def test_a_recalled_memory_outlives_its_twin(age, n_useful):
    policy = policy_with(recalled=(False, n_useful), twin=(False, n_useful))
    policy.used("recalled", at=age / 2)
    assert evict(policy, at=age, n=2) == ["twin", "recalled"]


def test_a_use_starts_the_time_anew_and_only_a_useful_one_strengthens():
    policy = policy_with(m=(False, 0))
    for helped in (None, False):
        policy.used("m", at=5, helped=helped)
        assert policy.retention(at=5)["m"] == 1
        assert policy.retention(at=6)["m"] == pytest.approx(math.exp(-1))
    policy.used("m", at=5, helped=True)
    assert policy.retention(at=6)["m"] == pytest.approx(math.exp(-1 / 2))


def test_failures_are_twice_as_strong_at_every_count_of_recalls():
    for n_useful in range(4):
        policy = policy_with(failure=(True, n_useful), success=(False, n_useful))
        assert policy.retention(at=6)["failure"] == pytest.approx(policy.retention(at=3)["success"])


def test_an_unused_success_is_to_be_archived_after_one_and_a_fifth():
    policy = policy_with(success=(False, 0), failure=(True, 0))
    assert below_threshold(policy, at=1.2, threshold=ARCHIVE_BELOW) == []
    assert below_threshold(policy, at=1.21, threshold=ARCHIVE_BELOW) == ["success"]
    assert below_threshold(policy, at=2.41, threshold=ARCHIVE_BELOW) == ["success", "failure"]


def test_a_time_that_went_down_does_not_make_a_memory_stronger_than_new():
    policy = policy_with(m=(False, 0))
    assert policy.retention(at=-3)["m"] == 1


@pytest.mark.parametrize(
    "options", [{"initial_strength": 0}, {"initial_strength": math.inf}, {"failure_factor": 0.5}]
)
def test_parameters_that_mean_nothing_are_refused(options):
    with pytest.raises(InvalidQuery, match=f"{next(iter(options))} is"):
        Ebbinghaus(**options)
