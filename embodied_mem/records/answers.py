"""Which fields of a query a memory answers, and the refusal of the others by name."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from embodied_mem.errors import UnanswerableQuery
from embodied_mem.records.queries import Query

EVERY_FIELD = frozenset(each.name for each in fields(Query))

_DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Query)}
_NO_MINIMUM = (0.0, -float("inf"))


def answers_of(memory: object) -> frozenset[str]:
    """Return the fields of `Query` that a memory declares as `answers`; every field if it declares none."""
    return frozenset(getattr(memory, "answers", EVERY_FIELD))


def refuse_unanswerable(query: Query, *, answers: Collection[str], memory: str = "this memory") -> None:
    """Reject a query with a field that a memory cannot answer; call it first in `recall`.

    A field that is left at its default asks nothing, nor does a `min_score` of minus infinity. Every memory
    answers `k`.

    Args:
        query: The query.
        answers: Names of the fields of `Query` that the memory answers.
        memory: What the memory is called in the message.

    Raises:
        UnanswerableQuery: The query asks a field that is not among `answers`; the message names it.
    """
    for name in _asked(query):
        if name not in answers:
            known = ", ".join(field for field in _DEFAULTS if field in answers or field == "k")
            raise UnanswerableQuery(
                f"{memory} cannot answer the field {name!r} of a query. It answers {known}; leave {name!r} "
                "at its default, or ask a memory that answers it, as ExperienceMemory does."
            )


def _asked(query: Query) -> Iterator[str]:
    """Iterate over the fields that ask something, `k` left out."""
    for name, default in _DEFAULTS.items():
        value = getattr(query, name)
        is_asked = value not in _NO_MINIMUM if name == "min_score" else value != default
        if is_asked and name != "k":
            yield name
