from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.memory.forgetting import Remembered, Utility, evict

USES = st.lists(st.sampled_from([None, True, False]), max_size=30)
SURPRISES = st.floats(0, 1)


def value_after(uses, surprise=0.0):
    policy = Utility()
    policy.added(Remembered(id="m", surprise=surprise), at=0)
    for at, helped in enumerate(uses):
        policy.used("m", at=at, helped=helped)
    return policy.retention(at=99)["m"]


@given(USES, SURPRISES)
def test_a_use_that_helped_always_raises_it(uses, surprise):
    assert value_after([*uses, True], surprise) > value_after(uses, surprise)


@given(USES, SURPRISES)
def test_a_use_that_misled_always_lowers_it(uses, surprise):
    assert value_after([*uses, False], surprise) < value_after(uses, surprise)


@given(SURPRISES, SURPRISES)
def test_of_the_unused_the_more_surprising_is_worth_as_much_or_more(one, other):
    low, high = sorted((one, other))
    assert 1 / 2 <= value_after([], low) <= value_after([], high) <= 2 / 3


@given(st.lists(st.booleans(), max_size=20))
def test_a_judgement_takes_the_place_of_the_recall_it_judges(judgements):
    recalled_and_judged = [step for helped in judgements for step in (None, helped)]
    assert value_after(recalled_and_judged) == value_after(judgements)


@given(st.integers(1, 10), st.integers(1, 10))
def test_what_helped_is_kept_and_what_misled_goes_before_the_unused(n_helped, n_misled):
    policy = Utility()
    for name in ("helped", "unused", "misled"):
        policy.added(Remembered(id=name), at=0)
    for name, helped, n in (("helped", True, n_helped), ("misled", False, n_misled)):
        for at in range(n):
            policy.used(name, at=at, helped=helped)
    assert evict(policy, at=99, n=3) == ["misled", "unused", "helped"]


def test_the_value_is_trust_times_use():
    # Beta(1 + 3, 1 + 1) has mean 4/6; three helpful uses count 1 + log2(4) = 3.
    assert value_after([True, True, True, False]) == 4 / 6 * 3
