"""Vectors by row: exact and compressed, against a comparison of all with all."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embodied_mem.index import compressed, growing, vector_column
from embodied_mem.index import exact_ranking as ranking
from embodied_mem.index.byte_codes import ByteCodes
from embodied_mem.index.compressed import CompressedVectors
from embodied_mem.index.exact_ranking import best_of
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.index.legs import SimilarVectors
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vector_column import VectorColumn
from embodied_mem.index.vectors import comparable, comparable_query, exact_similarities
from embodied_mem.records.spaces import Metric, Space, similarities

D = 24
SPACE = Space(name="s", version="1", dimension=D)
EUCLIDEAN = Space(name="s", version="1", dimension=D, metric=Metric.EUCLIDEAN)
ALWAYS = IndexOptions(compression="always")
NEVER = IndexOptions(compression="never")


def clustered(n, seed=0, d=D):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, d))
    return (centres[rng.integers(20, size=n)] + 0.3 * rng.normal(size=(n, d))).astype(np.float32)


def column_of(vectors, options=NEVER, space=SPACE, at_once=700):
    column = VectorColumn(space, options)
    for first in range(0, len(vectors), at_once):
        batch = vectors[first : first + at_once]
        column.extend(np.arange(first, first + len(batch)), batch, first + len(batch))
    return column


def search(column, vectors, query, k, candidates=None):
    """The column's answer, with the vectors as recorded to prove it by."""
    leg = SimilarVectors(column, query, 1.0, lambda rows: vectors[rows])
    everything = Candidates(0, len(column))
    return best_of([leg], everything if candidates is None else candidates, k)


def expected(vectors, query, k, rows=None, metric=Metric.COSINE):
    """Rows and similarities by brute force; of equal ones the newest first."""
    rows = np.arange(len(vectors)) if rows is None else rows
    target = comparable(query[None], metric)[0]
    values = exact_similarities(comparable(vectors[rows], metric), target, metric)
    order = np.lexsort((-rows, -values))[:k]
    return rows[order].tolist(), values[order].tolist()


def test_equal_vectors_tie_exactly_whatever_batch_and_block_they_are_in(monkeypatch):
    monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * D * 100)
    same = clustered(1)[0]
    vectors = clustered(1000)
    vectors[::7] = same
    best = search(column_of(vectors, at_once=37), vectors, same, 200)
    assert best.rows[:143].tolist() == list(range(0, 1000, 7))[::-1]
    assert set(best.values[0][:143].tolist()) == {1.0}


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
@pytest.mark.parametrize("small", [20_000, 0], ids=["few", "many"])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.001, 1), st.integers(0, 40))
def test_any_filter_gives_what_brute_force_gives(options, small, seed, share, k):
    vectors = clustered(1500)
    query = clustered(1, seed=seed)[0]
    kept = np.flatnonzero(np.random.default_rng(seed).random(1500) < share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "BLOCK_BYTES", 4 * D * 256)
        patch.setattr(vector_column, "SMALL", small)
        column = column_of(vectors, options)
        best = search(column, vectors, query, k, Candidates(0, 0, kept))
        rows, values = expected(vectors, query, k, kept)
        assert (best.rows.tolist(), best.values[0].tolist()) == (rows, values)
        hidden = np.ones(1500, np.bool_)
        hidden[kept] = False
        best = search(column, vectors, query, k, Candidates(0, 1500, None, hidden))
        assert (best.rows.tolist(), best.values[0].tolist()) == (rows, values)


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
def test_rows_without_a_vector_have_similarity_0(options):
    vectors = clustered(900)
    rows = np.flatnonzero(np.arange(1200) % 4 != 1)
    column = VectorColumn(SPACE, options)
    column.extend(rows[:450], vectors[:450], 601)
    column.extend(rows[450:], vectors[450:], 1200)
    recorded = np.zeros((1200, D), np.float32)
    recorded[rows] = vectors
    query = clustered(1, seed=3)[0]
    best = search(column, recorded, query, 1200)
    assert sorted(best.rows.tolist()) == list(range(1200))
    assert (best.rows.tolist(), best.values[0].tolist()) == expected(recorded, query, 1200)
    some = np.arange(0, 1200, 5)
    best = search(column, recorded, query, 20, Candidates(0, 0, some))
    assert best.rows.tolist() == expected(recorded, query, 20, some)[0]


