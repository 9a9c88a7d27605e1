"""The best of many values: against a full sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.index.top import best_places

VALUES = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.25, 0.5, 1.0]), max_size=40)


@given(VALUES, st.integers(0, 45))
def test_the_best_are_those_of_a_full_sort_and_equal_ones_come_last_first(values, k):
    array = np.array(values, dtype=np.float64)
    everything = np.lexsort((-np.arange(len(array)), -array))
    expected = [place for place in everything.tolist() if array[place] > -np.inf][:k]
    assert best_places(array, k).tolist() == expected


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from([0, 1, 3]),
    st.sampled_from([0, 0.3, 0.999]),
)
def test_so_they_are_among_thousands_of_which_many_are_equal_or_hidden(seed, k, decimals, hidden):
    rng = np.random.default_rng(seed)
    array = rng.standard_normal(int(rng.integers(64, 30_000))).round(decimals)
    array[rng.random(len(array)) < hidden] = -np.inf
    everything = np.lexsort((-np.arange(len(array)), -array))
    expected = everything[: min(k, np.count_nonzero(array > -np.inf))]
    assert best_places(array, k).tolist() == expected.tolist()
