"""Strategies for filters; each test brings the values that matter to it."""

from typing import Any

from hypothesis import strategies as st

from embodied_mem.records.filters import And, Between, Equals, In, Near, Not, Or, Where


def comparisons(
    paths: st.SearchStrategy[str],
    values: st.SearchStrategy[Any],
    bounds: st.SearchStrategy[Any],
    centers: st.SearchStrategy[Any],
    radii: st.SearchStrategy[Any],
    *,
    places: st.SearchStrategy[str] | None = None,
) -> st.SearchStrategy[Where]:
    """One comparison; `places` are the paths of `Near`, the others if not given."""
    return (
        st.builds(Equals, paths, values)
        | st.builds(In, paths, st.lists(values, max_size=4).map(tuple))
        | st.builds(Between, paths, bounds, bounds)
        | st.builds(Near, paths if places is None else places, centers.map(tuple), radii)
    )


def combinations(leaves: st.SearchStrategy[Where]) -> st.SearchStrategy[Where]:
    """Trees of `And`, `Or` and `Not` over these leaves."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(And, st.lists(inner, max_size=3).map(tuple))
            | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        ),
        max_leaves=6,
    )