def test_vectors_far_outside_what_was_trained_on_are_found_all_the_same():
    rng = np.random.default_rng(0)
    narrow = (rng.normal(size=(2000, D)) * 0.01 + np.eye(D)[0]).astype(np.float32)
    column = VectorColumn(SPACE, ALWAYS)
    column.compress(narrow)
    odd = -np.eye(D, dtype=np.float32)[[0, 3, 7]] + 0.05 * rng.normal(size=(3, D)).astype(np.float32)
    vectors = np.concatenate([narrow, odd])
    column.extend(np.arange(len(vectors)), vectors, len(vectors))
    assert column.compressed is not None
    for query in (odd[0], odd[1], odd[2], odd[1] + odd[2], narrow[5]):
        best = search(column, vectors, query, 5)
        assert (best.rows.tolist(), best.values[0].tolist()) == expected(vectors, query, 5)


@pytest.fixture
def compared(monkeypatch):
    """How many candidates each exact comparison had."""
    lengths = []
    exact = SimilarVectors.exact

    def watched(leg, rows, candidates):
        lengths.append(len(rows))
        return exact(leg, rows, candidates)

    monkeypatch.setattr(SimilarVectors, "exact", watched)
    return lengths


def test_near_ties_without_end_are_compared_piece_by_piece(monkeypatch, compared):
    monkeypatch.setattr(ranking, "AT_ONCE", 100)
    rng = np.random.default_rng(3)
    vectors = (1 + 1e-5 * rng.normal(size=(3_000, D))).astype(np.float32)
    odd = rng.choice(3_000, 60, replace=False)
    vectors[odd] = rng.normal(size=(60, D))
    column = column_of(vectors, ALWAYS)
    for query in vectors[rng.choice(3_000, 5)]:
        best = search(column, vectors, query, 30)
        assert (best.rows.tolist(), best.values[0].tolist()) == expected(vectors, query, 30)
    assert max(compared) == 100
    assert sum(compared) > 2_000  # the bytes of nearly all tell nothing


def test_those_that_may_be_worth_most_are_compared_first(monkeypatch, compared):
    monkeypatch.setattr(ranking, "AT_ONCE", 20)
    vectors = clustered(3_000)
    column = column_of(vectors, ALWAYS)
    query = clustered(1, seed=4)[0]
    best = search(column, vectors, query, 30)
    assert (best.rows.tolist(), best.values[0].tolist()) == expected(vectors, query, 30)
    values, errors = column.compressed.estimates(comparable(query[None], Metric.COSINE)[0], 0, 3_000)
    within_reach = np.count_nonzero(values + errors >= best.totals[-1])
    assert sum(compared) <= within_reach + ranking.N_SPARE + ranking.AT_ONCE


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
def test_where_all_are_unlike_the_least_unlike_come_first(options, monkeypatch):
    monkeypatch.setattr(vector_column, "SMALL", 0)
    vectors = (np.eye(D)[0] + 0.1 * np.random.default_rng(0).normal(size=(2_000, D))).astype(np.float32)
    query = -np.eye(D, dtype=np.float32)[0]
    best = search(column_of(vectors, options), vectors, query, 5)
    assert (best.rows.tolist(), best.values[0].tolist()) == expected(vectors, query, 5)
    assert best.totals.max() < -0.5


def test_rows_without_a_vector_come_before_those_that_are_unlike(monkeypatch):
    """A short list has none of them, as it lists vectors."""
    monkeypatch.setattr(growing, "BLOCK_BYTES", D * 8_000)
    vectors = (np.eye(D)[0] + 0.1 * np.random.default_rng(0).normal(size=(4_000, D))).astype(np.float32)
    vectors[::1_000] += 5 * np.eye(D, dtype=np.float32)[1]
    column = VectorColumn(SPACE, ALWAYS)
    column.extend(np.arange(4_000), vectors, 4_002)
    leg = SimilarVectors(column, -np.eye(D, dtype=np.float32)[0], 1.0, lambda rows: vectors[rows])
    assert leg.shortlist(Candidates(0, 4_002), 3) is not None
    assert best_of([leg], Candidates(0, 4_002), 3).rows.tolist()[:2] == [4_001, 4_000]


@pytest.fixture(scope="module")
def alike():
    vectors = clustered(1_500)
    vectors[::2] = vectors[5]  # more equal ones in a block than are shortlisted
    vectors[700:800] = vectors[700] * np.linspace(1, 2, 100, dtype=np.float32)[:, None]
    return vectors


@pytest.fixture
def in_blocks(alike, monkeypatch):
    monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * D * 256)
    monkeypatch.setattr(compressed, "MAX_SHORTLISTED", 0.5)  # of such small blocks
    return column_of(alike, ALWAYS)


