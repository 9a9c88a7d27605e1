"""The workload written to a folder once, so that the process of every subject reads the same numbers."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from benchmarks.workload import (
    BenchQuery,
    BenchRecord,
    embed_all,
    exact_answers,
    make_queries,
    make_records,
)
from embodied_mem.records.spaces import Vectors


class Filter(StrEnum):
    """Which records a query may find."""

    NONE = "none"
    AGENT = "agent"  # a tenth
    AGENT_TASK = "agent_task"  # 0.2 %


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The inputs of a subject, prepared before any clock starts.

    Attributes:
        n: How many records are loaded; those after them are added one by one.
        records: All of them.
        vectors: (len(records), 384) float32.
        queries: The questions.
        query_vectors: (len(queries), 384) float32.
    """

    n: int
    records: list[BenchRecord]
    vectors: Vectors
    queries: list[BenchQuery]
    query_vectors: Vectors

    @classmethod
    def make(cls, n: int, n_added: int) -> Self:
        """Return the workload: n records to load and n to add."""
        records, queries = make_records(n + n_added), make_queries(n)
        vectors = embed_all([record.text for record in records])
        return cls(n, records, vectors, queries, embed_all([query.text for query in queries]))

    def save(self, folder: Path) -> None:
        """Write everything into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "vectors.npy", self.vectors)
        np.save(folder / "query_vectors.npy", self.query_vectors)
        parts = {
            "n": self.n,
            "records": list(map(astuple, self.records)),
            "queries": list(map(astuple, self.queries)),
        }
        (folder / "texts.json").write_text(json.dumps(parts), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the files that `save` wrote."""
        parts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        return cls(
            parts["n"],
            [BenchRecord(*record) for record in parts["records"]],
            np.load(folder / "vectors.npy"),
            [BenchQuery(*query) for query in parts["queries"]],
            np.load(folder / "query_vectors.npy"),
        )

    def answers(self, kind: Filter, n: int | None = None) -> list[frozenset[int]]:
        """The true nearest of each query under a filter, among the first n records; those loaded if None."""
        n = self.n if n is None else n
        return exact_answers(self.vectors[:n], self.query_vectors, self._candidates(kind, n))

    def _candidates(self, kind: Filter, n: int) -> Sequence[npt.NDArray[np.int64] | None]:
        if kind is Filter.NONE:
            return [None] * len(self.queries)
        agents = np.array([record.agent for record in self.records[:n]])
        tasks = np.array([record.task for record in self.records[:n]])
        masks = [agents == query.agent for query in self.queries]
        if kind is Filter.AGENT_TASK:
            masks = [mask & (tasks == query.task) for mask, query in zip(masks, self.queries, strict=True)]
        return [np.flatnonzero(mask) for mask in masks]
