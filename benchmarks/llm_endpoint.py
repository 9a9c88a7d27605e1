"""How busy a slow endpoint is kept by many episodes at once, beside one episode at a time.

    python -m benchmarks.llm_endpoint --json FILE [--episodes 64] [--slots 8] [--seconds 0.5] [--quick]

The endpoint is a stand-in on loopback, in a process of its own, which takes the given time for each call in
one of its slots. Episodes are played as a user plays them: one agent, recalls from a store, a client of
LangChain. Exit code 1 where the bar is missed, 2 where it cannot be run.
"""

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.rows import Row, benchmark_document
from benchmarks.slow_endpoint import Busy
from benchmarks.table import rows_table
from embodied_mem import Agent, MemoryStore
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.planners import make_planner
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

LEAST_BUSY_PERCENT = 90.0
JUDGED_EPISODES = 64
STEPS = 12  # of an episode at most; what it answers takes about 6 calls


@dataclass(frozen=True, slots=True)
class Kept:
    """How busy the endpoint was kept.

    Attributes:
        at_once: Episodes in play at the same time.
        episodes: Episodes played.
        slots: Slots of the endpoint.
        busy: What its slots did.
        cpu_s: CPU seconds of the process of the agent.
    """

    at_once: int
    episodes: int
    slots: int
    busy: Busy
    cpu_s: float

    @property
    def percent(self) -> float:
        """Share of their time that the slots were busy, from the first call to the end of the last."""
        return 100 * self.busy.busy_s / (self.slots * self.busy.span_s)


@contextmanager
def endpoint(slots: int, seconds: float) -> Iterator[str]:
    """Start the endpoint, and give its address."""
    command = [sys.executable, "-m", "benchmarks.slow_endpoint", str(slots), str(seconds)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def taught_agent(address: str, folder: Path) -> Agent:
    """An agent that asks the model at this address, and recalls from a store that a teacher has filled."""
    memory = MemoryStore.open(folder).memory()
    teacher = Agent(planner=make_planner("case_based"), memory=memory, record_decisions=True)
    for seed in range(12):
        teacher.run_episode(KeyDoorWorld(), seed=seed)
    llm = {"name": "completion", "options": {"model": "stand-in", "base_url": f"{address}/v1"}}
    return Agent(planner=make_planner("llm", llm=llm, k=2), memory=memory, mode="frozen")


async def play(agent: Agent, episodes: int, at_once: int) -> None:
    """Play so many episodes, so many at a time."""
    turns = asyncio.Semaphore(at_once)

    async def one(seed: int) -> None:
        async with turns:
            episode = await agent.run_episode_async(KeyDoorWorld(KeyDoorEnv(max_steps=STEPS)), seed=seed)
        if episode.trace.error:
            raise ExperimentError(f"an episode ended with {episode.trace.error}; the figures mean nothing")

    await asyncio.gather(*map(one, range(episodes)))


def measure(episodes: int, slots: int, seconds: float, *, one_at_a_time: int) -> list[Kept]:
    """Play all episodes at once, and some one at a time."""
    found = []
    with endpoint(slots, seconds) as address, tempfile.TemporaryDirectory() as folder:
        agent = taught_agent(address, Path(folder))
        asyncio.run(play(agent, 1, 1))  # imports, and the first connection
        for n, at_once in ((episodes, episodes), (one_at_a_time, 1)):
            busy_since(address)
            began_s = time.process_time()
            asyncio.run(play(agent, n, at_once))
            cpu_s = time.process_time() - began_s
            found.append(Kept(at_once, n, slots, busy_since(address), cpu_s))
    return found


def busy_since(address: str) -> Busy:
    """What the slots did since this was asked before."""
    with urllib.request.urlopen(f"{address}/busy", timeout=60) as response:
        return Busy(**json.load(response))


def rows_of(found: Sequence[Kept], seconds: float) -> list[Row]:
    """One row for each way of playing; the bar is for many at once."""
    rows = []
    for each in found:
        is_judged = each.at_once >= JUDGED_EPISODES
        cpu_ms = 1e3 * each.cpu_s / each.busy.calls
        said = (
            f"{each.slots} slots, {seconds:g} s a call; {each.busy.calls:,} calls of {each.episodes:,} "
            f"episodes in {each.busy.span_s:.1f} s, {cpu_ms:.1f} ms CPU a call on our side"
        )
        against = LEAST_BUSY_PERCENT if is_judged else math.nan
        bar = 1.0 if is_judged else None
        name = f"endpoint_busy_{each.at_once}_at_once"
        rows.append(Row(name, each.percent, "%", against, each.percent / against, bar, said))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.llm_endpoint")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--episodes", type=int, default=JUDGED_EPISODES, help="episodes at once")
    parser.add_argument("--slots", type=int, default=8, help="calls that the endpoint works on at once")
    parser.add_argument("--seconds", type=float, default=0.5, help="what a call takes in its slot")
    parser.add_argument("--quick", action="store_true", help="8 episodes, 4 slots, 0.05 s; not judged")
    given = parser.parse_args(arguments)
    if given.quick:
        given.episodes, given.slots, given.seconds = 8, 4, 0.05
    try:
        one_at_a_time = max(1, given.episodes // 16)
        found = measure(given.episodes, given.slots, given.seconds, one_at_a_time=one_at_a_time)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = rows_of(found, given.seconds)
    print(rows_table(rows))
    if given.json:
        said = benchmark_document("llm_endpoint", rows, kept=[asdict(each) for each in found])
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
