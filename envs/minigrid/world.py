"""MiniGrid and BabyAI as a world: turns partial views into objects with names and six skills."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem.contracts import Policy
from embodied_mem.envs.minigrid import codes
from embodied_mem.envs.minigrid.execution import SkillExecution
from embodied_mem.envs.minigrid.ledger import KNOWLEDGE
from embodied_mem.envs.minigrid.problem import can_read_state, initial_state
from embodied_mem.envs.minigrid.recorder import StepRecorder
from embodied_mem.envs.minigrid.seen_map import SeenMap
from embodied_mem.envs.minigrid.skills import Controller
from embodied_mem.envs.minigrid.text import (
    SIGNATURES,
    describe_scene,
    describe_view,
    known_things,
    skill_list,
    view_scene,
)
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.recording.made_with import made_with
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Detail, Observation, Skill, check_call

# The action "done" ends the episode in these levels, so a call waits by turning on the spot instead.
DONE_ENDS_EPISODE = ("GoToDoor", "GoToObject")


class MiniGridWorld:
    """Describes one MiniGrid environment to planners; also has an expert, a goal check and a scene text.

    The world reads only the dict observation (image, direction, mission) and its own actions; only the expert
    and the name of the problem read the full state. `Observation.pose` is (x, y, heading_rad) relative to the
    start: x in cells east and y in cells north, the heading counter-clockwise from east.
    """

    knowledge = KNOWLEDGE

    def __init__(
        self, env: gym.Env[Any, Any], *, options: Mapping[str, Any] | None = None, map_size: int = 96
    ) -> None:
        """Wrap an environment, which may have wrappers that keep its dict observations.

        Args:
            env: The environment; step `world.env` instead from now on.
            options: Options it was made with, part of the instance id of its tasks; None: those that its spec
                gives.
            map_size: Cells along each side of the agent's map, whose middle is the start.

        Raises:
            EpisodeError: The environment's observations are not MiniGrid's.
        """
        self._env = StepRecorder(env)
        self._seen = SeenMap(view_size=_view_size(env), size=map_size)
        self._controller = Controller(self._seen)
        self._kind = env.spec.id if env.spec else type(env.unwrapped).__name__
        self._options = made_with(env) if options is None else dict(options)
        self._idle_action = (
            codes.LEFT if any(name in self._kind for name in DONE_ENDS_EPISODE) else codes.DONE
        )
        self._merged_steps = 0
        self._described: tuple[Any, str, Mapping[str, JsonValue]] = (None, "", {})
        self._skills: tuple[Any, tuple[Skill, ...]] = (None, ())

    @property
    def env(self) -> StepRecorder:
        """The environment to step."""
        return self._env

    @property
    def instance_from(self) -> InstanceFrom:
        """Problems are named by a digest of the initial state, or by the seed if it cannot be read."""
        return "state" if can_read_state(self._env.unwrapped) else "seed"

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Clear the map for a new episode; the mission is the task."""
        self._seen.begin(observation["image"], int(observation["direction"]))
        self._merged_steps = 0
        self._described = (None, "", {})
        self._skills = (None, ())
        state = initial_state(self._env.unwrapped) if self.instance_from == "state" else None
        instance = instance_id(self._kind, seed=seed, options=self._options, state=state)
        return Task(str(observation["mission"]), kind=self._kind, instance=instance)

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Merge a view into the map; the text and the facts `held` and `visible` describe hand and view.

        The fact `known` lists the things seen in this episode that are not gone, doors with their state.
        """
        if self._env.step_count != self._merged_steps:
            self._merged_steps = self._env.step_count
            self._seen.merge(observation["image"], int(observation["direction"]), self._env.last_action)
        east, south = self._seen.offset(self._seen.position)
        heading_rad = (0.0, -math.pi / 2, math.pi, math.pi / 2)[self._seen.heading]
        text, facts = self._describe()
        return Observation(
            text=text, facts=facts, pose=(float(east), float(-south), heading_rad), raw=observation
        )

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """The six skills, always callable; the choices of an argument are the things seen so far."""
        key = (self._seen.things_version, detail)
        if self._skills[0] != key:
            self._skills = (key, skill_list(self._seen, detail))
        return self._skills[1]

    def start(self, call: SkillCall) -> SkillExecution:
        """Start a call; an argument is the name of a seen thing or a description such as "the red ball".

        Raises:
            UnknownName: There is no skill of this name.
            InvalidRecord: The arguments do not match the skill.
        """
        check_call(call, SIGNATURES)
        for name, value in call.arguments.items():
            if not isinstance(value, str) or not value.strip():
                raise InvalidRecord(
                    f"{call.name}.{name} is {value!r}; expected an object, such as 'red ball 1'"
                )
        steps = getattr(self._controller, call.name)(**call.arguments)
        return SkillExecution(steps, name=call.name, idle_action=self._idle_action)

    def expert(self, rng: np.random.Generator) -> Policy[Any]:
        """MiniGrid's own bot for the episode that was just begun; see `embodied_mem.envs.minigrid.expert`.

        Raises:
            EpisodeError: The mission cannot be turned into instructions for the bot.
        """
        from embodied_mem.envs.minigrid.expert import BotPolicy

        return BotPolicy(self._env.unwrapped)

    def goal_reached(self) -> bool:
        """Whether the environment ended the episode with a reward above zero."""
        return self._env.is_goal_reached

    def scene(self) -> str:
        """Text on the things seen in this episode that are not gone, with places relative to the start."""
        return describe_scene(self._seen)

    def view_scene(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """The same within a budget, and the things as facts; see `HasSceneView`.

        Args:
            budget_tokens: Length limit of the text; None: no limit.
            about: Names of things that are left out last.
        """
        return view_scene(self._seen, budget_tokens, about=about)

    def _describe(self) -> tuple[str, Mapping[str, JsonValue]]:
        key = (self._seen.things_version, self._seen.visible)
        if self._described[0] != key:
            text, visible = describe_view(self._seen)
            held = self._seen.held.ref if self._seen.held else None
            facts: Mapping[str, JsonValue] = {
                "held": held,
                "visible": [*visible],
                "known": known_things(self._seen),
            }
            self._described = (key, text, facts)
        return self._described[1:]


def _view_size(env: gym.Env[Any, Any]) -> int:
    spaces = getattr(env.observation_space, "spaces", {})
    size = spaces["image"].shape[0] if {"image", "direction", "mission"} <= set(spaces) else 0
    # The agent stands in the middle of one side of its view, so the number of cells is odd. Pictures and
    # whole grids have the same keys, and would be misread as views.
    is_whole_grid = any(type(wrapper).__name__ == "FullyObsWrapper" for wrapper in _wrappers(env))
    if size % 2 and spaces["image"].shape == (size, size, 3) and not is_whole_grid:
        return int(size)
    raise EpisodeError(
        f"{env} observes {env.observation_space}; expected MiniGrid's dict of image (n, n, 3) with n odd, "
        "direction and mission (leave out wrappers that change observations, or use gym:<id>)"
    )


def _wrappers(env: gym.Env[Any, Any]) -> Iterator[gym.Env[Any, Any]]:
    while isinstance(env, gym.Wrapper):
        yield env
        env = env.env
