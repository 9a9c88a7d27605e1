"""`ExperienceStore`: a `MemoryStore` as a `BaseStore` of LangGraph."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from langgraph.store.base import BaseStore, Op, PutOp, Result

from embodied_mem.contracts import Embedder
from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langgraph.item_reader import ItemReader
from embodied_mem.integrations.langgraph.item_records import WHOLE
from embodied_mem.integrations.langgraph.item_writer import ItemWriter, OnDelete, checked
from embodied_mem.integrations.langgraph.items import ItemsOfLog
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.records.argument_checks import check_type
from embodied_mem.store.memory_store import MemoryStore

DEFAULT_WEIGHTS = RankingWeights()


class ExperienceStore(BaseStore):
    """Keeps the values of a LangGraph agent in a `MemoryStore`, beside its experiences.

    Each `put` is a new experience of kind `item`, and the version before is archived, so the history of an
    item is kept. Values are JSON and come back equal. All operations of a batch are answered from the state
    before the batch; then the last put of each key is written, all in one transaction. Threads may share it,
    and several processes may open the same folder.

    Args:
        store: The opened store; the caller closes it.
        embedder: Embeds the texts of items and queries; None compares words only.
        weights: Weights of words, vectors and trust in the score of a search.
        fields: Paths of the values that a search compares, unless `put` names others; `$` is the whole value.
        on_delete: `forget` archives a deleted item, which `MemoryStore.restore` undoes; `purge` removes all
            its versions and every byte of their texts.
        clock: Returns seconds since the Unix epoch.

    Raises:
        InvalidQuery: An argument has the wrong type or value.
    """

    supports_ttl = False

    def __init__(
        self,
        store: MemoryStore,
        *,
        embedder: Embedder[str] | None = None,
        weights: RankingWeights = DEFAULT_WEIGHTS,
        fields: Sequence[str] = (WHOLE,),
        on_delete: OnDelete = "forget",
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_type(
            "store", store, MemoryStore, "an open MemoryStore, as from MemoryStore.open('memories/lab')"
        )
        if isinstance(fields, str) or not all(isinstance(path, str) for path in fields):
            raise InvalidQuery(f"fields is {fields!r}; expected a list of paths, such as ['text']")
        if on_delete not in get_args(OnDelete):
            raise InvalidQuery(f"on_delete is {on_delete!r}; expected 'forget' or 'purge'")
        memory = store.memory(embedder=embedder, weights=weights, clock=clock)
        self._backend = store.backend
        self._log = ItemsOfLog(store.backend)
        self._reader = ItemReader(memory)
        self._writer = ItemWriter(store, memory, fields=fields, on_delete=on_delete, clock=clock)
        self._lock = threading.RLock()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations; the result of each is at its place, None for a put.

        Raises:
            InvalidEmbedding: The embedder gave anything but one row of finite numbers a text.
            InvalidQuery: A filter, a condition or an operation is invalid; nothing was written.
            InvalidRecord: JSON cannot hold a value; nothing was written.
            NotImplementedError: A put gives a time to live; nothing was written.
            StoreError: The store cannot be written.
            UnknownName: A filter has an unknown operator; nothing was written.
        """
        given = list(ops)
        puts = {(tuple(op.namespace), op.key): checked(op) for op in given if isinstance(op, PutOp)}
        texts = self._writer.texts(puts)  # asks a model, maybe: not under the lock
        with self._lock:
            with self._backend.reading():  # other processes may write meanwhile
                items = self._log.read()
                results = [self._reader.answer(op, items) for op in given]
            if puts:
                self._writer.write(puts, texts, items)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what `batch` does, in a thread."""
        return await asyncio.to_thread(self.batch, list(ops))
