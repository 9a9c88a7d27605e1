"""`Snapshot`: a store as it was at one point of its log."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar, Unpack

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory, MemoryOptions
from embodied_mem.memory.modes import LimitedMemory
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.experience import Experience, Recalled
from embodied_mem.records.log import EntryKind
from embodied_mem.records.queries import Query, QueryFields, build_query
from embodied_mem.store.open_options import OpenOptions
from embodied_mem.store.transfer.entries import checked_sequence, visible_entries

Store = TypeVar("Store")


class Snapshot(Generic[Store]):
    """A read-only view of a store as it was just after an entry; nothing is copied.

    Experiences purged later are missing here, too.

    Args:
        backend: The log.
        sequence: The last visible sequence number, >= 0; None takes the newest.
        clock: Returns seconds since the Unix epoch, up to which ages are counted.
        branch: Copies the store, as `MemoryStore.branch` does.

    Raises:
        InvalidQuery: The sequence number has not been written yet.
    """

    def __init__(
        self,
        backend: SqliteBackend,
        sequence: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        branch: Callable[..., Store],
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._branch = branch
        self.sequence = checked_sequence(backend, sequence)

    def memory(self, **options: Unpack[MemoryOptions]) -> "FixedMemory":
        """The memory as it was, read-only; `options` are those of `MemoryStore.memory`."""
        options.setdefault("clock", self._clock)
        return FixedMemory(ExperienceMemory(self._backend, **options), self.sequence)

    def experiences(self) -> Iterator[Experience]:
        """Every experience that was not withdrawn then, in the order of writing."""
        for logged in visible_entries(self._backend, as_of=self.sequence):
            if logged.entry.kind == EntryKind.EXPERIENCE:
                yield experience_from_document(logged.entry.payload, logged.entry.vectors)

    def branch(self, path: str | Path, **options: Unpack[OpenOptions]) -> Store:
        """Copy the store as it was into a new folder; see `MemoryStore.branch`."""
        return self._branch(path, sequence=self.sequence, **options)


class FixedMemory(LimitedMemory):
    """A memory that rejects writes and sees the log up to a fixed sequence number.

    Args:
        inner: The memory to query.
        sequence: The last visible sequence number.
    """

    def __init__(self, inner: ExperienceMemory, sequence: int) -> None:
        super().__init__(inner, "frozen")
        self.sequence = sequence

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> list[Recalled]:
        """What the memory would have recalled then; an earlier `as_of` of the query is kept."""
        asked = build_query(query, fields)
        as_of = self.sequence if asked.as_of is None else min(asked.as_of, self.sequence)
        return self.inner.recall(dataclasses.replace(asked, as_of=as_of))

    def horizon(self) -> int:
        """The last visible sequence number."""
        return self.sequence
