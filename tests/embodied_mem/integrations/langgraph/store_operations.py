"""Random operations on a store of LangGraph, drawn by hypothesis: few keys, so that they meet."""

from hypothesis import strategies as st
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

LABELS = st.sampled_from(["a", "ab", "a b", "ü", "*", "0", "namespace"])  # one begins another
NAMESPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "k1", "", "x.y", "schlüssel"])
NAMES = st.sampled_from(["n", "text", "a.b", "*", 'quote"', "", "inner"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, -2.25, 1e300]),
    st.sampled_from(["", "red", "red cup", "1", "böse", "\x00"]),
)
VALUES = st.dictionaries(
    NAMES,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)
WANTED = st.recursive(
    SCALARS | st.builds(lambda name, value: {name: value}, st.sampled_from(["$eq", "$ne"]), SCALARS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=3,
)
FILTERS = st.none() | st.dictionaries(NAMES, WANTED, max_size=2)
PAGES = {"limit": st.sampled_from([0, 1, 2, 10]), "offset": st.sampled_from([0, 0, 1, 3])}
CONDITIONS = st.builds(
    MatchCondition,
    match_type=st.sampled_from(["prefix", "suffix"]),
    path=st.lists(LABELS, max_size=2).map(tuple),
)

NONE = st.none()
PREFIXES = st.lists(LABELS, max_size=2).map(tuple)

puts = st.builds(PutOp, NAMESPACES, KEYS, VALUES, index=NONE, ttl=NONE)
deletes = st.builds(PutOp, NAMESPACES, KEYS, NONE, index=NONE, ttl=NONE)
gets = st.builds(GetOp, NAMESPACES, KEYS)
searches = st.builds(SearchOp, PREFIXES, filter=FILTERS, query=NONE, **PAGES)
lists = st.builds(
    ListNamespacesOp,
    match_conditions=st.none() | st.lists(CONDITIONS, max_size=2).map(tuple),
    max_depth=st.sampled_from([None, 1, 2]),
    **PAGES,
)
batches = st.lists(st.lists(puts | puts | deletes | gets | searches | lists, max_size=6), max_size=6)
