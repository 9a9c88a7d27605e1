"""Stores filled for the default path: made once in a folder and used again by the next run.

Run by `fill_all`, and by hand: `python -m benchmarks.filled_store FOLDER N KIND`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from benchmarks.clustered import clustered_vectors
from benchmarks.measuring import ONE_THREAD
from benchmarks.own import LOADED_AT_ONCE, make_experience
from benchmarks.workload import (
    DIMENSION,
    N_QUERIES,
    BenchRecord,
    embed_all,
    exact_answers,
    make_queries,
    make_record,
)
from embodied_mem.errors import ExperimentError
from embodied_mem.records.spaces import Vectors
from embodied_mem.store import MemoryStore

CHUNK = 10_000  # records made ahead of those that are written
REPORTED_EVERY = 100_000
FILLED_AT_ONCE = 2  # processes; each takes one core, and three gigabytes for a million records
MODULE = "benchmarks.filled_store"
TRUTH_FILE = "truth-2.json"  # change the name when the exact answers change
QUERY_FILE = "query_vectors.npy"

Say = Callable[[str], None]


class Kind(StrEnum):
    """Which vectors the records carry."""

    BAG = "bag_of_words"  # the workload's own: the words of the text
    CLUSTERED = "clustered"  # vectors that have nothing to do with the text


@dataclass(frozen=True, slots=True, eq=False)
class FilledStore:
    """A store with its questions and their exact answers.

    Attributes:
        path: Of the store.
        query_vectors: (200, 384) float32.
        nearest: The ten nearest of each query among all records.
        nearest_of_agent: The same among the records of the query's agent.
    """

    path: Path
    query_vectors: Vectors
    nearest: list[frozenset[int]]
    nearest_of_agent: list[frozenset[int]]

    @classmethod
    def read(cls, folder: Path, n: int, kind: Kind) -> Self:
        """Return the store of n records that `fill_all` created in this folder."""
        home = _home(folder, n, kind)
        truth = json.loads((home / TRUTH_FILE).read_text(encoding="utf-8"))
        answers = [[frozenset(found) for found in truth[name]] for name in ("nearest", "nearest_of_agent")]
        return cls(home / "store", np.load(home / QUERY_FILE), *answers)


def fill_all(folder: Path, wanted: Sequence[tuple[int, Kind]], say: Say) -> None:
    """Fill the missing stores, the largest first, each in a separate process.

    Raises:
        ExperimentError: A store could not be filled; stderr has the reason.
    """
    missing = [(n, kind) for n, kind in wanted if not (_home(folder, n, kind) / TRUTH_FILE).exists()]
    with ThreadPoolExecutor(FILLED_AT_ONCE) as pool:
        for line in pool.map(partial(_fill_apart, folder), sorted(missing, reverse=True)):
            say(line)


def _fill_apart(folder: Path, wanted: tuple[int, Kind]) -> str:
    n, kind = wanted
    began = time.perf_counter()
    command = [sys.executable, "-m", MODULE, str(folder), str(n), kind.value]
    code = subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=False).returncode
    if code:
        raise ExperimentError(f"{n:,} {kind} records were not written, exit code {code}; see above for why")
    return f"  {n:,} {kind} records written in {time.perf_counter() - began:.0f} s"


def _home(folder: Path, n: int, kind: Kind) -> Path:
    return folder / f"{kind}-{n}"


def _fill(home: Path, n: int, kind: Kind, say: Say) -> None:
    """Write the records, then the answers, whose presence marks the store as complete."""
    home.mkdir(parents=True, exist_ok=True)
    queries = make_queries(n)
    if kind is Kind.BAG:
        vectors, query_vectors = (
            np.empty((n, DIMENSION), np.float32),
            embed_all([query.text for query in queries]),
        )
    else:
        vectors, query_vectors = clustered_vectors(n, N_QUERIES)
    agents = np.empty(n, dtype=np.int8)
    began = time.perf_counter()
    with MemoryStore.open(home / "store", commit_every=LOADED_AT_ONCE) as store:
        memory = store.memory()
        done = store.stats().n_experiences  # resume an interrupted run
        for first, records in _chunks(n):
            if kind is Kind.BAG:
                vectors[first : first + CHUNK] = embed_all([record.text for record in records])
            agents[first : first + CHUNK] = [int(record.agent[5:]) for record in records]
            for record in records[max(done - first, 0) :]:
                memory.record(make_experience(record, vectors[record.step]))
            if (first + CHUNK) % REPORTED_EVERY == 0 and first + CHUNK < n:
                say(f"  {first + CHUNK:,} of {n:,} {kind} records after {time.perf_counter() - began:.0f} s")
    rows_of_agent = [np.flatnonzero(agents == agent) for agent in range(10)]
    of_agent: Sequence[npt.NDArray[np.int64]] = [rows_of_agent[int(query.agent[5:])] for query in queries]
    np.save(home / QUERY_FILE, query_vectors)
    answers = partial(exact_answers, vectors, query_vectors)
    truth = {
        "nearest": [sorted(found) for found in answers([None] * len(queries))],
        "nearest_of_agent": [sorted(found) for found in answers(of_agent)],
    }
    (home / TRUTH_FILE).write_text(json.dumps(truth), encoding="utf-8")


def _chunks(n: int) -> Iterator[tuple[int, list[BenchRecord]]]:
    for first in range(0, n, CHUNK):
        yield first, [make_record(step) for step in range(first, min(first + CHUNK, n))]


def main() -> None:
    """Fill one store."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("folder", type=Path)
    parser.add_argument("n", type=int)
    parser.add_argument("kind", type=Kind)
    given = parser.parse_args()
    home = _home(given.folder, given.n, given.kind)
    _fill(home, given.n, given.kind, partial(print, flush=True))


if __name__ == "__main__":
    main()
