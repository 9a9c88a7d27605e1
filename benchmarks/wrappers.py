"""The cost of recording a MiniGrid step and a whole CartPole loop, against the same without recording.

    python -m benchmarks.wrappers --json FILE [--steps 200000] [--quick]

Both loops run in one process and take turns of some thousand steps, with the same seeds and actions, so that
the noise of the machine hits both alike. Exit code 1 where a bar is missed, 2 where it cannot be run. Fewer
steps than 200,000 are shown and not judged, and leave the exit code as it is.
"""

import argparse
import itertools
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import restart_with_one_thread
from benchmarks.rows import Row, benchmark_document
from benchmarks.table import rows_table
from embodied_mem import MemoryStore, record_experience
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.optional import require

CARTPOLE = "CartPole-v1"
MINIGRID = "MiniGrid-DoorKey-8x8-v0"
WARM_STEPS = 2_000
COMMIT_EVERY = 64  # episodes a transaction; `close` and `flush` write the rest
MAX_MINIGRID_PERCENT = 3.0
MAX_CARTPOLE_PERCENT = 25.0
JUDGED_STEPS = {"minigrid": 50_000, "cartpole_long": 200_000}  # fewer are shown and not judged

Act = Callable[[Any], int]


def balance(observation: Any) -> int:
    """Push towards the side to which the pole falls; keeps it up for all of the 500 steps of an episode."""
    position, velocity, angle, angular_velocity = observation.tolist()
    return 1 if angle + 0.5 * angular_velocity + 0.05 * position + 0.1 * velocity > 0 else 0


def random_actions(n_actions: int, seed: int) -> Act:
    """Uniform actions that were drawn before the clock started."""
    import numpy as np

    drawn = np.random.default_rng(seed).integers(0, n_actions, 100_000).tolist()
    actions: Iterator[int] = itertools.cycle(drawn)
    return lambda _: next(actions)


@dataclass(slots=True)
class Loop:
    """An agent in an environment, run in turns.

    Args:
        env: The environment.
        act: What the agent does on an observation.
    """

    env: Any
    act: Act
    n_episodes: int = 0
    walls_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    _observation: Any = None

    def run(self, n_steps: int) -> None:
        """Take n steps, and record the time they took."""
        env, act, observation = self.env, self.act, self._observation
        n_over = 0
        cpu_began, began = time.process_time(), time.perf_counter()
        if observation is None:
            observation, _ = env.reset(seed=0)
        for _ in range(n_steps):
            observation, _, terminated, truncated, _ = env.step(act(observation))
            if terminated or truncated:
                observation, _ = env.reset()
                n_over += 1
        self.walls_s.append(time.perf_counter() - began)
        self.cpu_s += time.process_time() - cpu_began
        self.n_episodes += n_over
        self._observation = observation

    def close(self) -> None:
        """Close the environment; what that takes is part of the loop."""
        cpu_began, began = time.process_time(), time.perf_counter()
        self.env.close()
        self.walls_s.append(time.perf_counter() - began)
        self.cpu_s += time.process_time() - cpu_began


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """The same loop without and with recording.

    Attributes:
        name: Of the loop.
        n_steps: Steps of each.
        n_episodes: Episodes that were recorded.
        bare_us: Microseconds a step without recording: the median of the turns.
        percent: What recording adds to the wall clock of the whole loop.
        paired_percent: The median over turns of what it adds to the turn beside it.
        cpu_percent: What it adds in CPU time.
    """

    name: str
    n_steps: int
    n_episodes: int
    bare_us: float
    percent: float
    paired_percent: float
    cpu_percent: float

    @property
    def added_us(self) -> float:
        """Microseconds that recording adds to a step."""
        return self.bare_us * self.percent / 100

    def document(self) -> dict[str, Any]:
        """As JSON."""
        figures = ("bare_us", "added_us", "percent", "paired_percent", "cpu_percent")
        counts = {"steps": self.n_steps, "episodes": self.n_episodes}
        return {"name": self.name, **counts, **{name: round(getattr(self, name), 3) for name in figures}}


