"""`ItemReader`: answers the operations that only read."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any

from langgraph.store.base import GetOp, Item, ListNamespacesOp, Op, PutOp, Result, SearchItem, SearchOp

from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langgraph.item_filters import check_filter, narrowed, passes
from embodied_mem.integrations.langgraph.item_records import item_fields, within
from embodied_mem.integrations.langgraph.items import Items
from embodied_mem.integrations.langgraph.namespaces import listed
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records.experience import Recalled
from embodied_mem.records.filters import EVERYTHING, Equals, In, Not, Where, all_of
from embodied_mem.records.log import Search
from embodied_mem.records.queries import MAX_K

PAGE = 256  # values read at once while a filter is applied
EVERY_HIT = None  # as `Search.k`
NO_TEXT = Equals("state", "")  # put with index=False, or without text at the paths


class ItemReader:
    """Reads the current versions of items.

    Args:
        memory: The memory over the log that holds them.
    """

    def __init__(self, memory: ExperienceMemory) -> None:
        self._memory = memory
        self._backend = memory.backend

    def answer(self, op: Op, items: Items) -> Result:
        """Return the result of one operation; None for a put.

        Raises:
            InvalidQuery: A filter or a condition is invalid, or this is no operation.
            UnknownName: A filter has an unknown operator.
        """
        match op:
            case GetOp():
                sequence = items.sequence_of((tuple(op.namespace), op.key))
                found = [] if sequence is None else self.documents([sequence])
                return Item(**_fields(found[0])) if found else None
            case SearchOp():
                check_filter(op.filter)
                return self._ranked(op, items) if op.query else self._in_order(op, items)
            case ListNamespacesOp():
                return listed(items.current, op)
            case PutOp():
                return None
        raise InvalidQuery(f"{op!r} is no operation; expected GetOp, PutOp, SearchOp or ListNamespacesOp")

    def documents(self, sequences: Sequence[int]) -> list[Any]:
        """Return the stored JSON of these versions."""
        return [each.entry.payload for each in self._backend.get(sequences) if each is not None]

    def _in_order(self, op: SearchOp, items: Items) -> list[SearchItem]:
        """Return what passes the filter, in the order in which the items were first put."""
        passing = self._passing(op, items)
        last = op.offset + op.limit
        if min(op.offset, op.limit) >= 0:  # reads no more than the page needs
            return [_found(document) for document in islice(passing, op.offset, last)]
        return [_found(document) for document in list(passing)[op.offset : last]]

    def _ranked(self, op: SearchOp, items: Items) -> list[SearchItem]:
        """Return the best matches, then items without a text to compare, as the in-memory store does."""
        where = within(op.namespace_prefix)
        if op.filter:
            where = all_of(where, In("id", tuple(each["id"] for each in self._passing(op, items))))
        last = op.offset + op.limit
        hits = self._memory.recall(
            text=op.query or "", where=all_of(where, Not(NO_TEXT)), k=min(max(0, last), MAX_K)
        )
        page = [_hit(hit) for hit in hits if items.is_current(hit.experience.id)][op.offset : last]
        if len(page) < op.limit:
            others = self._sequences(all_of(where, NO_TEXT), items)[: op.limit - len(page)]
            page += map(_found, self.documents(others))
        return page

    def _passing(self, op: SearchOp, items: Items) -> Iterator[Any]:
        """Iterate over the stored JSON of the items that pass the filter, in order."""
        prefix, wanted = tuple(op.namespace_prefix), op.filter or {}
        where = narrowed(wanted)
        sequences: Iterable[int] = items.within(prefix)
        if where != EVERYTHING:
            sequences = self._sequences(all_of(within(prefix), where), items)
        for page in _pages(sequences):
            yield from (each for each in self.documents(page) if passes(each["facts"], wanted))

    def _sequences(self, where: Where, items: Items) -> list[int]:
        """Return the current versions that pass a filter, in the order of the items."""
        found = set(self._backend.search(Search(where=where, k=EVERY_HIT)).sequences)
        return [sequence for sequence in items.within(()) if sequence in found] if found else []


def _pages(sequences: Iterable[int]) -> Iterator[list[int]]:
    each = iter(sequences)
    while page := list(islice(each, PAGE)):
        yield page


def _fields(document: Any) -> dict[str, Any]:
    return item_fields(document["facts"], document["metadata"], document["happened_at_s"])


def _found(document: Any) -> SearchItem:
    return SearchItem(**_fields(document))


def _hit(hit: Recalled) -> SearchItem:
    kept = hit.experience
    value = deepcopy(dict(kept.facts))  # the memory keeps recalled experiences, and callers change values
    return SearchItem(**item_fields(value, kept.metadata, kept.happened_at_s), score=hit.score)