@pytest.fixture
def scanned(monkeypatch):
    """How many candidates each scan had."""
    lengths = []
    scan = SimilarVectors.scan

    def watched(leg, candidates):
        lengths.append(len(candidates))
        return scan(leg, candidates)

    monkeypatch.setattr(SimilarVectors, "scan", watched)
    return lengths


class TestShortlists:
    """A search of everything by one vector, of which faiss names the few that can be best."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.integers(0, 2**32),
        st.integers(1, 60),
        st.sampled_from([0.0, 0.02, 0.09, 0.3]),
        st.integers(0, 900),
        st.integers(600, 1_500),
    )
    def test_they_give_what_brute_force_gives(self, in_blocks, alike, seed, k, share, first, last):
        rng = np.random.default_rng(seed)
        query = clustered(1, seed=seed)[0] if seed % 3 else alike[seed % 1_500]
        last = max(first + 1, last)
        hidden = rng.random(last - first) < share
        stretch = Candidates(first, last, None, hidden if share else None)
        best = search(in_blocks, alike, query, k, stretch)
        rows, values = expected(alike, query, k, first + np.flatnonzero(~hidden))
        assert (best.rows.tolist(), best.values[0].tolist()) == (rows, values)

    def test_they_are_used(self, in_blocks, alike, scanned):
        search(in_blocks, alike, clustered(1, seed=4)[0], 5)
        assert max(scanned) < 700

    def test_they_are_used_where_half_is_hidden_and_not_where_nearly_all_is(self, in_blocks, alike, scanned):
        query, shares = clustered(1, seed=4)[0], np.random.default_rng(0).random(1_500)
        for share, is_used in ((0.5, True), (0.95, False)):
            hidden = shares < share
            best = search(in_blocks, alike, query, 5, Candidates(0, 1_500, None, hidden))
            assert best.rows.tolist() == expected(alike, query, 5, np.flatnonzero(~hidden))[0]
            assert (max(scanned) < 700) == is_used

    def test_one_odd_vector_does_not_make_every_bound_a_wide_one(self, in_blocks, alike, scanned):
        odd = np.eye(D, dtype=np.float32)[:1] * 100
        in_blocks.extend(np.arange(1_500, 1_501), odd, 1_501)
        more = clustered(300, seed=5)
        in_blocks.extend(np.arange(1_501, 1_801), more, 1_801)
        vectors = np.concatenate([alike, odd, more])
        for query in (odd[0], clustered(1, seed=4)[0]):
            best = search(in_blocks, vectors, query, 5)
            assert best.rows.tolist() == expected(vectors, query, 5)[0]
        assert max(scanned) < 900

    def test_where_too_many_are_alike_every_one_is_compared_and_that_is_kept_in_mind(
        self, in_blocks, alike, scanned, monkeypatch
    ):
        looks = []
        best_in = ByteCodes.best_in

        def watched(*given):
            looks.append(given)
            return best_in(*given)

        monkeypatch.setattr(ByteCodes, "best_in", watched)
        for _ in range(20):
            best = search(in_blocks, alike, alike[5], 60)
            assert best.rows.tolist() == expected(alike, alike[5], 60)[0]
        assert scanned == [1_500] * 20
        assert len(looks) == 4  # after 1, 3, 7 searches without
        for _ in range(40):
            search(in_blocks, alike, clustered(1, seed=4)[0], 5)
        assert max(scanned[-10:]) < 700

    def test_where_the_list_would_be_a_good_part_of_all_there_is_none(self, in_blocks, alike, scanned):
        search(in_blocks, alike, clustered(1, seed=4)[0], 120)
        assert scanned == [1_500]


@pytest.mark.parametrize("spare", [0, 8])
@pytest.mark.parametrize("levels", [31, 255])
def test_no_other_is_above_what_a_short_list_says(levels, spare, monkeypatch):
    monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * D * 256)
    for name, value in {"LEVELS": levels, "SPARE": spare, "MAX_SKIPPED": 0, "LISTED": 40}.items():
        monkeypatch.setattr(compressed, name, value)
    usual, odd = comparable(clustered(1_800), Metric.COSINE), np.eye(D, dtype=np.float32)[:3]
    vectors = np.concatenate([usual, odd, usual[:300]])
    made = CompressedVectors(usual[:300])
    made.extend(vectors)
    n_lists = 0
    for query in [*comparable(clustered(200, seed=9), Metric.COSINE), *odd]:
        found = made.shortlist(query, 3, 100, 2_000)
        if found is not None:
            places, others = found
            left_out = np.setdiff1d(np.arange(100, 2_000), places)
            assert (vectors[left_out].astype(np.float64) @ query).max() <= others
            n_lists += 1
    assert n_lists


def test_a_vector_that_lost_much_is_on_every_short_list(monkeypatch, scanned):
    """By its bytes it is less alike than so many of its block that faiss does not name it."""
    monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * D * 256)
    monkeypatch.setattr(compressed, "MAX_SHORTLISTED", 0.5)
    first, other = np.eye(D)[0], np.eye(D)[3]
    vectors = first + 0.02 * np.random.default_rng(0).normal(size=(2_048, D))
    vectors[::4] = first + 0.25 * other
    vectors[900] = first + 0.3 * other
    vectors[1] = 0.3 * first + np.eye(D)[5]
    column = VectorColumn(SPACE, ALWAYS)
    column.compress(vectors.astype(np.float32))
    vectors[701] = 0.5 * first + 0.87 * other
    recorded = vectors.astype(np.float32)
    column.extend(np.arange(2_048), recorded, 2_048)
    query = (0.6 * first + 0.8 * other).astype(np.float32)
    assert search(column, recorded, query, 1).rows.tolist() == [701]
    assert max(scanned) < 1_000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_similarities_are_cosines_of_six_decimals(seed, n):
    vectors, query = clustered(n, seed), clustered(1, seed + 1)[0]
    rows, target = comparable(vectors, Metric.COSINE), comparable_query(query, Metric.COSINE)
    values = exact_similarities(rows, target, Metric.COSINE)
    assert values.tolist() == values.round(6).tolist()
    assert values == pytest.approx(similarities(vectors, query, Metric.COSINE), abs=1e-6)


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
def test_the_last_rows_may_have_no_vector(options):
    vectors = clustered(400)
    column = VectorColumn(SPACE, options)
    column.extend(np.arange(400), vectors, 500)
    recorded = np.concatenate([vectors, np.zeros((100, D), np.float32)])
    for some in (np.arange(0, 500, 3), np.arange(400, 500), np.arange(0, 400, 3)):
        best = search(column, recorded, vectors[7], 60, Candidates(0, 0, some))
        assert (best.rows.tolist(), best.values[0].tolist()) == expected(recorded, vectors[7], 60, some)


def test_the_bound_of_the_compressed_is_never_broken():
    vectors = comparable(clustered(3000), Metric.COSINE)
    column = column_of(vectors, ALWAYS)
    for seed in range(20):
        query = comparable(np.random.default_rng(seed).normal(size=(1, D)).astype(np.float32), Metric.COSINE)[
            0
        ]
        values, errors = column.compressed.estimates(query, 0, 3000)
        exact = vectors.astype(np.float64) @ query.astype(np.float64)
        assert (np.abs(values - exact) <= errors).all()
        assert np.median(errors) < 0.02


def test_equal_vectors_are_read_from_the_log_once():
    vectors = np.repeat(clustered(3), 500, axis=0)
    column = column_of(vectors, ALWAYS)
    n_read: list[int] = []

    def read(rows):
        n_read.append(len(rows))
        return vectors[rows]

    leg = SimilarVectors(column, vectors[0], 1.0, read)
    best = best_of([leg], Candidates(0, 1500), 10)
    assert best.rows.tolist() == expected(vectors, vectors[0], 10)[0]
    assert sum(n_read) <= 6


def test_vectors_that_change_their_nature_ask_for_new_codes():
    rng = np.random.default_rng(0)
    column = column_of((rng.normal(size=(1000, D)) * 0.01 + 1).astype(np.float32), ALWAYS)
    assert not column.needs_requantizing
    more = rng.normal(size=(4096, D)).astype(np.float32)
    column.extend(np.arange(1000, 5096), more, 5096)
    assert column.needs_requantizing
    column.accept_current_loss()
    assert not column.needs_requantizing


def test_it_is_compressed_above_the_limit_of_the_options_and_answers_the_same():
    options = IndexOptions(exact_rows=100)  # of 384 numbers, so 1,600 of 24
    vectors = clustered(2000)
    column = column_of(vectors[:1600], options)
    assert column.report()["kept"] == "exact"
    column.extend(np.arange(1600, 2000), vectors[1600:], 2000)
    assert column.report()["kept"] == "compressed"
    assert search(column, vectors, vectors[7], 30).rows.tolist() == expected(vectors, vectors[7], 30)[0]


def test_distances_are_never_compressed():
    column = column_of(clustered(1000), ALWAYS, EUCLIDEAN)
    assert column.report()["kept"] == "exact"


@pytest.mark.parametrize("n", [1, 50, 3000])
def test_distance_is_as_brute_force_has_it(n, monkeypatch):
    monkeypatch.setattr(growing, "BLOCK_BYTES", 4 * D * 100)
    vectors = clustered(n)
    query = clustered(1, seed=5)[0]
    best = search(column_of(vectors, NEVER, EUCLIDEAN), vectors, query, 9)
    assert (best.rows.tolist(), best.values[0].tolist()) == expected(
        vectors, query, 9, metric=Metric.EUCLIDEAN
    )


def test_an_extreme_vector_does_not_overflow():
    vectors = np.full((2, D), 3e38, np.float32)
    vectors[1, 0] = -3e38
    column = column_of(vectors)
    best = search(column, vectors, vectors[0], 1)
    assert best.rows.tolist() == [0]
    assert best.values[0] == pytest.approx([1.0])


def test_exact_vectors_take_little_more_than_their_numbers():
    n, d = 30_000, 64
    space = Space(name="s", version="1", dimension=d)
    column = column_of(clustered(n, d=d), NEVER, space, at_once=1000)
    assert column.nbytes <= 1.15 * 4 * n * d + 200 * n


def test_compressed_vectors_take_a_byte_a_number():
    n, d = 30_000, 64
    space = Space(name="s", version="1", dimension=d)
    column = column_of(clustered(n, d=d), ALWAYS, space, at_once=1000)
    buffers = 5 * 1024 * d
    assert column.nbytes <= 1.15 * n * d + 16 * n + buffers + growing.BLOCK_BYTES // 4


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
def test_it_comes_back_from_its_arrays(options):
    vectors = clustered(1300)
    rows = np.arange(0, 2600, 2)
    column = VectorColumn(SPACE, options)
    column.extend(rows, vectors, 2600)
    again = VectorColumn.from_arrays(column.to_arrays(), SPACE, options)
    recorded = np.zeros((2700, D), np.float32)
    recorded[rows] = vectors
    recorded[2600] = vectors[0]
    for each in (column, again):
        each.extend(np.array([2600]), vectors[:1], 2601)
    found = [search(each, recorded, vectors[0], 50) for each in (column, again)]
    assert found[0].rows.tolist() == found[1].rows.tolist()
    assert found[0].values[0].tolist() == found[1].values[0].tolist()
    assert found[0].rows[:2].tolist() == [2600, 0]


def test_codes_of_a_coarse_look_that_older_snapshots_hold_are_left_out():
    vectors = clustered(600)
    arrays = {
        **column_of(vectors, ALWAYS).to_arrays(),
        "coarse.index": np.zeros(9, np.uint8),
        "coarse.calibration": np.zeros(4),
    }
    column = VectorColumn.from_arrays(arrays, SPACE, ALWAYS)
    assert search(column, vectors, vectors[3], 9).rows.tolist() == expected(vectors, vectors[3], 9)[0]
    assert not [name for name in column.to_arrays() if name.startswith("coarse.")]


@pytest.mark.parametrize("options", [NEVER, ALWAYS], ids=["exact", "compressed"])
def test_the_users_number_of_threads_is_left_as_it_was(options, monkeypatch):
    import faiss

    monkeypatch.setattr(vector_column, "SMALL", 0)
    vectors = clustered(600)
    column = column_of(vectors, options)
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        search(column, vectors, vectors[0], 3, Candidates(0, 0, np.arange(0, 600, 2)))
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


THREADS_OF_A_SEARCH = """
import os
import numpy as np
from embodied_mem.index.legs import SimilarVectors
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.index.exact_ranking import best_of
from embodied_mem.index.many import best_of_many
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vector_column import VectorColumn
from embodied_mem.records.spaces import Space

vectors = np.random.default_rng(0).normal(size=(20_000, 256)).astype(np.float32)
column = VectorColumn(Space(name="s", version="1", dimension=256), IndexOptions(compression="{compression}"))
column.extend(np.arange(20_000), vectors, 20_000)
import faiss  # which starts none by itself
before = len(os.listdir("/proc/self/task"))
for some in (Candidates(0, 20_000), Candidates(0, 0, np.arange(0, 20_000, 3))):
    leg = SimilarVectors(column, vectors[0], 1.0, lambda rows: vectors[rows])
    best_of([leg], some, 10)
    best_of_many(leg, [], Candidates(0, 0, some.row_numbers()[:8_001]), vectors[:200], 10)
    best_of_many(leg, [], Candidates(0, 1), vectors[:200], 10)
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("compression", ["never", "always"])
def test_a_search_starts_no_thread(compression):
    """A process that has threads of OpenMP or BLAS cannot fork safely."""
    program = THREADS_OF_A_SEARCH.format(compression=compression)
    environment = {**os.environ, "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
