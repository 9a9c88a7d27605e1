"""The memory view of one episode: read-only, logged, budgeted, fixed in time, with a leakage guard."""

import dataclasses

from embodied_mem.contracts import HasHorizon, Memory
from embodied_mem.errors import InvalidQuery
from embodied_mem.records.episodes import RecallRecord
from embodied_mem.records.experience import Recalled
from embodied_mem.records.filters import Equals, Not, all_of
from embodied_mem.records.queries import Query
from embodied_mem.records.recollection import Recollection


class EpisodeRecall:
    """The recall function of one episode; call it with a `Query`.

    Args:
        memory: The memory; None: every recall is empty.
        limit: Maximum number of queries; further ones return nothing.
        hidden_instance: Task instance whose experiences are hidden; empty hides none.
    """

    def __init__(self, memory: Memory | None, *, limit: int, hidden_instance: str) -> None:
        self._memory = memory
        self._limit = limit
        self._hidden_instance = hidden_instance
        self._horizon = memory.horizon() if isinstance(memory, HasHorizon) else None
        self._count = 0
        self._records: list[RecallRecord] = []

    @property
    def left(self) -> int:
        """Number of queries left."""
        return self._limit - self._count

    def __call__(self, query: Query) -> Recollection:
        """Recall and log the hits; experiences of the hidden instance are logged but not returned."""
        if not isinstance(query, Query):
            raise InvalidQuery(f"recall got {type(query).__name__}; expected a Query")
        if self._memory is None or not self.left:
            return Recollection()
        self._count += 1
        found = self._memory.recall(self._bounded(query))
        leaks = [self._is_leak(hit) for hit in found]
        self._records += [_record(hit, leak) for hit, leak in zip(found, leaks, strict=True)]
        kept = [hit for hit, leak in zip(found, leaks, strict=True) if not leak]
        return found.replaced(kept) if isinstance(found, Recollection) else Recollection(kept)

    def take_records(self) -> tuple[RecallRecord, ...]:
        """Return the records of all hits since the last call, and clear them."""
        records, self._records = tuple(self._records), []
        return records

    def _is_leak(self, hit: Recalled) -> bool:
        return bool(self._hidden_instance) and hit.experience.task.instance == self._hidden_instance

    def _bounded(self, query: Query) -> Query:
        # The episode sees the log as of its start, and in an experiment never its own task instance.
        ends = [end for end in (query.as_of, self._horizon) if end is not None]
        where = query.where
        if self._hidden_instance:
            where = all_of(where, Not(Equals("task.instance", self._hidden_instance)))
        return dataclasses.replace(query, where=where, as_of=min(ends) if ends else None)


def _record(hit: Recalled, is_leak: bool) -> RecallRecord:
    return RecallRecord(
        experience_id=hit.experience.id,
        score=hit.score,
        parts=dict(hit.parts),
        reason=hit.reason,
        plan="; ".join(map(str, hit.experience.plan)),
        obstacle=str(hit.experience.metadata.get("obstacle", "")),
        is_leak=is_leak,
    )
