"""Floors: the cost of the arithmetic alone, without records, disk or features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.workload import DIMENSION, TOP_K, BenchQuery, BenchRecord
from embodied_mem.optional import require
from embodied_mem.records.spaces import Vector, Vectors


class _Rows:
    """Agent and task of every row as numbers, and the mask of a query."""

    def __init__(self) -> None:
        self.agents = np.empty(0, dtype="U16")
        self.tasks = np.empty(0, dtype="U16")

    def extend(self, records: Sequence[BenchRecord]) -> None:
        self.agents = np.append(self.agents, [record.agent for record in records])
        self.tasks = np.append(self.tasks, [record.task for record in records])
        self._codes = {
            "agent": np.unique(self.agents, return_inverse=True),
            "task": np.unique(self.tasks, return_inverse=True),
        }

    def mask(self, query: BenchQuery, *, by_agent: bool, by_task: bool) -> npt.NDArray[np.bool_]:
        found = np.ones(len(self.agents), dtype=bool)
        for is_asked, name, value in (
            (by_agent, "agent", query.agent),
            (by_task, "task", query.task),
        ):
            if is_asked:
                values, codes = self._codes[name]
                found &= codes == np.searchsorted(values, value)
        return found


class NumpyFloor:
    """A matrix in RAM.

    Args:
        folder: Not used.
    """

    def __init__(self, folder: Path) -> None:
        self._matrix: Vectors = np.empty((0, DIMENSION), dtype=np.float32)
        self._rows = _Rows()

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Copy the vectors."""
        self._matrix = np.vstack([self._matrix, vectors])
        self._rows.extend(records)

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Append a row by copying the whole matrix; not reported."""
        self.load([record], vector[None])

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Gather the rows of the mask and multiply."""
        if not by_agent:
            scores, rows = self._matrix @ vector, None
        else:
            rows = np.flatnonzero(self._rows.mask(query, by_agent=by_agent, by_task=by_task))
            scores = self._matrix[rows] @ vector
        best = np.argpartition(-scores, min(TOP_K, len(scores)) - 1)[:TOP_K]
        best = best[np.argsort(-scores[best])]
        found: list[int] = (best if rows is None else rows[best]).tolist()
        return found

    def close(self) -> None:
        """Nothing to let go of."""


class FaissFloor:
    """A flat FAISS index in RAM.

    Args:
        folder: Not used.
    """

    def __init__(self, folder: Path) -> None:
        self._faiss = require("faiss", extra="bench")
        self._faiss.omp_set_num_threads(1)
        self._index = self._faiss.IndexFlatIP(DIMENSION)
        self._rows = _Rows()

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Add the vectors."""
        self._index.add(vectors)
        self._rows.extend(records)

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Add one vector, in RAM only; not reported."""
        self.load([record], vector[None])

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """One flat search, under a bitmap made from the mask where there is a filter."""
        if not by_agent:
            _, found = self._index.search(vector[None], TOP_K)
        else:
            mask = self._rows.mask(query, by_agent=by_agent, by_task=by_task)
            bits = np.packbits(mask, bitorder="little")
            selector = self._faiss.IDSelectorBitmap(bits)
            parameters = self._faiss.SearchParameters(sel=selector)
            _, found = self._index.search(vector[None], TOP_K, params=parameters)
        return [row for row in found[0].tolist() if row >= 0]

    def close(self) -> None:
        """Nothing to let go of."""
