"""What a decision of the language planner takes beside the model: choices, recall, packing and the prompt.

    python -m benchmarks.decision --json FILE [--n 10000]

The model is a stand-in that answers at once, and tokens are counted by the upper bound, so nothing but this
library is timed. Exit code 1 where a bar is missed; the bar is that of 10,000 experiences.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.measuring import Timings, label, restart_with_one_thread, time_calls
from benchmarks.rows import Row, benchmark_document, limited_row
from benchmarks.sizes import parse_sizes
from benchmarks.table import number, rows_table
from benchmarks.workload import N_QUERIES, NOUNS, VERBS
from embodied_mem.agent.episode_recall import EpisodeRecall
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.recalls.make import make_recall_way
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.decisions import Context, Trigger
from embodied_mem.records.skills import Observation, Parameter, Skill
from embodied_mem.store import MemoryStore

N_WARM = 5
N_TASKS = 50
BUDGET_S = 60.0
SIZES = (10_000,)
WAYS: Mapping[str, tuple[int, int, str]] = {  # k, budget in tokens, way of recall
    "k2": (2, 2_000, "plain"),
    "k50_packed": (50, 2_000, "plain"),
    "k50_iterative": (50, 2_000, "iterative"),
    "k50_graph": (50, 2_000, "graph_then_episode"),
}


def measure(n: int, folder: Path) -> dict[str, Timings]:
    """Name of a way -> what a decision took, in a store of n experiences."""
    with MemoryStore.open(folder / f"decisions-{n}", commit_every=1_000) as store:
        for experience in experiences(n):
            store.memory().record(experience)
    with MemoryStore.open(folder / f"decisions-{n}") as store, asyncio.Runner() as runner:
        memory = store.memory()
        return {name: _timed(runner, memory, *how) for name, how in WAYS.items()}


def experiences(n: int) -> Iterator[Experience]:
    """Decisions of some 25 words, one in ten of them a fact that names the decision before as its source."""
    for step in range(n):
        draw = random.Random(step)
        is_fact = step % 10 == 9
        yield Experience(
            id=f"e{step}",
            kind="fact" if is_fact else "decision",
            task=_task(step),
            state=f"{draw.choice(NOUNS)} needs {draw.choice(NOUNS)}" if is_fact else _state(draw),
            plan=() if is_fact else (SkillCall(draw.choice(VERBS), {"object": draw.choice(NOUNS)}),),
            outcome=Outcome(status=Status.SUCCESS if draw.random() < 0.6 else Status.FAILURE),
            sources=(f"e{step - 1}",) if is_fact else (),
            metadata={} if is_fact else {"episode": "success", "last": ""},
        )


def _task(number: int) -> Task:
    return Task(f"{VERBS[number % len(VERBS)]} the {NOUNS[number % len(NOUNS)]}", kind=f"t{number % N_TASKS}")


def _state(draw: random.Random) -> str:
    return f"You see {' '.join(draw.choice(NOUNS) for _ in range(18))}."


def _timed(runner: asyncio.Runner, memory: ExperienceMemory, k: int, budget: int, way: str) -> Timings:
    model = ScriptedModel(lambda request: str(next(cast(CallChoices, request.choices).calls())))
    planner = LLMPlanner(model, k=k, max_prompt_tokens=budget, recall=make_recall_way(way))
    decides = [partial(_decide, runner, planner, context) for context in _contexts(memory)]
    for decide in decides[:N_WARM]:
        decide()
    timings, shown = time_calls(decides, budget_s=BUDGET_S)
    assert all(shown), "a decision showed no experience, so nothing was packed"
    return timings


def _decide(runner: asyncio.Runner, planner: LLMPlanner, context: Context) -> int:
    return len(runner.run(planner.decide(context)).shown)


def _contexts(memory: ExperienceMemory) -> Iterator[Context]:
    parameter = Parameter(name="object", choices=tuple(NOUNS))
    for query in range(N_QUERIES):
        yield Context(
            trigger=Trigger.START,
            task=_task(query),
            observation=Observation(text=_state(random.Random(-1 - query))),
            skills=tuple(Skill(name=verb, parameters=(parameter,)) for verb in VERBS),
            recall=EpisodeRecall(memory, limit=1_000, hidden_instance="here"),
            rng=np.random.default_rng(query),
        )


def rows_of(n: int, measured: Mapping[str, Timings]) -> list[Row]:
    """A row for every way."""
    return [
        limited_row(
            f"decision_{name}_{label(n)}_p95",
            timings.percentile_ms(95),
            "ms",
            f"p50 {number(timings.p50_ms)}, CPU {number(timings.cpu_mean_ms)} ms",
        )
        for name, timings in measured.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--n", type=parse_sizes, default=SIZES, help="numbers of experiences, such as 10000")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    times = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for n in given.n:
            measured = measure(n, Path(folder))
            rows += rows_of(n, measured)
            times += [{"name": name, "records": n, **each.document()} for name, each in measured.items()]
    print(rows_table(rows))
    if given.json:
        said = benchmark_document("decision", rows, times=times)
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    restart_with_one_thread(__spec__.name)
    sys.exit(main())
