"""The proof that no other candidate is better, where values are known within bounds: each guard alone."""

from dataclasses import dataclass

import numpy as np
import pytest

from embodied_mem.index import exact_ranking as ranking
from embodied_mem.index.estimates import Estimates, Shortlist
from embodied_mem.index.exact_ranking import best_of
from embodied_mem.index.selection import Candidates


@dataclass
class FakeLeg:
    """A leg of known values.

    Attributes:
        values: Of each row, exactly.
        estimated: The same within `errors`.
        errors: How far off the estimates are at most.
        listed: The rows of its short list; None has no list.
        others: What the value of no other row is above.
    """

    values: list[float]
    estimated: list[float] | None = None
    errors: float | list[float] | None = None
    listed: list[int] | None = None
    others: float = 0.0
    weight: float = 1.0

    def worth(self, values):
        return self.weight * np.maximum(values, 0.0)

    def shortlist(self, candidates, k):
        return None if self.listed is None else Shortlist(np.array(self.listed), self.others)

    def scan(self, candidates):
        values = self.values if self.estimated is None else self.estimated
        errors = np.array(self.errors) if isinstance(self.errors, list) else self.errors
        rows = candidates.row_numbers()
        return Estimates(np.array(values)[rows], errors[rows] if isinstance(errors, np.ndarray) else errors)

    def exact(self, rows, candidates):
        return np.array(self.values)[rows]


def rows_of(leg, k, hidden=None):
    candidates = Candidates(0, len(leg.values), None, hidden)
    return best_of([leg], candidates, k).rows.tolist()


@pytest.fixture(autouse=True)
def no_spare(monkeypatch):
    monkeypatch.setattr(ranking, "N_SPARE", 0)


def test_a_short_list_counts_where_no_other_can_be_as_good():
    assert rows_of(FakeLeg([0.9, 0.5, 0.5, 0.7], listed=[0, 1], others=0.49), 2) == [0, 1]  # a false bound


def test_where_another_may_be_as_good_as_the_last_of_a_short_list_all_are_compared():
    """It may be newer, and then it comes first."""
    assert rows_of(FakeLeg([0.9, 0.5, 0.5], listed=[0, 1], others=0.5), 2) == [0, 2]


def test_a_short_list_of_which_too_many_are_hidden_is_none():
    assert rows_of(FakeLeg([0.9, 0.5, 0.4], listed=[0], others=0.1), 2) == [0, 1]


@pytest.mark.parametrize("errors", [0.2, [0.2, 0.2, 0.2]])
def test_what_is_better_than_its_estimate_is_found(errors):
    assert rows_of(FakeLeg([0.6, 0.7, 0.1], [0.6, 0.5, 0.1], errors), 1) == [1]


def test_of_ties_the_newest_is_found_though_its_estimate_is_lower():
    assert rows_of(FakeLeg([0.6, 0.6, 0.1], [0.6, 0.5, 0.1], 0.1), 1) == [1]


def test_what_is_hidden_is_not_found_however_good():
    assert rows_of(FakeLeg([0.6, 0.7, 0.9], [0.6, 0.5, 0.9], 0.2), 1, np.array([False, False, True])) == [1]


def test_each_piece_narrows_what_is_compared_after_it(monkeypatch):
    monkeypatch.setattr(ranking, "AT_ONCE", 1)
    asked = []

    class Watched(FakeLeg):
        def exact(self, rows, candidates):
            asked.append(rows.tolist())
            return super().exact(rows, candidates)

    leg = Watched([0.5, 0.6, 0.7, 0.4], [0.6, 0.5, 0.4, 0.4], [0.2, 0.2, 0.31, 0.25])
    assert rows_of(leg, 1) == [2]
    assert asked == [[0], [2]]  # row 1 could be worth 0.7, as row 2 is, and is older


def test_fewer_candidates_than_asked_for_are_all_given():
    assert rows_of(FakeLeg([0.1, 0.3], [0.2, 0.2], 0.2), 5) == [1, 0]


def test_a_leg_of_weight_0_gives_the_newest_and_compares_no_other():
    assert rows_of(FakeLeg([0.9, 0.1, 0.2], [0.8, 0.1, 0.2], 0.2, weight=0.0), 2) == [2, 1]
