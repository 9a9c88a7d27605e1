"""What the index decides beforehand may let too much pass, and never too little."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from store_operations import NAMES, SCALARS, VALUES, WANTED

from embodied_mem.integrations.langgraph.item_filters import narrowed, passes
from embodied_mem.records import Experience
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.filters import EVERYTHING, matches

NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, -2.25, 1e300, 2**53 + 1, 2**60, "2", True])
ORDERS = st.dictionaries(
    st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]), NUMBERS, min_size=1, max_size=2
)


@given(value=VALUES, wanted=st.dictionaries(NAMES, WANTED | ORDERS, max_size=2), more=SCALARS | NUMBERS)
@settings(max_examples=600)
@example(value={}, wanted={"n": {"$gte": 2**60}}, more=2**60 - 1)
@example(value={}, wanted={"n": True}, more=1)
@example(value={}, wanted={"n": 1}, more=True)
@example(value={}, wanted={"n": {"$lte": 0.5}}, more=0.5)
@example(value={}, wanted={"n": {"$gt": 1}}, more="2")
def test_what_passes_a_filter_passes_what_it_is_narrowed_to(value, wanted, more):
    value = {**value, "n": more}
    document = experience_to_document(Experience(task="", facts=value))
    if passes(document["facts"], wanted):
        assert matches(narrowed(wanted), document)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ({"n": {"$gte": 2}}, 1),
        ({"n": {"$lt": 2}}, 3),
        ({"n": 3}, 2),
        ({"n": {"a": "x"}}, "x"),
        ({"n": True}, 2),
    ],
)
def test_a_filter_that_the_index_can_decide_reads_no_other_value(wanted, other):
    document = experience_to_document(Experience(task="", facts={"n": other}))
    assert narrowed(wanted) != EVERYTHING
    assert not matches(narrowed(wanted), document)
