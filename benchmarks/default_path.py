"""The default path, `memory.recall(text, where)` with no embedder, and vector recall where it is compressed.

    python -m benchmarks.default_path --json FILE [--n 10000,100000] [--folder DIR]

A million records, the largest of the three sizes if none is named, take minutes to write and some gigabytes;
`--folder` keeps them for the next run. Vectors are searched at the largest size. Exit code 1 where a bar is
missed, 2 where it cannot be run. Sizes with a bar that were not asked for are named, and leave the code as it
is.
"""

import argparse
import contextlib
import json
import math
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.filled_store import FilledStore, Kind, fill_all
from benchmarks.measuring import (
    Timings,
    label,
    restart_with_one_thread,
    time_calls,
)
from benchmarks.own import field_vector, where_of
from benchmarks.rows import Row, benchmark_document
from benchmarks.sizes import parse_sizes
from benchmarks.table import markdown, number, rows_table
from benchmarks.workload import TOP_K, BenchQuery, make_queries, recall_at_k
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experience_memory import ExperienceMemory
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.filters import EVERYTHING, Where
from embodied_mem.records import Recalled
from embodied_mem.spaces import Vector
from embodied_mem.store import MemoryStore

SIZES = (10_000, 100_000, 1_000_000)
MAX_P95_MS = {10_000: 10.0, 100_000: 40.0, 1_000_000: 50.0}
MAX_FILTERED_P95_MS = 10.0
FILTERED_JUDGED_AT = (10_000, 100_000)
MIN_RECALL = 0.95
N_WARM = 5
BUDGET_S = 60.0
MAX_SETTLING_S = 3_600.0

Say = Callable[[str], None]
TASK_AND_STATE = "text_of_task_and_state"  # two texts that add up, as planners ask; shown and not judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Path95:
    """One way of asking at one size.

    Attributes:
        name: Such as `text_filtered_10pct`.
        n: Records in the store.
        timings: Of every query.
        recall: By vector recall@10 against the exact answers, by text the share of questions that found the
            record they were made of.
    """

    name: str
    n: int
    timings: Timings
    recall: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "records": self.n, **self.timings.document(), "recall_at_10": self.recall}


def measure(sizes: Sequence[int], folder: Path, say: Say) -> list[Path95]:
    """Every way of asking at every size; vectors at the largest."""
    largest = max(sizes)
    fill_all(folder, [*((n, Kind.BAG) for n in sizes), (largest, Kind.CLUSTERED)], say)
    found: list[Path95] = []
    for n in sorted(sizes):
        say(f"{n:,} records")
        with _opened(FilledStore.read(folder, n, Kind.BAG), n) as store:
            found += _by_text(store.memory(), n, say)
    say(f"vectors at {largest:,} records")
    for kind in Kind:
        filled = FilledStore.read(folder, largest, kind)
        with _opened(filled, largest) as store:
            found += _by_vector(store.memory(), filled, largest, kind, say)
    return found


@contextlib.contextmanager
def _opened(filled: FilledStore, n: int) -> Iterator[MemoryStore]:
    with MemoryStore.open(filled.path) as store:
        n_there = store.stats().n_experiences
        if n_there != n:  # a smaller one would be searched faster
            raise ExperimentError(f"{filled.path} holds {n_there:,} records, expected {n:,}; remove it")
        yield store


def _by_text(memory: ExperienceMemory, n: int, say: Say) -> list[Path95]:
    queries = make_queries(n)
    began = time.perf_counter()
    _recall_text(memory, queries[0], EVERYTHING)
    say(f"  first answer after {time.perf_counter() - began:.1f} s")
    ways: dict[str, tuple[Callable[..., list[int]], bool, bool]] = {
        "text": (_recall_text, False, False),
        "text_filtered_10pct": (_recall_text, True, False),
        "text_filtered_0.2pct": (_recall_text, True, True),
        TASK_AND_STATE: (_recall_task_and_state, False, False),
        f"{TASK_AND_STATE}_filtered_10pct": (_recall_task_and_state, True, False),
    }
    found = []
    for name, (recall_by, by_agent, by_task) in ways.items():
        asks = [
            partial(recall_by, memory, query, where_of(query, by_agent=by_agent, by_task=by_task))
            for query in queries
        ]
        timings, answers = _timed(asks)
        recall = recall_at_k(answers, [frozenset({query.step}) for query in queries[: len(answers)]])
        found.append(Path95(name=name, n=n, timings=timings, recall=recall))
        say(f"  {name}: p95 {number(timings.percentile_ms(95))} ms, record found {recall:.4f}")
    return found


