"""The proof that no other candidate is better, where values are known within bounds: each guard alone."""

from dataclasses import dataclass

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.index import compressed, growing
from embodied_mem.index import exact_ranking as ranking
from embodied_mem.index.estimates import Estimates, Shortlist
from embodied_mem.index.exact_ranking import best_of
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.index.selection import Candidates
from embodied_mem.records.log import Search, VectorLeg
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.testing.backend import example_entry


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
    minimum: float = -np.inf

    def worth(self, values):
        return self.weight * values

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


class TestShortlist:
    """A short list is enough where no other candidate can be worth as much as the last of its best."""

    def test_the_bound_is_weighed_as_the_values_are(self):
        leg = FakeLeg([0.9, 0.5, 0.7], listed=[0, 1], others=0.7, weight=2.0)
        assert rows_of(leg, 2) == [0, 2]  # 0.7 is less than what the last is worth, 2 * 0.5, and worth more
        leg = FakeLeg([0.9, 0.5, 0.7], listed=[0, 1], others=0.4, weight=0.5)
        assert rows_of(leg, 2) == [0, 1]  # a false bound; 0.5 * 0.4 is below 0.5 * 0.5

    def test_a_bound_below_0_counts_as_it_is(self):
        assert rows_of(FakeLeg([-0.1, -0.6], listed=[0], others=-0.5), 1) == [0]
        assert rows_of(FakeLeg([-0.6, -0.1], listed=[0], others=-0.1), 1) == [1]

    def test_the_last_of_those_asked_for_is_compared_with_the_bound_and_not_the_first(self):
        assert rows_of(FakeLeg([0.9, 0.3, 0.6], listed=[0, 1], others=0.6), 2) == [0, 2]

    def test_a_list_of_one_leg_says_nothing_about_two(self):
        legs = [FakeLeg([0.9, 0.5], listed=[0], others=0.5), FakeLeg([0.0, 0.8])]
        assert best_of(legs, Candidates(0, 2), 1).rows.tolist() == [1]

    def test_it_is_enough_though_its_own_values_are_estimated(self):
        leg = FakeLeg([0.6, 0.7, 0.5, 0.4], [0.6, 0.5, 0.5, 0.4], 0.2, listed=[0, 1], others=0.55)
        assert rows_of(leg, 1) == [1]


class TestMinimum:
    """What is below the minimum of a leg is no hit, and what its estimate leaves open is compared exactly."""

    @pytest.mark.parametrize("errors", [None, 0.2, [0.2, 0.2, 0.2, 0.2]])
    def test_the_best_of_those_that_reach_it_are_found(self, errors):
        exact = [0.9, 0.6, 0.7, 0.2]
        leg = FakeLeg(exact, None if errors is None else [0.8, 0.7, 0.6, 0.3], errors, minimum=0.65)
        assert rows_of(leg, 4) == [0, 2]
        other = FakeLeg([0.0, 1.0, 0.5, 1.0])
        assert best_of([leg, other], Candidates(0, 4), 4).rows.tolist() == [2, 0]

    def test_what_equals_it_reaches_it(self):
        assert rows_of(FakeLeg([0.5, 0.4], [0.6, 0.5], 0.1, minimum=0.5), 2) == [0]

    def test_a_short_list_with_too_few_of_them_is_none(self):
        leg = FakeLeg([0.9, 0.5, 0.7], listed=[0, 1], others=0.7, minimum=0.6)
        assert rows_of(leg, 2) == [0, 2]

    def test_only_what_is_in_doubt_is_compared_for_it(self):
        asked = []

        class Watched(FakeLeg):
            def exact(self, rows, candidates):
                asked.append(rows.tolist())
                return super().exact(rows, candidates)

        leg = Watched([0.9, 0.5, 0.1], [0.9, 0.55, 0.1], 0.1, minimum=0.6)
        assert rows_of(leg, 1) == [0]
        assert asked == [[1], [0]]


