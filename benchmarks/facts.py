"""Facts in a store on disk: learning, recall, the episodes behind a recall, and both in turn.

    python -m benchmarks.facts --json FILE [--n 10000]

The facts are those of a made-up home: things in furniture, furniture in rooms, exits between rooms, with
names that share most of their words. Exit code 1 where a bar is missed, 2 where it cannot be run.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import FACT_BARS
from benchmarks.measuring import Timings, label, restart_with_one_thread, time_calls
from benchmarks.rows import Row, benchmark_document, limited_row
from benchmarks.table import number, rows_table
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.facts import FactMemory, Triplet
from embodied_mem.store import MemoryStore

N_FACTS, N_ASKED, AT_ONCE = 10_000, 300, 50
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown")
THINGS = ("key", "cup", "plate", "book", "knife", "apple", "lamp", "box", "chair", "bowl")
FURNITURE = ("table", "shelf", "drawer", "counter")
ROOMS = ("kitchen", "hall", "garden", "office", "cellar")


def facts_of_a_home(n: int, rng: np.random.Generator) -> list[Triplet]:
    """About n facts: a twentieth exits, the others pairs of a thing in a piece of furniture in a room."""
    rooms = [f"{rng.choice(COLOURS)} {rng.choice(ROOMS)} {at}" for at in range(max(n // 20, 2))]
    facts = [Triplet(here, "east", there) for here, there in pairwise(rooms)]
    for at in range((n - len(facts)) // 2):
        furniture = f"{rng.choice(COLOURS)} {rng.choice(FURNITURE)} {at}"
        facts.append(Triplet(f"{rng.choice(COLOURS)} {rng.choice(THINGS)} {at}", "in", furniture))
        facts.append(Triplet(furniture, "at", str(rng.choice(rooms))))
    return facts


def measure(n: int, folder: Path) -> dict[str, Timings]:
    """Every way of asking, with n facts."""
    rng = np.random.default_rng(0)
    known = facts_of_a_home(n, rng)
    with MemoryStore.open(folder) as store:
        facts = FactMemory(store.memory())
        batches = [known[at : at + AT_ONCE] for at in range(0, len(known), AT_ONCE)]
        learning = [
            partial(facts.learn, batch, sources=[f"e{at}"], time=float(at))
            for at, batch in enumerate(batches)
        ]
        timed = {f"learn_{AT_ONCE}": _timed(learning)}
        names = [fact.subject for fact in known]
        texts = [_situation(rng, names) for _ in range(N_ASKED)]
        timed["recall"] = _timed([partial(facts.recall, text) for text in texts])
        timed["recall_episodes"] = _timed([partial(_episodes, facts, text) for text in texts])
        moved = [Triplet(str(rng.choice(names)), "in", "basket") for _ in texts]
        timed["learn_and_recall"] = _timed(
            [
                partial(_turn, facts, triplet, text, float(n + at))
                for at, (triplet, text) in enumerate(zip(moved, texts, strict=True))
            ]
        )
    return timed


def rows_of(n: int, timed: dict[str, Timings]) -> list[Row]:
    """A row for each way of asking, by the 95th percentile of its wall-clock time."""
    return [
        limited_row(
            f"facts_{name}_{label(n)}_p95",
            each.percentile_ms(95),
            "ms",
            f"p50 {number(each.percentile_ms(50))} ms, CPU {number(each.cpu_mean_ms)} ms",
        )
        for name, each in timed.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.facts")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--n", type=int, default=N_FACTS, help="number of facts, such as 10000")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            timed = measure(given.n, Path(folder))
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = rows_of(given.n, timed)
    print(rows_table(rows))
    not_judged = [name for name in FACT_BARS if name not in {row.name for row in rows}]
    if not_judged:
        print(f"\nNot judged, as their sizes were not measured: {', '.join(not_judged)}")
    if given.json:
        ways: dict[str, Any] = {name: each.document() for name, each in timed.items()}
        said = benchmark_document("facts", rows, ways=ways, not_judged=not_judged)
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


def _timed(calls: Sequence[Callable[[], Any]]) -> Timings:
    return time_calls(calls, budget_s=60.0)[0]


def _episodes(facts: FactMemory, text: str) -> Any:
    return facts.episodes_of([hit.fact for hit in facts.recall(text)])


def _turn(facts: FactMemory, triplet: Triplet, text: str, time: float) -> Any:
    facts.learn([triplet], time=time)
    return _episodes(facts, text)


def _situation(rng: np.random.Generator, names: Sequence[str]) -> str:
    wanted, room, *others = (str(name) for name in rng.choice(names, 4))
    return (
        f"Put the {wanted} on the table. You are in the {room}. You see {', '.join(others)} and a red door."
    )


if __name__ == "__main__":
    restart_with_one_thread(__spec__.name)
    sys.exit(main())
