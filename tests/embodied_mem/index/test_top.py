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
