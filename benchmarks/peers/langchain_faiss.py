"""LangChain's FAISS vector store, saved after every add, which is what durability needs there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.ready_vectors import ReadyVectors
from benchmarks.workload import DIMENSION, TOP_K, BenchQuery, BenchRecord
from embodied_mem.optional import require
from embodied_mem.records.spaces import Vector, Vectors


class LangChainFaiss(ReadyVectors):
    """A `FAISS` store in a folder; it has no scopes, so agent and task are its filter.

    Args:
        folder: Where `save_local` writes.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        store = require("langchain_community.vectorstores.faiss", extra="bench").FAISS
        embeddings = _embeddings(self)
        if (folder / "index.pkl").exists():  # the store's own format is a pickle, of the file just written
            self._store = store.load_local(str(folder), embeddings, allow_dangerous_deserialization=True)
        else:
            docstore = require("langchain_community.docstore.in_memory", extra="bench").InMemoryDocstore()
            index = require("faiss", extra="bench").IndexFlatIP(DIMENSION)
            self._store = store(embeddings, index, docstore, {})

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Add all texts, save once."""
        self.ready(records, vectors)
        self._put(records)
        self.forget_ready()

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Add a text, save everything."""
        self.ready_one(record.text, vector)
        self._put([record])

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Similarity search with the default `fetch_k`."""
        self.ready_one(query.text, vector)
        asked = {**({"agent": query.agent} if by_agent else {}), **({"task": query.task} if by_task else {})}
        found = self._store.similarity_search(query.text, k=TOP_K, filter=asked or None)
        return [document.metadata["step"] for document in found]

    def close(self) -> None:
        """Nothing to let go of."""

    def _put(self, records: Sequence[BenchRecord]) -> None:
        metadata = [
            {"agent": each.agent, "task": each.task, "outcome": each.outcome, "step": each.step}
            for each in records
        ]
        identifiers = [str(each.step) for each in records]
        self._store.add_texts([each.text for each in records], metadata, ids=identifiers)
        self._store.save_local(str(self._folder))


def _embeddings(vectors: ReadyVectors) -> Any:
    """An `Embeddings` that looks up; made here, because its base class is imported when it is used."""
    base = require("langchain_core.embeddings", extra="bench").Embeddings
    methods = {
        "embed_documents": lambda _, texts: vectors.vectors_of(texts),
        "embed_query": lambda _, text: vectors.vector_of(text),
    }
    return type("ReadyEmbeddings", (base,), methods)()
