import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.scoring import (
    RankingWeights,
    main_part,
    outcome_class,
    outcome_value,
    rank,
    recency_of,
    surprise_of,
    total_scores,
    trust_of,
    utility_of,
)
from embodied_mem.records import Status
from embodied_mem.records.log import Found, PriorLeg, TextLeg, VectorLeg
from embodied_mem.records.spaces import FieldVector, Space

COUNTS = st.integers(0, 1_000)
SECONDS = st.floats(-1e12, 1e12)


def found(sequences, **similarities):
    return Found(tuple(sequences), similarities, len(sequences), is_exact=True)


def leg(name, weight=1.0):
    return TextLeg(name, "x", (name,), weight)


def prior(name, weight, **values):
    sequences = np.array([int(key[1:]) for key in values], np.int64)
    return PriorLeg(name, sequences, np.array(list(values.values())), weight)


class TestRank:
    def test_parts_are_weight_times_similarity_and_add_up(self):
        [item] = rank(found([4], task=(0.5,), state=(0.2,)), [leg("task"), leg("state", 0.5)])
        assert item.parts == pytest.approx({"task": 0.5, "state": 0.1})
        assert item.score == pytest.approx(0.6)

    @pytest.mark.parametrize(("floor", "part"), [(-math.inf, -0.4), (-0.2, -0.1), (0.0, 0.0)])
    def test_a_similarity_counts_at_least_its_floor(self, floor, part):
        space = Space(name="s", version="1", dimension=1)
        vector = FieldVector(field="v", space=space, values=np.ones(1))
        legs = [VectorLeg("v", vector, 0.5, floor=floor), leg("w")]
        hits = found([1], v=(-0.8,), w=(0.5,))
        [item] = rank(hits, legs)
        assert item.score == pytest.approx(0.5 + part)
        assert item.parts == {"v": part, "w": 0.5}
        assert item.similarities == {"v": -0.8, "w": 0.5}
        assert total_scores(hits, legs).tolist() == [item.score]

    def test_similarities_are_there_without_their_weights_and_priors_are_none(self):
        legs = [leg("task", 0.0), leg("state", 0.5), prior("trust", 0.4, _1=-0.5)]
        [item] = rank(found([1], task=(0.5,), state=(-0.2,), trust=(-0.5,)), legs)
        assert item.similarities == {"task": 0.5, "state": -0.2}

    def test_no_part_is_a_negative_zero(self):
        [item] = rank(found([1], v=(-0.0,)), [leg("v")])
        assert math.copysign(1, item.parts["v"]) == 1

    def test_a_prior_may_take_away(self):
        [item] = rank(found([1], trust=(-0.5,)), [prior("trust", 0.4, _1=-0.5)])
        assert item.score == -0.2

    def test_a_prior_is_a_part_of_those_that_have_one_alone(self):
        legs = [leg("t"), prior("trust", 0.4, _2=0.0, _9=0.1)]
        ranked = rank(found((9, 4, 2), t=(0.5,) * 3, trust=(0.1, 0.0, 0.0)), legs)
        assert [set(item.parts) for item in ranked] == [{"t", "trust"}, {"t"}, {"t", "trust"}]

    def test_a_prior_that_nothing_has_is_no_part(self):
        [item] = rank(found([1], t=(0.5,), trust=(0.0,)), [leg("t"), prior("trust", 0.4)])
        assert item.parts == {"t": 0.5}

    def test_the_order_is_that_of_the_search(self):
        assert [item.sequence for item in rank(found((2, 9, 4)), [])] == [2, 9, 4]

    def test_nothing_found_ranks_nothing(self):
        assert rank(found([], t=()), [leg("t")]) == []

    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 9)), min_size=1, max_size=9))
    def test_the_score_is_the_sum_of_its_parts(self, similarities):
        names = {f"part {n}": values for n, values in enumerate(similarities)}
        legs = [leg(name, weight) for name, (_, weight) in names.items()]
        [item] = rank(found([1], **{name: (value,) for name, (value, _) in names.items()}), legs)
        assert item.score == pytest.approx(math.fsum(item.parts.values()))


