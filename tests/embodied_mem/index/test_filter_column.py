"""Filters by column against `filters.matches`, which is the definition."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.index.filter_column import FilterColumn
from embodied_mem.records.filters import Between, Equals, In, Near, lookup, matches
from tests.embodied_mem.random_where import comparisons

BIG = 2**53

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(
        [BIG - 1, BIG, BIG + 1, BIG + 2, -BIG - 1, 2**63 - 1, -(2**63), 0.5, 1.0, -0.0, 1e300, 2.0**53]
    ),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
)
texts = st.sampled_from(["", "a", "b", "1", "true", "null", "ä"])
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
coordinates = st.one_of(st.integers(0, 3), st.sampled_from([0.5, 1e308, -1e308, 1e-200, 2**62 + 1, True]))
values = st.one_of(scalars, st.lists(coordinates, max_size=4), st.just({"x": 1}))
documents = st.lists(
    st.one_of(st.just({}), values.map(lambda value: {"metadata": {"n": value}})), max_size=12
)
bounds = st.one_of(st.none(), numbers, st.sampled_from([10**400, -(10**400), float("inf"), float("-inf")]))
PATH = "metadata.n"
leaves = comparisons(
    st.just(PATH),
    scalars,
    bounds,
    st.lists(st.sampled_from([0, 1, 2.5, 1e308, 1e-200]), min_size=2, max_size=3),
    st.sampled_from([0, 1, 1.5, 1e-200, 1e-300, 1e308]),
)


def cells(document, *, is_text_column=False, is_number_column=False):
    """As the log gives them: the plain value where a filter column has one, or else JSON."""
    is_there, value = lookup(document, PATH)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if (is_text_column and isinstance(value, str)) or (is_number_column and is_number):
        return value, None
    return None, json.dumps(value) if is_there else None


@pytest.mark.parametrize("options", [{}, {"is_text_column": True}, {"is_number_column": True}])
@given(given_documents=documents, more=documents, leaf=leaves)
def test_a_column_keeps_what_the_reference_keeps(options, given_documents, more, leaf):
    column = FilterColumn(PATH)
    for batch in (given_documents, more):
        plain = [cells(document, **options) for document in batch]
        column.extend([cell[0] for cell in plain], [cell[1] for cell in plain])
    everything = [*given_documents, *more]
    expected = [matches(leaf, document) for document in everything]
    assert column.mask(leaf).tolist() == expected
    start = len(given_documents)
    assert column.mask(leaf, start).tolist() == expected[start:]


@pytest.mark.parametrize("number", [BIG, float(BIG)])
def test_a_number_is_not_taken_for_one_that_float64_rounds_to_it(number):
    column = FilterColumn(PATH)
    column.extend([number], [None])
    for leaf in (Equals(PATH, BIG + 1), In(PATH, (BIG + 1,)), Between(PATH, BIG + 1)):
        assert column.mask(leaf).tolist() == [False]
    for leaf in (Equals(PATH, BIG), In(PATH, (BIG,)), Between(PATH, BIG), Between(PATH, None, BIG + 1)):
        assert column.mask(leaf).tolist() == [True]


def test_a_text_takes_four_bytes_a_row_and_a_number_twelve():
    texts, numbers = FilterColumn("task.kind"), FilterColumn("happened_at_s")
    n = 80_000
    texts.extend([f"kind {i % 50}" for i in range(n)], [None] * n)
    numbers.extend([float(i) for i in range(n)], [None] * n)
    assert texts.nbytes <= 4 * n * 1.2
    assert numbers.nbytes <= 12 * n * 1.2
    assert np.count_nonzero(numbers.mask(Between("happened_at_s", 10, 20))) == 10


def test_a_place_takes_28_bytes_a_row_and_the_border_counts_as_near():
    column = FilterColumn("position_m")
    n = 40_000
    column.extend([None] * n, [json.dumps([i * 0.1, 0.0, 0.3]) for i in range(n)])
    assert column.nbytes <= 28 * n * 1.2
    center, radius_m = (100.0, 0.0, 0.3), 0.1 * 7
    expected = [
        matches(Near("position_m", center, radius_m), {"position_m": [i * 0.1, 0.0, 0.3]}) for i in range(n)
    ]
    assert column.mask(Near("position_m", center, radius_m)).tolist() == expected
