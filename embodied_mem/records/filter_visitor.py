"""`FilterVisitor`: the base of every translation of a filter into another language.

Subclass it, override the operators that the target has, and call `visit`. An operator that is not overridden
is refused by name, so that a filter is never translated in part:

    class ToText(FilterVisitor[str]):
        target = "text"

        def equals(self, leaf: Equals) -> str:
            return f"{leaf.path} is {leaf.value!r}"

        def all_of(self, parts: Sequence[str]) -> str:
            return " and ".join(parts)

`embodied_mem.integrations` holds two: `sql_filters` and `langchain_filters`.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from embodied_mem.errors import UnanswerableQuery
from embodied_mem.records.filters import And, Between, Equals, In, Near, Not, Or, Where

T = TypeVar("T")


class FilterVisitor(Generic[T]):
    """Translates a filter from its leaves upwards, one method per operator.

    Attributes:
        target: Name of the language for messages.
    """

    target: ClassVar[str] = "this target"

    def visit(self, where: Where) -> T:
        """Return the translation of a filter.

        Raises:
            UnanswerableQuery: The target lacks an operator of the filter.
        """
        match where:
            case Equals():
                return self.equals(where)
            case In():
                return self.one_of(where)
            case Between():
                return self.between(where)
            case Near():
                return self.near(where)
            case And(parts):
                return self.all_of([self.visit(part) for part in parts])
            case Or(parts):
                return self.any_of([self.visit(part) for part in parts])
            case Not(part):
                return self.negated(self.visit(part))

    def equals(self, leaf: Equals) -> T:
        """Return the translation of an `Equals`."""
        raise self.refusal(leaf)

    def one_of(self, leaf: In) -> T:
        """Return the translation of an `In`; one without values matches nothing."""
        raise self.refusal(leaf)

    def between(self, leaf: Between) -> T:
        """Return the translation of a `Between`; a bound may be None or infinite."""
        raise self.refusal(leaf)

    def near(self, leaf: Near) -> T:
        """Return the translation of a `Near`."""
        raise self.refusal(leaf)

    def all_of(self, parts: Sequence[T]) -> T:
        """Return the conjunction of translated parts; no parts match everything."""
        raise self.refusal("And")

    def any_of(self, parts: Sequence[T]) -> T:
        """Return the disjunction of translated parts; no parts match nothing."""
        raise self.refusal("Or")

    def negated(self, part: T) -> T:
        """Return the negation of a translated part; it passes records that lack the part's path."""
        raise self.refusal("Not")

    def refusal(self, what: object, why: str = "it has no such operator") -> UnanswerableQuery:
        """Return the error for a part of a filter that the target cannot express."""
        return UnanswerableQuery(
            f"{what} cannot be translated to {self.target}: {why}. Leave it out of the filter, and apply it "
            "to what comes back with embodied_mem.records.filters.matches."
        )
