"""Plays the episodes that the retrieval benchmark searches: `python -m ... FILE` writes them as JSON lines.

Made once; what was written is committed under `data/`, so that queries keep their answers when worlds,
planners or recording change. BabyAI and MiniGrid are played by the library's own planners, and six
environments of Gymnasium by simple rules and chance through `record_experience`, with judges that say in
words what happened.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem import Agent, Limits, MemoryStore, record_experience
from embodied_mem.contracts import Planner
from embodied_mem.envs import make_world
from embodied_mem.experiments.compose import compose_config
from embodied_mem.planners import make_planner
from embodied_mem.recording.outcomes import EpisodeSummary
from embodied_mem.records import Experience, Outcome, Status

FIRST_SEED = 100_000  # of the seeds for tuning
EPISODES_PER_KIND = 15
STOPS = ("red stop", "green stop", "yellow stop", "blue stop", "taxi itself")


@dataclass(frozen=True, slots=True)
class Played:
    """An environment of Gymnasium, how often it is played, how its task is called, and who judges."""

    environment: str
    episodes: int
    task: Callable[[Any, Any], str]
    judge: Callable[[EpisodeSummary], Outcome]
    act: Callable[[Any, np.random.Generator], Any] | None = None


def main() -> None:
    """Write every distinct experience to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder, MemoryStore.open(folder) as store:
        play_grid_worlds(store)
        play_gymnasium(store)
        rows = list(distinct_rows(store.experiences()))
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(rows)} experiences in {path}")


def distinct_rows(experiences: Iterator[Experience]) -> Iterator[dict[str, str]]:
    """One row for each distinct triple of texts, in the order of playing, with ids counted from r0001."""
    seen = set()
    for experience in experiences:
        texts = (experience.task.text, experience.state, experience.outcome.explanation)
        if texts not in seen:
            seen.add(texts)
            status = experience.outcome.status.value
            row = {"id": f"r{len(seen):04d}", "world": experience.task.kind, "kind": experience.kind}
            yield row | {"task": texts[0], "state": texts[1], "status": status, "outcome": texts[2]}


def play_grid_worlds(store: MemoryStore) -> None:
    """Every candidate kind, by the case-based planner with memory and by random skills without."""
    limits = Limits(max_steps=600, max_calls=120)
    learner = Agent(planner=make_planner("case_based"), memory=store.memory(), limits=limits)
    chance: Planner = make_planner("random_skill")
    floor = Agent(planner=chance, memory=store.memory(), limits=limits)
    for number, kind in enumerate(compose_config(["stream=candidates"]).stream.kinds):
        world = make_world(kind)
        for episode in range(EPISODES_PER_KIND):
            agent = floor if episode % 4 == 3 else learner
            agent.run_episode(world, seed=FIRST_SEED + 100 * number + episode)
        world.env.close()


def play_gymnasium(store: MemoryStore) -> None:
    """Each environment with its rule half of the time and by chance otherwise."""
    for played in GYMNASIUM:
        rng = np.random.default_rng(0)
        env: Any = record_experience(
            gym.make(played.environment), store.memory(), task=played.task, outcome=played.judge
        )
        for episode in range(played.episodes):
            observation, _ = env.reset(seed=FIRST_SEED + episode)
            env.action_space.seed(FIRST_SEED + episode)
            follows_rule = played.act is not None and episode % 2 == 0
            is_over = False
            while not is_over:
                action = (
                    played.act(observation, rng) if follows_rule and played.act else env.action_space.sample()
                )
                observation, _, terminated, truncated, _ = env.step(action)
                is_over = terminated or truncated
        env.close()


def _outcome(is_success: bool, summary: EpisodeSummary, words: str) -> Outcome:
    status = Status.SUCCESS if is_success else Status.FAILURE
    return Outcome(status=status, reward=summary.reward, explanation=words, steps=summary.steps)


