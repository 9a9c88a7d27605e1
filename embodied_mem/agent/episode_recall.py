"""The memory view of one episode: read-only, logged, budgeted, fixed in time, with a leakage guard."""

import contextlib
import dataclasses
import inspect
from collections.abc import Awaitable, Iterator
from typing import cast

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.contracts import AsyncMemory, HasHorizon, Memory
from embodied_mem.errors import EpisodeError, InvalidQuery
from embodied_mem.records.episodes import RecallRecord
from embodied_mem.records.experience import Recalled
from embodied_mem.records.filters import Equals, Not, all_of
from embodied_mem.records.queries import Query
from embodied_mem.records.recollection import Recollection


class EpisodeRecall:
    """The recall function of one episode; call it with a `Query`, or await `awaited(query)`.

    Args:
        memory: The memory; None: every recall is empty.
        limit: Maximum number of queries; further ones return nothing and are counted in `n_refused`.
        hidden_instance: Task instance whose experiences are hidden; empty hides none.
    """

    def __init__(self, memory: Memory | AsyncMemory | None, *, limit: int, hidden_instance: str) -> None:
        self._memory = memory
        self._limit = limit
        self._hidden_instance = hidden_instance
        self._horizon = memory.horizon() if isinstance(memory, HasHorizon) else None
        self.n_answered = self.n_refused = 0
        self.error: Exception | None = None  # that memory raised, and not a wrong query
        self._records: list[RecallRecord] = []

    @property
    def left(self) -> int:
        """Number of queries left."""
        return self._limit - self.n_answered

    def __call__(self, query: Query) -> Recollection:
        """Recall and log the hits; experiences of the hidden instance are logged but not returned.

        Raises:
            EpisodeError: Memory is asynchronous and an event loop is running here; await `awaited`.
        """
        answer = self._ask(query)
        with self._noting_errors():
            found = as_recollection(run_awaitable(answer) if inspect.isawaitable(answer) else answer)
        return self._noted(found)

    async def awaited(self, query: Query) -> list[Recalled]:
        """Return what a call would return; other tasks go on while an asynchronous memory answers."""
        answer = self._ask(query)
        with self._noting_errors():
            found = as_recollection(await answer if inspect.isawaitable(answer) else answer)
        return self._noted(found)

    def take_records(self) -> tuple[RecallRecord, ...]:
        """Return the records of all hits since the last call, and clear them."""
        records, self._records = tuple(self._records), []
        return records

    def _ask(self, query: Query) -> "list[Recalled] | Awaitable[list[Recalled]]":
        if not isinstance(query, Query):
            raise InvalidQuery(f"recall got {type(query).__name__}; expected a Query")
        if self._memory is None:
            return Recollection()
        if self.left <= 0:
            self.n_refused += 1
            return Recollection()
        self.n_answered += 1
        with self._noting_errors():
            return cast("list[Recalled]", self._memory.recall(self._bounded(query)))

    @contextlib.contextmanager
    def _noting_errors(self) -> Iterator[None]:
        try:
            yield
        except InvalidQuery:
            raise  # the planner's fault
        except Exception as error:
            self.error = error
            raise

    def _noted(self, found: Recollection) -> Recollection:
        leaks = [self._is_leak(hit) for hit in found]
        self._records += [_record(hit, leak) for hit, leak in zip(found, leaks, strict=True)]
        kept = [hit for hit, leak in zip(found, leaks, strict=True) if not leak]
        return found.replaced(kept)

    def _is_leak(self, hit: Recalled) -> bool:
        return bool(self._hidden_instance) and hit.experience.task.instance == self._hidden_instance

    def _bounded(self, query: Query) -> Query:
        # The episode sees the log as of its start, and in an experiment never its own task instance.
        ends = [end for end in (query.as_of, self._horizon) if end is not None]
        where = query.where
        if self._hidden_instance:
            where = all_of(where, Not(Equals("task.instance", self._hidden_instance)))
        return dataclasses.replace(query, where=where, as_of=min(ends) if ends else None)


def as_recollection(found: object) -> Recollection:
    """Return what a memory recalled as a `Recollection`.

    Raises:
        EpisodeError: It is not a list of `Recalled`.
    """
    if not isinstance(found, list | tuple) or not all(isinstance(hit, Recalled) for hit in found):
        raise EpisodeError(f"memory recalled {found!r:.200}; expected a list of Recalled")
    return found if isinstance(found, Recollection) else Recollection(found)


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
