"""mem0 with its local FAISS vector store; no language model is asked (`infer=False`)."""

import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.ready_vectors import ReadyVectors
from benchmarks.workload import DIMENSION, TOP_K, BenchQuery, BenchRecord
from embodied_mem.optional import require
from embodied_mem.records.spaces import Vector, Vectors

LOADED_AT_ONCE = 5_000
MADE_AT = "2026-01-01T00:00:00+00:00"


class Mem0Faiss(ReadyVectors):
    """A mem0 `Memory` in a folder.

    Args:
        folder: Where index, documents and history lie.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._memory = require("mem0", extra="bench").Memory.from_config(_configuration(folder))
        self._memory.embedding_model = _LookUp(self)

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Insert into the vector store in batches, with the payloads that `add` would make."""
        for first in range(0, len(records), LOADED_AT_ONCE):
            batch = records[first : first + LOADED_AT_ONCE]
            self._memory.vector_store.insert(
                vectors=vectors[first : first + LOADED_AT_ONCE].tolist(),
                ids=[str(uuid.UUID(int=each.step)) for each in batch],
                payloads=list(map(_payload, batch)),
            )

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Add one text as it is."""
        self.ready_one(record.text, vector)
        metadata = {"task": record.task, "outcome": record.outcome, "step": record.step}
        self._memory.add(record.text, user_id="u", agent_id=record.agent, metadata=metadata, infer=False)

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Search with agent and task as filters."""
        self.ready_one(query.text, vector)
        filters = {"user_id": "u"}
        if by_agent:
            filters["agent_id"] = query.agent
        if by_task:
            filters["task"] = query.task
        found = self._memory.search(query.text, filters=filters, top_k=TOP_K, threshold=0.0)
        return [each["metadata"]["step"] for each in found["results"]]

    def close(self) -> None:
        """Close the history."""
        self._memory.close()


class _LookUp:
    """The shape of mem0's embedders."""

    def __init__(self, vectors: ReadyVectors) -> None:
        self._vectors = vectors

    def embed(self, text: str, memory_action: object = None) -> list[float]:
        return self._vectors.vector_of(text)

    def embed_batch(self, texts: Sequence[str], memory_action: object = None) -> list[list[float]]:
        return self._vectors.vectors_of(texts)


def _configuration(folder: Path) -> dict[str, Any]:
    unused = {"api_key": "none"}  # a client is made and never called
    vector_store = {
        "collection_name": "exp",
        "path": str(folder / "faiss"),
        "embedding_model_dims": DIMENSION,
        "distance_strategy": "cosine",
    }
    return {
        "vector_store": {"provider": "faiss", "config": vector_store},
        "embedder": {"provider": "openai", "config": {**unused, "embedding_dims": DIMENSION}},
        "llm": {"provider": "openai", "config": unused},
        "history_db_path": str(folder / "history.db"),
    }


def _payload(record: BenchRecord) -> dict[str, Any]:
    return {
        "task": record.task,
        "outcome": record.outcome,
        "step": record.step,
        "data": record.text,
        "user_id": "u",
        "agent_id": record.agent,
        "role": "user",
        "hash": f"{zlib.crc32(record.text.encode()):08x}",
        "created_at": MADE_AT,
        "updated_at": MADE_AT,
        "text_lemmatized": record.text,
    }
