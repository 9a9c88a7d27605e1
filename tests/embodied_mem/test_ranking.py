import math

import pytest

from embodied_mem.errors import InvalidQuery
from embodied_mem.log import Found
from embodied_mem.ranking import RankingWeights, Votes, main_part, rank


def found(sequences, **similarities):
    return Found(tuple(sequences), similarities, len(sequences), is_exact=True)


def test_parts_are_weight_times_similarity_and_add_up():
    [item] = rank(found([4], task=(0.5,), state=(0.2,)), {"task": 1.0, "state": 0.5}, {}, 0.4, limit=9)
    assert item.parts == pytest.approx({"task": 0.5, "state": 0.1})
    assert item.score == pytest.approx(0.6)


def test_a_negative_similarity_counts_as_none():
    [item] = rank(found([1], v=(-0.8,)), {"v": 1.0}, {}, 0.4, limit=9)
    assert item.score == 0


def test_equal_scores_come_newest_first():
    hits = found((2, 9, 4), t=(0.5,) * 3)
    assert [item.sequence for item in rank(hits, {"t": 1.0}, {}, 0.4, limit=9)] == [9, 4, 2]


def test_trust_lifts_what_helped_above_an_equal_and_lowers_what_did_not():
    hits = found((1, 2, 3), t=(0.5,) * 3)
    votes = {1: Votes(helped=2), 2: Votes(not_helped=1)}
    ranked = rank(hits, {"t": 1.0}, votes, 0.4, limit=9)
    assert [item.sequence for item in ranked] == [1, 3, 2]
    assert "trust" not in ranked[1].parts


def test_nothing_found_ranks_nothing():
    assert rank(found([], t=()), {"t": 1.0}, {}, 0.4, limit=9) == []


@pytest.mark.parametrize(
    ("helped", "not_helped", "mean"), [(0, 0, 1 / 2), (1, 0, 2 / 3), (0, 1, 1 / 3), (8, 2, 9 / 12)]
)
def test_trust_is_the_mean_of_the_beta_posterior_minus_one_half(helped, not_helped, mean):
    assert Votes(helped, not_helped).trust == pytest.approx(mean - 0.5)


def test_the_main_part_is_the_largest_and_none_if_nothing_counts():
    assert main_part({"task": 0.2, "state": 0.7}) == "state"
    assert main_part({"task": 0.0, "trust": -0.1}) == ""


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan])
def test_an_unusable_weight_is_refused_by_name(value):
    with pytest.raises(InvalidQuery, match="weight state is"):
        RankingWeights(state=value)
