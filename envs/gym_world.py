"""`GymWorld`: any Gymnasium environment as a world, without an adapter. Its actions are its skills.

Its knowledge ledger, the facts it reveals to a planner: the action names, the bounds of continuous actions
and the observation, as the environment gives them. No action fails; only the observation shows whether it had
an effect.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import parse_env_id

from embodied_mem.contracts import Execution
from embodied_mem.envs.building import at_detail
from embodied_mem.envs.gym_actions import MAX_CHOICES, GymActions, OneStep
from embodied_mem.errors import EpisodeError, UnknownName
from embodied_mem.recording import describe
from embodied_mem.recording.dimension_names import observation_parts
from embodied_mem.recording.made_with import made_with
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.skills import Detail, Observation, Skill

__all__ = ["MAX_CHOICES", "GymActions", "GymWorld", "OneStep", "make_gym_world"]


class GymWorld:
    """A Gymnasium environment, described by `recording.describe`; see `GymActions` for its skills.

    Args:
        env: The environment, with any wrappers applied.
        task: Text of the task; None uses the environment's own text.
        action_names: Names of discrete actions, or of the numbers of a continuous one, by index; None asks
            the environment.
    """

    instance_from: InstanceFrom = "seed"  # Gymnasium has no way to read the full state of an environment

    def __init__(
        self, env: gym.Env[Any, Any], *, task: str | None = None, action_names: Sequence[str] | None = None
    ) -> None:
        self._env = _KeepsResetOptions(env)
        self._task = task
        given = describe.action_names(env) if action_names is None else dict(enumerate(action_names))
        self.actions = GymActions(env.action_space, given)
        self._parts = observation_parts(env)
        self._id = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        self._made_with = made_with(env)

    @property
    def env(self) -> gym.Env[Any, Any]:
        """The environment; every step of every skill goes through it."""
        return self._env

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """The task: its given text, else the environment's own text, else the environment's id as text."""
        text = self._task or describe.task_text(observation, info, environment=self._id)
        options = {**self._made_with, **self._env.reset_options}
        return Task(text, kind=self._id, instance=instance_id(self._id, seed=seed, options=options))

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """The observation as text, with the short entries of a mapping as facts, and with its images."""
        return Observation(
            text=describe.observation_text(observation, self._parts),
            facts=describe.small_json(observation),
            images=_images(observation),
            raw=observation,
        )

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Every skill; a Gymnasium environment does not say which of them are useful now."""
        return at_detail(self.actions.skills, detail)

    def start(self, call: SkillCall) -> Execution:
        """Start a call; it takes one step, or as many as it says.

        Raises:
            UnknownName: There is no skill of this name.
            InvalidRecord: The arguments do not fit the skill or are not in the action space.
        """
        return self.actions.start(call)


class _KeepsResetOptions(gym.Wrapper[Any, Any, Any, Any]):
    """Keeps the options of the last reset, which are part of the problem, and changes nothing."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.reset_options: dict[str, Any] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self.reset_options = dict(options or {})
        return self.env.reset(seed=seed, options=options)


def make_gym_world(
    name: str, *, task: str | None = None, action_names: Sequence[str] | None = None, **options: Any
) -> GymWorld:
    """Make the world of a registered Gymnasium environment.

    Args:
        name: Id of the environment, such as `CartPole-v1` or `module:CartPole-v1`.
        task: Text of the task; None uses the environment's own text.
        action_names: Names of discrete actions by index; None asks the environment.
        **options: Passed to `gymnasium.make`.

    Raises:
        UnknownName: No environment with this id is registered.
        EpisodeError: There is no skill for its actions, so that planners could not act; the message says how
            to go on.
    """
    _check_id(name)
    try:
        env = gym.make(name, **options)
    except gym.error.UnregisteredEnv as error:
        raise UnknownName(f"Unknown environment {name[:200]!r}. {describe.clip(error, 500)}") from error
    world = GymWorld(env, task=task, action_names=action_names)
    if not world.actions.is_playable:
        raise EpisodeError(
            f"no call can be listed for the actions of {name}, {describe.clip(env.action_space, 200)}; make "
            "GymWorld(env) yourself and give the agent a policy as a skill, "
            "Agent(policies=[PolicySkill(...)]), or a planner that calls act(action) with JSON"
        )
    return world


def _check_id(name: str) -> None:
    try:
        parse_env_id(name.rpartition(":")[2])
    except gym.error.Error as error:
        raise UnknownName(f"Unknown environment {name[:200]!r}. {describe.clip(error, 500)}") from error


def _images(observation: Any) -> dict[str, Any]:
    named = observation if isinstance(observation, Mapping) else {"image": observation}
    return {
        str(key): value
        for key, value in named.items()
        if isinstance(value, np.ndarray) and describe.is_image(value) and value.shape[2] != 1
    }
