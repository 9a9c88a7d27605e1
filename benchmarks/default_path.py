"""The default path, `memory.recall(text, where)` with no embedder, and vector recall where it is compressed.

    python -m benchmarks.default_path --json FILE [--n 10000,100000] [--folder DIR]

A million records, the largest of the three sizes if none is named, take minutes to write and some gigabytes;
`--folder` keeps them for the next run. Vectors are searched at the largest size. Exit code 1 where a bar is
missed, 2 where it cannot be run. The bars are those of a million records: in a run without that size they are
named and not judged, and leave the code as it is.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bars import DEFAULT_PATH_BARS, bar_of
from benchmarks.filled_store import FilledStore, Kind, fill_all
from benchmarks.measuring import (
    Timings,
    label,
    restart_with_one_thread,
    time_calls,
)
from benchmarks.own import field_vector, where_of
from benchmarks.rows import Row, benchmark_document, limited_row, row_if
from benchmarks.sizes import parse_sizes
from benchmarks.table import markdown, number, rows_table
from benchmarks.workload import TOP_K, BenchQuery, make_queries, recall_at_k
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.recollection import Recollection
from embodied_mem.records.spaces import Vector
from embodied_mem.store import MemoryStore

SIZES = (10_000, 100_000, 1_000_000)
N_WARM = 5
BUDGET_S = 60.0

Say = Callable[[str], None]
TASK_AND_STATE = "text_of_task_and_state"  # two texts, as planners ask; shown, not judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Path95:
    """One way of asking at one size.

    Attributes:
        name: Such as `text_filtered_10pct`.
        n: Records in the store.
        timings: Of every query.
        recall: By vector recall@10 against the exact answers, by text the share of questions that found the
            record they were made of.
        proved: Share of the answers that say they are exact (`Recollection.is_exact`).
    """

    name: str
    n: int
    timings: Timings
    recall: float
    proved: float

    @property
    def exact(self) -> float:
        """The lower of `recall` and `proved`: 1 if every answer is right and marked exact."""
        return min(self.recall, self.proved)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        shares = {"recall_at_10": self.recall, "proved_exact": self.proved}
        return {"name": self.name, "records": self.n, **self.timings.document(), **shares}


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
    ways: dict[str, tuple[Callable[..., Recollection], bool, bool]] = {
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
        found.append(_asked(name, n, asks, [frozenset({query.step}) for query in queries], say))
    return found


def _by_vector(memory: ExperienceMemory, filled: FilledStore, n: int, kind: Kind, say: Say) -> list[Path95]:
    queries = make_queries(n)
    began = time.perf_counter()
    _recall_vector(memory, filled.query_vectors[0], EVERYTHING)
    say(f"  {kind}: first answer after {time.perf_counter() - began:.1f} s")
    found = []
    for name, truth, by_agent in (
        (f"vector_{kind}", filled.nearest, False),
        (f"vector_{kind}_filtered_10pct", filled.nearest_of_agent, True),
    ):
        asks = [
            partial(_recall_vector, memory, vector, where_of(query, by_agent=by_agent, by_task=False))
            for query, vector in zip(queries, filled.query_vectors, strict=True)
        ]
        found.append(_asked(name, n, asks, truth, say))
    return found


def _asked(
    name: str, n: int, asks: Sequence[Callable[[], Recollection]], truth: Sequence[frozenset[int]], say: Say
) -> Path95:
    """Run all queries and compare the answers with the exact ones."""
    for ask in asks[:N_WARM]:
        ask()
    timings, answers = time_calls(asks, budget_s=BUDGET_S)
    recall = recall_at_k(list(map(_steps, answers)), truth[: len(answers)])
    proved = sum(answer.is_exact for answer in answers) / len(answers)
    say(f"  {name}: p95 {number(timings.percentile_ms(95))} ms, recall {recall:.4f}, proved {proved:.4f}")
    return Path95(name=name, n=n, timings=timings, recall=recall, proved=proved)


def _recall_text(memory: ExperienceMemory, query: BenchQuery, where: Where) -> Recollection:
    return memory.recall(text=query.text, where=where, k=TOP_K)


def _recall_task_and_state(memory: ExperienceMemory, query: BenchQuery, where: Where) -> Recollection:
    return memory.recall(task=query.task, state=query.text, where=where, k=TOP_K)


def _recall_vector(memory: ExperienceMemory, vector: Vector, where: Where) -> Recollection:
    return memory.recall(vectors=(field_vector(vector),), where=where, k=TOP_K)


def _steps(found: Recollection) -> list[int]:
    return [int(str(recalled.experience.metadata["step"])) for recalled in found]


def rows_of(measured: Sequence[Path95]) -> list[Row]:
    """A row for the time of every way of asking, and one at every size for whether all answers are exact."""
    sizes = sorted({each.n for each in measured})
    exact = [_exact_row(n, [each for each in measured if each.n == n]) for n in sizes]
    return [*map(_time_row, measured), *exact]


def _time_row(of: Path95) -> Row:
    percentiles = f"p50 {number(of.timings.p50_ms)}, p99 {number(of.timings.percentile_ms(99))} ms"
    said = f"{percentiles}; recall {of.recall:.3f}, proved exact {of.proved:.3f}"
    row = limited_row(f"{of.name}_{label(of.n)}_p95", of.timings.percentile_ms(95), "ms", said)
    return row_if(of.exact == 1.0, row)  # speed does not count if too little is found


def _exact_row(n: int, measured: Sequence[Path95]) -> Row:
    name, worst = f"every_answer_exact_{label(n)}", min(measured, key=lambda each: each.exact)
    bar = bar_of(name)
    said = f"the worst: {worst.name}, recall {worst.recall:.4f}, proved exact {worst.proved:.4f}"
    return Row(name, worst.exact, "share", 1.0, worst.exact, None if bar is None else bar.least, said)


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
    not_judged = [name for name in DEFAULT_PATH_BARS if name not in {row.name for row in rows}]
    if not_judged:
        print(f"\nNot judged, as their sizes were not measured: {', '.join(not_judged)}")
    if given.json:
        paths = [each.document() for each in measured]
        said = benchmark_document("default_path", rows, paths=paths, not_judged=not_judged)
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


def _times_table(measured: Sequence[Path95]) -> str:
    head = ("asked by", "records", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "recall", "proved")
    lines = []
    for each in measured:
        times = [number(each.timings.percentile_ms(percent)) for percent in (50, 95, 99)]
        cells = (*times, *map(number, (each.timings.cpu_mean_ms, each.recall, each.proved)))
        lines.append((each.name, label(each.n), *cells))
    return markdown(head, lines)


if __name__ == "__main__":
    restart_with_one_thread(__spec__.name)
    sys.exit(main())