class TestProof:
    """Whatever may still belong among the best by its estimate and its error is compared exactly."""

    def test_the_best_is_found_behind_more_than_the_spare_ones(self, monkeypatch):
        monkeypatch.setattr(ranking, "N_SPARE", 4)
        seem_better = 20
        leg = FakeLeg([0.8, *[0.5] * seem_better], [0.6, *[0.7] * seem_better], 0.2)
        assert rows_of(leg, 1) == [0]

    def test_a_reach_is_counted_from_the_last_of_the_best_and_not_from_the_first(self):
        leg = FakeLeg([0.9, 0.5, 0.6], [0.9, 0.5, 0.4], 0.2)
        assert rows_of(leg, 2) == [0, 2]

    def test_of_ties_the_newest_is_found_though_it_is_older_than_the_best(self):
        leg = FakeLeg([0.5, 0.5, 0.9], [0.5, 0.4, 0.9], 0.1)
        assert rows_of(leg, 2) == [2, 1]

    def test_what_can_only_tie_and_is_older_is_not_compared(self):
        leg = FakeLeg([0.7, 0.5], [0.4, 0.5], 0.1)  # a false bound
        assert rows_of(leg, 1) == [1]

    def test_what_was_compared_is_not_compared_again_and_given_twice(self):
        leg = FakeLeg([0.9, 0.8, 0.7], [0.9, 0.8, 0.7], 0.5)
        assert rows_of(leg, 2) == [0, 1]

    def test_an_error_counts_by_the_weight_of_its_leg(self):
        leg = FakeLeg([0.6, 0.7], [0.6, 0.5], 0.2, weight=3.0)
        assert rows_of(leg, 1) == [1]

    def test_the_errors_of_all_legs_add_up(self):
        seems_better, is_better = [0.5, 0.3], [0.5, 0.6]
        legs = [FakeLeg(is_better, seems_better, errors) for errors in (0.3, [0.3, 0.3])]
        assert best_of(legs, Candidates(0, 2), 1).rows.tolist() == [1]

    def test_the_error_of_one_leg_counts_whichever_place_it_has(self):
        sure, unsure = FakeLeg([0.1, 0.1]), FakeLeg([0.6, 0.7], [0.6, 0.5], 0.2)
        for legs in ([sure, unsure], [unsure, sure]):
            assert best_of(legs, Candidates(0, 2), 1).rows.tolist() == [1]

    def test_a_sum_of_legs_loses_nothing_to_the_float32_of_one(self):
        class InFloat32(FakeLeg):
            def scan(self, candidates):
                return Estimates(super().scan(candidates).values.astype(np.float32))

        assert best_of([InFloat32([1.0, 1.0]), FakeLeg([1e-9, 0.0])], Candidates(0, 2), 1).rows.tolist() == [
            0
        ]


class TestOnCompressedVectors:
    """The same of a log in SQLite, whose vectors a search compares as bytes."""

    SPACE = Space(name="s", version="1", dimension=16)

    def search(self, folder, vectors, query, *, compression="always", **wanted):
        """The sequence numbers of what is found; entry n has sequence number n + 1."""
        with SqliteBackend(folder / compression, index=IndexOptions(compression=compression)) as backend:
            backend.append(
                [
                    example_entry(n, texts={}, vectors=(self.field(values),))
                    for n, values in enumerate(vectors)
                ]
            )
            found = backend.search(Search(legs=(VectorLeg("v", self.field(query)),), **wanted))
            [report] = backend.index_report().values()
            assert report["vectors"]["v"]["kept"] == {"always": "compressed", "never": "exact"}[compression]
            assert found.is_exact
            return list(found.sequences)

    def field(self, values):
        return FieldVector(field="v", space=self.SPACE, values=values.astype(np.float32))

    def test_near_ties_that_the_bytes_do_not_tell_apart_are_told_apart(self, tmp_path, monkeypatch):
        monkeypatch.setattr(ranking, "N_SPARE", 4)
        rng = np.random.default_rng(0)
        vectors = 1 + 1e-2 * rng.normal(size=(400, 16))
        vectors[::8] = rng.normal(size=(50, 16))  # which make the steps between two bytes wide
        vectors[100:400:50] = vectors[99]  # ties, of which the newest comes first
        found = self.search(tmp_path, vectors, vectors[99], k=9)
        assert found[:7] == [351, 301, 251, 201, 151, 101, 100]
        assert found == self.search(tmp_path, vectors, vectors[99], k=9, compression="never")

    def test_where_the_most_alike_are_hidden_the_next_are_found_and_not_the_rest_of_a_short_list(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * 16 * 256)  # 256 vectors
        monkeypatch.setattr(compressed, "MAX_SHORTLISTED", 0.5)  # of so few
        angles = np.linspace(0.01, 1.5, 600)
        vectors = np.zeros((600, 16))
        vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
        nearest = np.arange(1, 101, dtype=np.int64)
        found = self.search(tmp_path, vectors, np.eye(16)[0], k=2, without=nearest)
        assert found == [101, 102]