class TestTrust:
    @pytest.mark.parametrize(
        ("helped", "not_helped", "mean"), [(0, 0, 1 / 2), (1, 0, 2 / 3), (0, 1, 1 / 3), (8, 2, 9 / 12)]
    )
    def test_it_is_the_mean_of_the_beta_posterior_minus_one_half(self, helped, not_helped, mean):
        assert trust_of(float(helped), float(not_helped)) == pytest.approx(mean - 0.5)

    @given(COUNTS, COUNTS)
    def test_votes_move_it_in_their_direction_within_one_half(self, helped, not_helped):
        trust = trust_of(helped, not_helped)
        assert -0.5 < trust_of(helped, not_helped + 1) < trust < trust_of(helped + 1, not_helped) < 0.5


class TestRecency:
    def test_it_halves_with_each_half_life(self):
        ages_s = np.array([0.0, 60.0, 120.0, 600.0])
        assert recency_of(ages_s, 60.0).tolist() == [1, 0.5, 0.25, 0.5**10]

    @given(SECONDS, SECONDS, st.floats(1e-3, 1e9))
    def test_the_newer_is_never_below_the_older(self, a, b, half_life_s):
        """Generative Agents' code gives the least recently used the highest recency."""
        newer, older = recency_of(np.array([min(a, b), max(a, b)]), half_life_s)
        assert 0 <= older <= newer <= 1

    def test_what_lies_in_the_future_is_as_recent_as_now(self):
        assert recency_of(np.array([-5.0, -1e12]), 60.0).tolist() == [1, 1]


class TestOutcome:
    def test_success_is_above_what_nobody_judged_and_that_above_the_rest(self):
        values = {status: outcome_value(status.value) for status in Status}
        assert values.pop(Status.SUCCESS) == 1
        assert values.pop(Status.UNVERIFIED) == 0.5
        assert set(values.values()) == {0}

    def test_there_are_three_classes(self):
        classes = [outcome_class(status.value) for status in Status]
        assert classes == ["success", "failure", "failure", "failure", "neither", "neither"]


class TestSurprise:
    def test_the_first_of_its_kind_is_as_surprising_as_any_of_three(self):
        assert surprise_of(0, 0) == pytest.approx(2 / 3)

    @given(COUNTS, COUNTS)
    def test_what_was_seen_more_often_surprises_less(self, n_same, n_other):
        n_all = n_same + n_other
        assert 0 < surprise_of(n_same + 1, n_all + 1) < surprise_of(n_same, n_all) < 1

    @given(COUNTS, COUNTS, COUNTS)
    def test_the_rates_of_the_classes_add_up_to_one(self, a, b, c):
        assert sum(1 - surprise_of(n, a + b + c) for n in (a, b, c)) == pytest.approx(1)


class TestUtility:
    def test_what_was_never_used_has_none(self):
        assert utility_of(0, 0, 0) == utility_of(0, 0, 5) == 0

    @given(COUNTS, COUNTS, COUNTS)
    def test_it_grows_with_uses_and_help_and_falls_with_votes_against(self, uses, helped, not_helped):
        utility = utility_of(uses, helped, not_helped)
        assert 0 <= utility < 1
        assert utility_of(uses + 1, helped, not_helped) > utility
        assert utility_of(uses, helped + 1, not_helped) > utility
        assert utility_of(uses, helped, not_helped + 1) < utility or utility == 0


def test_the_main_part_is_the_largest_and_none_if_nothing_counts():
    assert main_part({"task": 0.2, "state": 0.7}) == "state"
    assert main_part({"task": 0.0, "trust": -0.1}) == ""


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan, "high", None])
def test_an_unusable_weight_is_refused_by_name(value):
    with pytest.raises(InvalidQuery, match="weight state is"):
        RankingWeights(state=value)


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(InvalidQuery, match="half_life_s is 0"):
        RankingWeights(half_life_s=0)