def _cart_pole(summary: EpisodeSummary) -> Outcome:
    position, _, angle, _ = summary.last_observation
    if summary.truncated:
        return _outcome(True, summary, "the pole stayed upright until the time was up")
    if abs(position) > 2.4:
        side = "right" if position > 0 else "left"
        return _outcome(False, summary, f"the cart ran off the {side} end of the track")
    side = "right" if angle > 0 else "left"
    return _outcome(False, summary, f"the pole fell over to the {side} after {summary.steps} steps")


def _mountain_car(summary: EpisodeSummary) -> Outcome:
    if summary.terminated:
        return _outcome(True, summary, f"reached the flag on the hill after {summary.steps} steps")
    return _outcome(False, summary, "ran out of time without enough swing to climb the hill")


def _frozen_lake(summary: EpisodeSummary) -> Outcome:
    row, column = divmod(int(summary.last_observation), 4)
    if summary.reward:
        return _outcome(True, summary, f"crossed the ice to the goal in {summary.steps} moves")
    if summary.terminated:
        return _outcome(False, summary, f"broke through the ice into the hole in row {row}, column {column}")
    return _outcome(False, summary, f"still wandering on the ice in row {row}, column {column}")


def _taxi_place(code: int) -> tuple[str, str]:
    return STOPS[(code // 4) % 5], STOPS[code % 4]


def _taxi_task(observation: Any, _: Any) -> str:
    start, goal = _taxi_place(int(observation))
    return f"drive the passenger from the {start} to the {goal}"


def _taxi(summary: EpisodeSummary) -> Outcome:
    where, goal = _taxi_place(int(summary.last_observation))
    if summary.terminated:
        return _outcome(True, summary, f"the passenger was dropped off at the {goal}")
    if where == STOPS[4]:
        return _outcome(False, summary, f"time ran out with the passenger still on board, not at the {goal}")
    return _outcome(False, summary, f"time ran out before the passenger at the {where} was picked up")


def _blackjack_task(observation: Any, _: Any) -> str:
    return f"beat the dealer's {observation[1]} with a hand of {observation[0]}"


def _blackjack(summary: EpisodeSummary) -> Outcome:
    total, dealer, _ = summary.last_observation
    if total > 21:
        return _outcome(False, summary, f"bust with {total} points")
    if summary.reward == 0:
        return _outcome(False, summary, f"a draw at {total} points")
    words = "won" if summary.reward and summary.reward > 0 else "lost"
    return _outcome(words == "won", summary, f"{words} with {total} points against the dealer's {dealer}")


def _pendulum(summary: EpisodeSummary) -> Outcome:
    cosine, sine, _ = summary.last_observation
    angle_deg = abs(math.degrees(math.atan2(sine, cosine)))
    words = "hangs down" if angle_deg > 120 else "stands upright" if angle_deg < 30 else "leans to the side"
    return _outcome(angle_deg < 30, summary, f"at the end the rod {words}, {angle_deg:.0f} degrees off")


GYMNASIUM = (
    Played(
        "CartPole-v1",
        90,
        lambda *_: "balance the pole on the moving cart",
        _cart_pole,
        lambda seen, _: int(seen[2] + seen[3] > 0),
    ),
    Played(
        "MountainCar-v0",
        40,
        lambda *_: "drive the car up the mountain",
        _mountain_car,
        lambda seen, _: 2 if seen[1] >= 0 else 0,
    ),
    Played(
        "FrozenLake-v1", 120, lambda *_: "cross the frozen lake without falling into a hole", _frozen_lake
    ),
    Played("Taxi-v4", 110, _taxi_task, _taxi),
    Played("Blackjack-v1", 150, _blackjack_task, _blackjack, lambda seen, _: int(seen[0] < 17)),
    Played(
        "Pendulum-v1",
        50,
        lambda *_: "swing the pendulum up and hold it upright",
        _pendulum,
        lambda seen, _: np.array([-8 * seen[1] - 2 * seen[2]], dtype=np.float32).clip(-2, 2),
    ),
)

if __name__ == "__main__":
    main()
