"""VirtualHome as a Gymnasium environment: one step is one action of the simulator, or one step of walking.

Walking takes `STEPS_PER_DOOR` steps for each door on the shortest way, and one to walk up to a thing; the
simulator itself walks anywhere at once. The agent passes through the rooms on the way.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem.envs.virtualhome.actions import ACTIONS, Action, Done, action
from embodied_mem.envs.virtualhome.goals import is_reached
from embodied_mem.envs.virtualhome.home import AGENT, Home, way_between
from embodied_mem.envs.virtualhome.package import load_simulator
from embodied_mem.envs.virtualhome.problems import Graph, Problem, placing_catalogue, start_graph
from embodied_mem.envs.virtualhome.routine import Change, Household, changed, read_catalogue
from embodied_mem.envs.virtualhome.simulation import Simulation

STEPS_PER_DOOR = 2
MAX_STEPS = 150
MAX_ID = 1 << 14  # ids of the dataset stay below 3,000

Raw = dict[str, Any]


class VirtualHomeEnv(gym.Env[Raw, Action]):
    """One of some problems, chosen by the seed.

    An observation is a dict of the agent's `room` and `step` as arrays; what is in the room is described by
    `VirtualHomeWorld`. An action is a triple (index in `ACTIONS`, object id, target id), 0 for none. The
    reward is 1 when the goal is reached, which ends the episode. `info` has `failure`, the simulator's words
    if the action could not be carried out, and `is_on_the_way` during a walk of several steps.

    Args:
        problems: The problems, at least one.
        max_steps: Steps after which the episode is truncated.
        household: Number of the household whose people change the home before an episode; None: nobody does.

    Raises:
        MissingExtra: The simulator is not installed.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as in gymnasium.Env

    def __init__(
        self, problems: Sequence[Problem], *, max_steps: int = MAX_STEPS, household: int | None = None
    ) -> None:
        self._simulator = load_simulator()
        self.problems = tuple(problems)
        self._graph_of = lru_cache(maxsize=16)(start_graph)
        self.max_steps = max_steps
        self._household = (
            None if household is None else Household(household, read_catalogue(placing_catalogue()))
        )
        actions: Any = gym.spaces.MultiDiscrete([len(ACTIONS), MAX_ID, MAX_ID], dtype=np.int64)
        self.action_space = actions  # accepts tuples too
        self.observation_space = gym.spaces.Dict(
            {
                "room": gym.spaces.Box(0, MAX_ID, (1,), dtype=np.int64),
                "step": gym.spaces.Box(0, np.iinfo(np.int64).max, (1,), dtype=np.int64),
            }
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Raw, Raw]:
        """Begin the problem of the seed, or the one whose id is `options["problem"]`."""
        super().reset(seed=seed)
        wanted = (options or {}).get("problem")
        chosen = [problem for problem in self.problems if problem.id == wanted] if wanted else self.problems
        self.problem: Problem = chosen[int(self.np_random.integers(len(chosen)))]
        self.graph: Graph = self._graph_of(self.problem)
        self.changes: tuple[Change, ...] = ()
        if self._household is not None:
            day = int(self.np_random.integers(1 << 31))
            self.changes = self._household.day(self.graph, self.problem.goal, day=day)
            self.graph = changed(self.graph, self.changes)
        self.simulation = Simulation(self._simulator, self.graph)
        self.home = Home(self.graph)
        self.done: list[Done] = []
        self.n_steps, self._strides = 0, 0
        self.is_goal_reached = False
        return self._observation(), {"failure": "", "is_on_the_way": False}

    def step(self, act: Action) -> tuple[Raw, float, bool, bool, Raw]:
        """Take an action."""
        name, target = ACTIONS[int(act[0])], int(act[1])
        self.n_steps += 1
        way = self._way_to(name, target)
        failure = self._stride(way[0]) if way else self._act(Done(name, target, int(act[2])))
        self.is_goal_reached = is_reached(self.problem.goal, self.simulation, self.done)
        info = {"failure": failure, "is_on_the_way": bool(way) and not failure and not self._is_in(target)}
        is_truncated = self.n_steps >= self.max_steps
        return self._observation(), float(self.is_goal_reached), self.is_goal_reached, is_truncated, info

    def is_walk_ahead(self, act: Action) -> bool:
        """Whether an action would be one of several steps of walking, not the last one."""
        way = self._way_to(ACTIONS[int(act[0])], int(act[1])) if self.can_walk else []
        is_last = way[:1] == [int(act[1])] and self._strides + 1 >= STEPS_PER_DOOR
        return bool(way) and not is_last

    def _way_to(self, name: str, target: int) -> list[int]:
        """The rooms that a walk still has to go through; what is near needs no walk to be found."""
        if name not in ("WALK", "FIND") or target not in self.home.things:
            return []
        if name == "FIND" and self.simulation.is_near(target):
            return []
        return way_between(self.home.doors, self.home.room_of(AGENT), self.home.room_of(target))

    def _is_in(self, target: int) -> bool:
        return self.home.room_of(AGENT) == target

    def _stride(self, room: int) -> str:
        """One step towards the next room; the last one goes through the door."""
        self._strides += 1
        if self._strides < STEPS_PER_DOOR:
            return "" if self.can_walk else self.simulation.act(action("WALK", room))
        self._strides = 0
        failure = self.simulation.act(action("WALK", room))
        if self.home.held and not failure:  # the simulator leaves what is held one walk behind
            self.simulation.act(action("WALK", room))
        self.home.update([AGENT, *self.home.held], self.simulation)
        return failure

    @property
    def can_walk(self) -> bool:
        """Whether the agent stands."""
        return self.home.states(AGENT).isdisjoint(("SITTING", "LYING"))

    def _act(self, done: Done) -> str:
        self._strides = 0
        if done.action == "WAIT":
            return ""
        failure = self.simulation.act(action(*done))
        if not failure:
            self.done.append(done)
            touched = [AGENT, done.object, done.target, *self.home.held]
            self.home.update([*touched, *self.home.children(done.object)], self.simulation)
        return failure

    def _observation(self) -> Raw:
        return {"room": np.array([self.home.room_of(AGENT)]), "step": np.array([self.n_steps])}
