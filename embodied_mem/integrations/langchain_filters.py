"""Filters as metadata filters of LangChain's vector stores: `{"$and": [{"kind": {"$eq": "repair"}}, ...]}`.

A path becomes a field name with `__` for the dots, as in `where(...)`, and `to_langchain_metadata` gives the
metadata under these names. Vector stores compare loosely, so each field should hold values of one type.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from embodied_mem.errors import UnanswerableQuery
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Experience
from embodied_mem.records.filter_visitor import FilterVisitor
from embodied_mem.records.filters import FIELDS, Between, Equals, In, Scalar, Where, check_where, split_path
from embodied_mem.records.json_values import JsonObject, JsonValue

Plain: TypeAlias = str | int | float | bool
Side: TypeAlias = JsonObject | bool | UnanswerableQuery  # a filter, what always or never passes, or why not

# Texts that every experience has, so that "is not" needs no word on records without the field.
_ALWAYS_THERE = frozenset(
    {"id", "kind", "state", "state_after", "outcome.status", "outcome.explanation"}
    | {f"{first}.{name}" for first in ("task", "scope") for name in FIELDS[first] or ()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterDialect:
    """The operators of a vector store beside `$and`, `$or`, `$eq`, `$in`, `$nin`, `$gte` and `$lt`.

    Attributes:
        not_equal: Its operator for "is not".
        negation: Its operator for "does not pass", which passes documents without the field; empty if it has
            none, and then `Not` is translated for fields that every experience has.
        must_exist: Whether a range on a document without the field is an error there, so that the field is
            compared with None first.
    """

    not_equal: str = "$ne"
    negation: str = ""
    must_exist: bool = False


PORTABLE = FilterDialect()  # Chroma, PGVector, Pinecone and others
FAISS = FilterDialect(not_equal="$neq", negation="$not", must_exist=True)  # of langchain_community


def to_langchain_filter(where: Where, *, dialect: FilterDialect = PORTABLE) -> JsonObject | None:
    """Translate a filter into the argument `filter` of a LangChain vector store.

    Args:
        where: The filter.
        dialect: Of the vector store.

    Returns:
        None for a filter that everything passes.

    Raises:
        UnanswerableQuery: The store has no form of a part of the filter (`Near`, a `*` in a path, None as a
            value), or nothing can pass it; the message names the part.
    """
    passing, _ = _ToLangChain(dialect).visit(check_where(where))
    if isinstance(passing, UnanswerableQuery):
        raise passing
    if passing is False:
        raise UnanswerableQuery("nothing passes this filter; do not search")
    return None if passing is True else passing


def to_langchain_metadata(experience: Experience) -> dict[str, Plain]:
    """Return the texts, numbers and bools of an experience by field name; lists and None are left out."""
    return dict(_flat(experience_to_document(experience), ()))


class _ToLangChain(FilterVisitor[tuple[Side, Side]]):
    """Each part as a pair: the filter, and its negation."""

    target = "a metadata filter of LangChain"

    def __init__(self, dialect: FilterDialect) -> None:
        self._dialect = dialect

    def equals(self, leaf: Equals) -> tuple[Side, Side]:
        name = self._field(leaf, [leaf.value])
        return self._sides(leaf, {name: {"$eq": leaf.value}}, {name: {self._dialect.not_equal: leaf.value}})

    def one_of(self, leaf: In) -> tuple[Side, Side]:
        if not leaf.values:
            return False, True
        name = self._field(leaf, leaf.values)
        if not all(isinstance(value, str) for value in leaf.values):  # PGVector compares `$in` as text
            return self.any_of([self.equals(Equals(leaf.path, value)) for value in leaf.values])
        values: list[JsonValue] = list(leaf.values)
        return self._sides(leaf, {name: {"$in": values}}, {name: {"$nin": values}})

    def between(self, leaf: Between) -> tuple[Side, Side]:
        name = self._field(leaf, [])
        low, high = leaf.low, leaf.high
        if low == math.inf or high == -math.inf:
            return False, True
        bounds: dict[str, JsonValue] = {} if low in (None, -math.inf) else {"$gte": low}
        bounds |= {} if high in (None, math.inf) else {"$lt": high}
        if not bounds:
            raise self.refusal(leaf, "it has no operator for a number of any size")
        if self._dialect.must_exist:
            return self._sides(leaf, {name: {self._dialect.not_equal: None, **bounds}})
        return self._sides(leaf, _joined("$and", [{name: {key: bound}} for key, bound in bounds.items()]))

    def all_of(self, parts: Sequence[tuple[Side, Side]]) -> tuple[Side, Side]:
        return _all_of([yes for yes, _ in parts]), _any_of([no for _, no in parts])

    def any_of(self, parts: Sequence[tuple[Side, Side]]) -> tuple[Side, Side]:
        return _any_of([yes for yes, _ in parts]), _all_of([no for _, no in parts])

    def negated(self, part: tuple[Side, Side]) -> tuple[Side, Side]:
        return part[1], part[0]

    def _sides(
        self, leaf: Equals | In | Between, passing: JsonObject, others: JsonObject | None = None
    ) -> tuple[Side, Side]:
        if self._dialect.negation:
            return passing, {self._dialect.negation: passing}
        if others is not None and leaf.path in _ALWAYS_THERE:
            return passing, others
        why = f"stores differ in whether a document without the field passes; {leaf.path!r} may be missing"
        return passing, self.refusal(f"Not({leaf})", why)

    def _field(self, leaf: Equals | In | Between, values: Sequence[Scalar]) -> str:
        name = "__".join(split_path(leaf.path))
        if not name.isidentifier():
            raise self.refusal(leaf, f"{leaf.path!r} gives no field name of letters, digits and _")
        if None in values:
            raise self.refusal(leaf, "vector stores keep no None")
        if math.inf in values or -math.inf in values:
            raise self.refusal(leaf, "vector stores keep no infinite number")
        return name


def _all_of(sides: Sequence[Side]) -> Side:
    if any(side is False for side in sides):
        return False
    kept = [side for side in sides if isinstance(side, dict)]
    return _first_error(sides) or (_joined("$and", kept) if kept else True)


def _any_of(sides: Sequence[Side]) -> Side:
    if any(side is True for side in sides):
        return True
    kept = [side for side in sides if isinstance(side, dict)]
    return _first_error(sides) or (_joined("$or", kept) if kept else False)


def _first_error(sides: Sequence[Side]) -> UnanswerableQuery | None:
    return next((side for side in sides if isinstance(side, UnanswerableQuery)), None)


def _joined(operator: str, filters: list[JsonObject]) -> JsonObject:
    """Return the filters joined; some stores reject an operator with one part."""
    return filters[0] if len(filters) == 1 else {operator: list(filters)}


def _flat(document: Mapping[str, JsonValue], above: tuple[str, ...]) -> Iterator[tuple[str, Plain]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*above, name))
        elif value is not None and not isinstance(value, list):
            yield "__".join((*above, name)), value
