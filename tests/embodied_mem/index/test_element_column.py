"""Filters on any element against `filters.matches`, which is the definition."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.index.element_column import ElementColumn
from embodied_mem.records.filters import Equals, lookup, matches
from tests.embodied_mem.random_where import comparisons

PATHS = ("metadata.n.*", "metadata.n.*.x", "metadata.n.*.*")
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 2**53, 2**53 + 1, 1e300]),
    st.sampled_from(["", "a", "1", "true", "ä"]),
)
places = st.lists(st.integers(0, 2), min_size=2, max_size=3)
inner = st.one_of(scalars, places, st.dictionaries(st.sampled_from(["x", "y"]), scalars | places, max_size=2))
values = st.one_of(
    scalars, st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
)
documents = st.lists(
    st.one_of(st.just({}), values.map(lambda value: {"metadata": {"n": value}})), max_size=10
)
bounds = st.one_of(st.none(), st.integers(-2, 2), st.sampled_from([0.5, float("inf"), 10**30]))


leaves = comparisons(st.sampled_from(PATHS), scalars, bounds, places, st.just(1))


def extend(column, batch):
    found = [lookup(document, "metadata.n") for document in batch]
    column.extend([None] * len(batch), [json.dumps(value) if is_there else None for is_there, value in found])


@given(first=documents, more=documents, leaf=leaves)
def test_a_column_keeps_what_the_reference_keeps(first, more, leaf):
    column = ElementColumn(leaf.path)
    assert column.path == "metadata.n"
    for batch in (first, more):
        extend(column, batch)
    expected = [matches(leaf, document) for document in [*first, *more]]
    assert len(column) == len(expected)
    assert column.mask(leaf).tolist() == expected
    assert column.mask(leaf, len(first)).tolist() == expected[len(first) :]


@pytest.mark.parametrize("n", [0, 5])
def test_rows_without_elements_pass_nothing(n):
    column = ElementColumn("facts.objects.*.state")
    column.extend([None] * n, [None] * n)
    assert column.mask(Equals("facts.objects.*.state", "open")).tolist() == [False] * n


def test_an_element_takes_twelve_bytes():
    column = ElementColumn("facts.objects.*.state")
    text = json.dumps({f"apple_{n}": {"state": ("raw", "sliced")[n % 2]} for n in range(10)})
    column.extend([None] * 8_000, [text] * 8_000)
    assert column.nbytes <= 12 * 2 * 8_000 * 1.2  # two distinct states a row
    assert np.all(column.mask(Equals("facts.objects.*.state", "sliced")))
