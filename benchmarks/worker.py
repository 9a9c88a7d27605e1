"""The process that measures one subject; it runs one command per input line, so that subjects take turns.

Run by `worker_process.WorkerProcess`; alone only to count syncs: `worker NAME PREPARED FOLDER --adds 20`.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from benchmarks.measuring import Timings, rss_bytes, time_calls
from benchmarks.prepared import Filter, Prepared
from benchmarks.subject import HasTextSearch, Subject, describe_subject

N_WARM = 3  # searches before a clock starts: the first pays for what is built on first use
N_AGAIN = 5  # searches after the first one that meets what was added
LOADED_WHEN_COUNTING = 50


class Worker:
    """One subject with its workload.

    Args:
        name: The subject.
        prepared: The workload.
        folder: Where the subject keeps its files.
    """

    def __init__(self, name: str, prepared: Prepared, folder: Path) -> None:
        self._description = describe_subject(name)
        self._prepared = prepared
        self._folder = folder
        before = rss_bytes()
        self._description.load_modules()
        self._base = rss_bytes()
        self._imports_mb = (self._base - before) / 1e6
        self._subject: Subject | None = None

    def open(self) -> dict[str, Any]:
        """Open the store and make one search, if it is there: that builds what is built on first use."""
        is_new = not any(self._folder.iterdir())
        began = time.perf_counter()
        self._subject = self._description.make(self._folder)
        opened = time.perf_counter() - began
        if not is_new:
            self._search(0, by_agent=True, by_task=False)
        return {
            "imports_mb": self._imports_mb,
            "open_s": opened,
            "first_search_s": time.perf_counter() - began,
        }

    def load(self) -> dict[str, Any]:
        """Keep the first n records."""
        n = self._prepared.n
        began, cpu = time.perf_counter(), time.process_time()
        self._opened.load(self._prepared.records[:n], self._prepared.vectors[:n])
        return {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}

    def search(self, kind: str, budget_s: float) -> dict[str, Any]:
        """Ask every query under a filter, as far as the budget goes."""
        by_agent, by_task = kind != Filter.NONE, kind == Filter.AGENT_TASK
        for index in range(N_WARM):
            self._search(index, by_agent=by_agent, by_task=by_task)
        calls = [
            partial(self._search, index, by_agent=by_agent, by_task=by_task)
            for index in range(len(self._prepared.queries))
        ]
        timings, found = time_calls(calls, budget_s=budget_s)
        return {**_document(timings), "found": found}

    def add(self, first: int, count: int, budget_s: float) -> dict[str, Any]:
        """Add records one by one, then let the indexes catch up; creating them is not timed."""
        for search in self._searches():
            search()
        calls = [partial(self._add, index) for index in range(first, first + count)]
        timings, _ = time_calls(calls, budget_s=budget_s)
        return {**_document(timings), "catch_up_s": self._catch_up()}

    def memory(self) -> dict[str, Any]:
        """Memory beyond what the imports took."""
        return {"rss_mb": (rss_bytes() - self._base) / 1e6}

    def search_text(self) -> dict[str, Any]:
        """One search by words, where the subject has one."""
        subject = self._opened
        if isinstance(subject, HasTextSearch):
            subject.search_text(self._prepared.queries[0])
        return {}

    def warm_up(self) -> dict[str, Any]:
        """One search, which pays for what is built on first use."""
        self._search(0, by_agent=False, by_task=False)
        return {}

    def close(self) -> dict[str, Any]:
        """Close the store."""
        began = time.perf_counter()
        self._opened.close()
        return {"close_s": time.perf_counter() - began}

    @property
    def _opened(self) -> Subject:
        assert self._subject is not None
        return self._subject

    def _search(self, index: int, *, by_agent: bool, by_task: bool) -> list[int]:
        query, vector = self._prepared.queries[index], self._prepared.query_vectors[index]
        return self._opened.search(query, vector, by_agent=by_agent, by_task=by_task)

    def _add(self, index: int) -> None:
        self._opened.add(self._prepared.records[index], self._prepared.vectors[index])

    def _catch_up(self) -> float:
        """Return the extra cost of the first searches after adds over the median of repeated ones.

        By turns, so that neither finds the processor's caches full of what it read a moment ago.
        """
        searches = self._searches()
        first, *again = (sum(time_calls(searches, budget_s=math.inf)[0].wall_s) for _ in range(1 + N_AGAIN))
        return max(first - statistics.median(again), 0.0)

    def _searches(self) -> list[Callable[[], object]]:
        """One search by each index that the subject keeps."""
        subject = self._opened
        searches: list[Callable[[], object]] = [partial(self._search, 0, by_agent=True, by_task=False)]
        if isinstance(subject, HasTextSearch):
            searches.append(partial(subject.search_text, self._prepared.queries[0]))
        return searches


def _document(timings: Timings) -> dict[str, Any]:
    return {"wall_s": timings.wall_s, "cpu_s": timings.cpu_s}


def obey(worker: Worker, orders: TextIO, replies: TextIO) -> None:
    """Run the command of each line, and answer with a line."""
    for line in orders:
        order = json.loads(line)
        reply = getattr(worker, order.pop("do"))(**order)
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def count_adds(worker: Worker, n_added: int) -> None:
    """Add a few records to a small store, for someone who counts what that does to the disk."""
    worker.open()
    for index in range(LOADED_WHEN_COUNTING + n_added):
        worker._add(index)
    worker.close()


def main() -> None:
    """Measure one subject."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name")
    parser.add_argument("prepared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--adds", type=int)
    given = parser.parse_args()
    # Some peers print; what they say goes to stderr, and stdout carries replies only.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(given.name, Prepared.read(given.prepared), given.folder)
    if given.adds is None:
        obey(worker, sys.stdin, replies)
    else:
        count_adds(worker, given.adds)


if __name__ == "__main__":
    main()