def measure_overhead(
    name: str,
    make_env: Callable[[], Any],
    make_act: Callable[[], Act],
    *,
    n_steps: int,
    turn: int,
) -> Overhead:
    """Run a loop bare and recorded, in turns.

    Args:
        name: Of the loop.
        make_env: Makes the environment.
        make_act: Makes the agent; both get one of their own that does the same.
        n_steps: Steps of each loop.
        turn: Steps of a turn.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        store = MemoryStore.open(folder, commit_every=COMMIT_EVERY)

        def both() -> tuple[Loop, Loop]:
            env = record_experience(make_env(), store.memory())
            return Loop(make_env(), make_act()), Loop(env, make_act())

        warm = both()
        for loop in warm:  # imports and caches, before anything is compared
            loop.run(WARM_STEPS)
            loop.close()
        bare, recorded = both()
        for number in range(max(n_steps // turn, 1)):
            for loop in (bare, recorded) if number % 2 else (recorded, bare):
                loop.run(turn)
        bare.close()
        recorded.close()
        began = time.perf_counter()
        store.close()  # writes queued entries, so it belongs to the recorded loop
        recorded.walls_s[-1] += time.perf_counter() - began
        check_recorded(Path(folder), warm[1].n_episodes + recorded.n_episodes)
        return _compared(name, bare, recorded, turn)


def check_recorded(folder: Path, n_episodes: int) -> None:
    """Check that the recorded loop stored its episodes.

    Raises:
        ExperimentError: The loop's store has fewer episodes than were played.
    """
    with MemoryStore.open(folder, read_only=True) as store:
        n_there = store.stats().n_experiences
    if n_there < n_episodes:
        raise ExperimentError(f"{n_there:,} of {n_episodes:,} episodes were recorded; expected all of them")


def _compared(name: str, bare: Loop, recorded: Loop, turn: int) -> Overhead:
    pairs = list(zip(bare.walls_s[:-1], recorded.walls_s[:-1], strict=True))
    return Overhead(
        name=name,
        n_steps=turn * len(pairs),
        n_episodes=recorded.n_episodes,
        bare_us=statistics.median(wall for wall, _ in pairs) / turn * 1e6,
        percent=(sum(recorded.walls_s) / sum(bare.walls_s) - 1) * 100,
        paired_percent=(statistics.median(after / before for before, after in pairs) - 1) * 100,
        cpu_percent=(recorded.cpu_s / bare.cpu_s - 1) * 100,
    )


def measure(n_steps: int) -> list[Overhead]:
    """Every loop, with CartPole's of this many steps."""
    gym = require("gymnasium", extra="bench")
    require("minigrid", extra="bench")

    def cartpole() -> Any:
        return gym.make(CARTPOLE)

    def minigrid() -> Any:
        return gym.make(MINIGRID)

    turn = min(20_000, n_steps)
    at_random = partial(random_actions, 2, 0)
    grid_at_random = partial(random_actions, 7, 0)
    return [
        measure_overhead("minigrid", minigrid, grid_at_random, n_steps=max(n_steps // 4, 4_000), turn=1_000),
        measure_overhead("cartpole_long", cartpole, lambda: balance, n_steps=n_steps, turn=turn),
        measure_overhead("cartpole_short", cartpole, at_random, n_steps=n_steps, turn=turn),
    ]


def rows_of(overheads: Sequence[Overhead]) -> list[Row]:
    """Return one row per loop: the overhead of recording against its limit."""
    rows = []
    for each in overheads:
        # A MiniGrid step is judged by the turns side by side, the CartPole loop by its whole wall clock.
        is_minigrid = each.name == "minigrid"
        limit = MAX_MINIGRID_PERCENT if is_minigrid else MAX_CARTPOLE_PERCENT
        percent = each.paired_percent if is_minigrid else each.percent
        bar = 1.0 if each.n_steps >= JUDGED_STEPS.get(each.name, math.inf) else None
        said = (
            f"{each.bare_us:.2f} us a bare step, {each.added_us:+.2f} us recorded; {each.n_steps:,} steps, "
            f"{each.n_episodes:,} episodes; turns side by side {each.paired_percent:+.1f} %, "
            f"CPU {each.cpu_percent:+.1f} %"
        )
        ratio = (100 + limit) / (100 + percent)  # the time it may take over the time it takes
        rows.append(Row(f"recording_{each.name}", percent, "%", limit, ratio, bar, said))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrappers")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--steps", type=int, default=200_000, help="steps of each CartPole loop")
    parser.add_argument("--quick", action="store_true", help="20,000 steps")
    given = parser.parse_args(arguments)
    try:
        overheads = measure(20_000 if given.quick else given.steps)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = rows_of(overheads)
    print(rows_table(rows))
    judged = {row.name for row in rows if row.bar is not None}
    not_judged = [name for name in (f"recording_{loop}" for loop in JUDGED_STEPS) if name not in judged]
    if not_judged:
        print(f"\nNot judged, as too few steps were taken: {', '.join(not_judged)}")
    if given.json:
        loops = [each.document() for each in overheads]
        said = benchmark_document("wrappers", rows, loops=loops, not_judged=not_judged)
        write_atomically(given.json, json.dumps(said, indent=1) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    restart_with_one_thread(__spec__.name)
    sys.exit(main())
