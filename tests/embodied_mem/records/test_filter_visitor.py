"""A visitor translates a filter as a whole, or refuses what it cannot by name."""

from collections.abc import Sequence

import pytest

from embodied_mem.errors import UnanswerableQuery
from embodied_mem.records.filter_visitor import FilterVisitor
from embodied_mem.records.filters import And, Between, Equals, In, Near, Not, Or, all_of


class ToText(FilterVisitor[str]):
    """The example of the module."""

    target = "text"

    def equals(self, leaf: Equals) -> str:
        return f"{leaf.path} is {leaf.value!r}"

    def all_of(self, parts: Sequence[str]) -> str:
        return " and ".join(parts)


class Operators(FilterVisitor[str]):
    """Names every operator, from the leaves upwards."""

    def equals(self, leaf):
        return "equals"

    def one_of(self, leaf):
        return "in"

    def between(self, leaf):
        return "between"

    def near(self, leaf):
        return "near"

    def all_of(self, parts):
        return f"all({', '.join(parts)})"

    def any_of(self, parts):
        return f"any({', '.join(parts)})"

    def negated(self, part):
        return f"not({part})"


def test_a_translator_needs_only_the_operators_that_its_target_has():
    where = all_of(Equals("kind", "repair"), Equals("metadata.floor", 2))
    assert ToText().visit(where) == "kind is 'repair' and metadata.floor is 2"


@pytest.mark.parametrize(
    ("where", "named"),
    [
        (In("kind", ("a",)), r"In\(path='kind'"),
        (Between("metadata.n", 1), r"Between\(path='metadata\.n'"),
        (Near("position_m", (1, 2), 3), r"Near\(path='position_m'"),
        (Or((Equals("kind", "a"),)), "Or"),
        (Not(Equals("kind", "a")), "Not"),
        (all_of(Equals("kind", "a"), Not(Equals("kind", "b"))), "Not"),
    ],
)
def test_an_operator_that_is_not_overridden_is_refused_by_name(where, named):
    with pytest.raises(UnanswerableQuery, match=f"{named}.* cannot be translated to text"):
        ToText().visit(where)


def test_every_operator_is_visited_once():
    where = And(
        (
            Or((Equals("kind", "a"), In("kind", ("b",)))),
            Not(Between("metadata.n", 1)),
            Near("position_m", (1, 2), 3),
        )
    )
    assert Operators().visit(where) == "all(any(equals, in), not(between), near)"


def test_and_is_refused_where_there_is_none():
    class Bare(FilterVisitor[str]):
        target = "a bare list"

        def equals(self, leaf):
            return leaf.path

    with pytest.raises(UnanswerableQuery, match="And cannot be translated to a bare list"):
        Bare().visit(And(()))