def _by_vector(memory: ExperienceMemory, filled: FilledStore, n: int, kind: Kind, say: Say) -> list[Path95]:
    queries = make_queries(n)
    began = time.perf_counter()
    _recall_vector(memory, filled.query_vectors[0], EVERYTHING)
    say(f"  {kind}: first answer after {time.perf_counter() - began:.1f} s")
    say(f"  {kind}: index settled {_settle():.0f} s later")
    found = []
    for name, truth, by_agent in (
        (f"vector_{kind}", filled.nearest, False),
        (f"vector_{kind}_filtered_10pct", filled.nearest_of_agent, True),
    ):
        asks = [
            partial(_recall_vector, memory, vector, where_of(query, by_agent=by_agent, by_task=False))
            for query, vector in zip(queries, filled.query_vectors, strict=True)
        ]
        timings, answers = _timed(asks)
        recall = recall_at_k(answers, truth[: len(answers)])
        found.append(Path95(name=name, n=n, timings=timings, recall=recall))
        say(f"  {name}: p95 {number(timings.percentile_ms(95))} ms, recall {recall:.4f}")
    return found


def _timed(asks: Sequence[Callable[[], list[int]]]) -> tuple[Timings, list[list[int]]]:
    for ask in asks[:N_WARM]:
        ask()
    return time_calls(asks, budget_s=BUDGET_S)


def _settle() -> float:
    """Wait until nothing is made in the background any more; the seconds it took.

    Raises:
        ExperimentError: It takes too long; what is measured then would be something else.
    """
    began = time.perf_counter()
    while threading.active_count() > 1 and time.perf_counter() - began < MAX_SETTLING_S:
        time.sleep(0.1)
    if threading.active_count() > 1:
        raise ExperimentError(f"the index was not made within {MAX_SETTLING_S:.0f} s; free some cores")
    return time.perf_counter() - began


def _recall_text(memory: ExperienceMemory, query: BenchQuery, where: Where) -> list[int]:
    return _steps(memory.recall(text=query.text, where=where, k=TOP_K))


def _recall_task_and_state(memory: ExperienceMemory, query: BenchQuery, where: Where) -> list[int]:
    return _steps(memory.recall(task=query.task, state=query.text, where=where, k=TOP_K))


def _recall_vector(memory: ExperienceMemory, vector: Vector, where: Where) -> list[int]:
    return _steps(memory.recall(vectors=(field_vector(vector),), where=where, k=TOP_K))


def _steps(found: Sequence[Recalled]) -> list[int]:
    return [int(str(recalled.experience.metadata["step"])) for recalled in found]


def rows_of(measured: Sequence[Path95]) -> list[Row]:
    """A row for every bar, and one for what is only shown."""
    return [row for each in measured for row in _rows_of_one(each)]


def _rows_of_one(of: Path95) -> Iterator[Row]:
    p95, name = of.timings.percentile_ms(95), f"{of.name}_{label(of.n)}"
    is_filtered, is_text = "filtered" in of.name, of.name.startswith("text")
    limit = MAX_FILTERED_P95_MS if is_filtered else MAX_P95_MS.get(of.n, MAX_P95_MS[1_000_000])
    is_judged = of.n in (FILTERED_JUDGED_AT if is_filtered else MAX_P95_MS) and TASK_AND_STATE not in of.name
    least = 1.0 if is_filtered and not is_text else MIN_RECALL
    said = f"p50 {number(of.timings.p50_ms)}, p99 {number(of.timings.percentile_ms(99))} ms"
    said += f"; {'record found' if is_text else 'recall'} {of.recall:.3f}"
    ratio = limit / p95 if of.recall >= least else math.nan  # who finds too little may well be fast
    yield Row(f"{name}_p95", p95, "ms", limit, ratio, 1.0 if is_judged else None, said)
    if not is_text:
        said = "share of the ten nearest, or those as near, that were found"
        yield Row(f"{name}_recall", of.recall, "share", least, of.recall / least, 1.0, said)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.default_path")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--n", type=parse_sizes, default=SIZES, help="numbers of records, such as 10000")
    parser.add_argument(
        "--folder", type=Path, help="keep the filled stores here; a temporary folder if not given"
    )
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
            measured = measure(given.n, given.folder or Path(temporary), partial(print, flush=True))
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = rows_of(measured)
    print(f"\n{_times_table(measured)}\n\n{rows_table(rows)}")
    not_judged = sorted(set(MAX_P95_MS) - set(given.n))
    if not_judged:
        print(f"\nNot measured, so not judged: {', '.join(map(label, not_judged))} records")
    if given.json:
        paths = [each.document() for each in measured]
        said = benchmark_document("default_path", rows, paths=paths, not_judged=not_judged)
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


def _times_table(measured: Sequence[Path95]) -> str:
    head = ("asked by", "records", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "recall")
    lines = []
    for each in measured:
        times = [number(each.timings.percentile_ms(percent)) for percent in (50, 95, 99)]
        cells = (*times, number(each.timings.cpu_mean_ms), number(each.recall))
        lines.append((each.name, label(each.n), *cells))
    return markdown(head, lines)


if __name__ == "__main__":
    restart_with_one_thread(__spec__.name)
    sys.exit(main())
