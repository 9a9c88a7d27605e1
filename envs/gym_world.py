"""`GymWorld`: any Gymnasium environment as a world, without an adapter. Its actions are its skills.

Its knowledge ledger, the facts it reveals to a planner: the action names and the observation, as the
environment gives them. No action fails; only the observation shows whether it had an effect.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import parse_env_id

from embodied_mem.contracts import Execution
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.recording import describe
from embodied_mem.recording.dimension_names import observation_parts
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import (
    Detail,
    Observation,
    Parameter,
    Skill,
    SkillResult,
    SkillStatus,
    check_call,
)

MAX_CHOICES = 64


class GymWorld:
    """A Gymnasium environment, described by `recording.describe`; every skill call takes one step.

    With a discrete action space each action is a skill, named by the environment (`left`) or by its number
    (`action_2`). Any other action space is one skill `act(action)`, with the action as JSON.

    Args:
        env: The environment, with any wrappers applied.
        task: Text of the task; None uses the environment's own text.
        action_names: Names of discrete actions by index; None asks the environment.
    """

    def __init__(
        self, env: gym.Env[Any, Any], *, task: str | None = None, action_names: Sequence[str] | None = None
    ) -> None:
        self._env = env
        self._task = task
        given = describe.action_names(env) if action_names is None else dict(enumerate(action_names))
        self._actions = _discrete_actions(env.action_space, given)
        self._parts = observation_parts(env)
        self._id = env.spec.id if env.spec is not None else type(env.unwrapped).__name__

    @property
    def env(self) -> gym.Env[Any, Any]:
        """The environment; every step of every skill goes through it."""
        return self._env

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """The task: its given text, else the environment's own text, else the environment's id as text."""
        text = self._task or describe.task_text(observation, info, environment=self._id)
        return Task(text, kind=self._id, instance=instance_id(self._id, seed=seed))

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """The observation as text, with its images."""
        return Observation(
            text=describe.observation_text(observation, self._parts),
            images=_images(observation),
            raw=observation,
        )

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Every action; a Gymnasium environment does not say which of them are useful now."""
        is_full = detail == "full"
        if self._actions:
            template = "Takes the action {} for one step."
            return [
                Skill(name=name, description=template.format(action) if is_full else "")
                for name, action in self._actions.items()
            ]
        description = f"Takes one step with an action of {describe.clip(self._env.action_space, 500)}."
        parameter = Parameter(name="action", type="action", choices=_choices(self._env.action_space))
        return [Skill(name=describe.ACT, parameters=(parameter,), description=description if is_full else "")]

    def start(self, call: SkillCall) -> Execution:
        """Start one step with the action that the call names.

        Raises:
            UnknownName: There is no action of this name.
            InvalidRecord: The argument is missing or not in the action space.
        """
        check_call(call, self.skills(Observation(text="")))
        if self._actions:
            return OneStep(self._actions[call.name])
        space = self._env.action_space
        action = _from_json(space, call.arguments["action"])
        if action is None or not space.contains(action):
            given = describe.clip(call.arguments["action"], 200)
            raise InvalidRecord(f"action is {given}; expected one of {describe.clip(space, 500)}")
        return OneStep(action)


class OneStep:
    """A call that takes one environment step and then succeeds.

    Args:
        action: The environment's action.
    """

    def __init__(self, action: Any) -> None:
        self._action = action
        self._is_taken = False
        self._result: SkillResult | None = None

    def advance(self, observation: Observation) -> Any:
        """Return the action, then success."""
        if self._result is None and self._is_taken:
            self._result = SkillResult(status=SkillStatus.SUCCESS)
        self._is_taken = True
        return self._action if self._result is None else self._result

    def cancel(self) -> SkillResult:
        """Cancel the call; a call that has ended keeps its result."""
        self._result = self._result or SkillResult(status=SkillStatus.CANCELLED, reason="cancelled")
        return self._result


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
    """
    _check_id(name)
    try:
        env = gym.make(name, **options)
    except gym.error.UnregisteredEnv as error:
        raise UnknownName(f"Unknown environment {name[:200]!r}. {describe.clip(error, 500)}") from error
    return GymWorld(env, task=task, action_names=action_names)


def _check_id(name: str) -> None:
    try:
        parse_env_id(name.rpartition(":")[2])
    except gym.error.Error as error:
        raise UnknownName(f"Unknown environment {name[:200]!r}. {describe.clip(error, 500)}") from error


def _discrete_actions(space: gym.Space[Any], names: Mapping[int, str]) -> dict[str, int]:
    """Skill name -> action; empty if the space is not discrete. Repeated names become numbers."""
    if not isinstance(space, gym.spaces.Discrete):
        return {}
    known = describe.told_apart(names)
    return {describe.action_name(a, known): a for a in range(int(space.start), int(space.start + space.n))}


def _choices(space: gym.Space[Any]) -> tuple[JsonValue, ...]:
    """The actions of a small multi-binary or multi-discrete space; empty if there are too many to list."""
    if isinstance(space, gym.spaces.MultiBinary) and isinstance(space.n, int):
        sizes, start = [2] * space.n, np.zeros(space.n, int)
    elif isinstance(space, gym.spaces.MultiDiscrete) and space.nvec.ndim == 1:
        sizes, start = space.nvec.tolist(), space.start
    else:
        return ()
    if np.prod(sizes, dtype=float) > MAX_CHOICES:
        return ()
    return tuple((np.array(index) + start).tolist() for index in np.ndindex(*sizes))


def _from_json(space: gym.Space[Any], value: Any) -> Any:
    """Convert JSON to an action; None if its structure does not match the space."""
    try:
        if isinstance(space, gym.spaces.Dict):
            return {key: _from_json(part, value[key]) for key, part in space.spaces.items()}
        if isinstance(space, gym.spaces.Tuple):
            return tuple(_from_json(part, each) for part, each in zip(space.spaces, value, strict=True))
        if isinstance(space, gym.spaces.Box | gym.spaces.MultiDiscrete | gym.spaces.MultiBinary):
            return _array(space, value)
        return value
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _array(space: gym.Space[Any], value: Any) -> Any:
    given = np.asarray(value)
    array = given.astype(space.dtype).reshape(space.shape)
    is_whole = array.dtype.kind == "f" or np.array_equal(array, given.reshape(space.shape))
    return array if is_whole else None  # 1.7 is not the action 1


def _images(observation: Any) -> dict[str, Any]:
    named = observation if isinstance(observation, Mapping) else {"image": observation}
    return {
        str(key): value
        for key, value in named.items()
        if isinstance(value, np.ndarray) and describe.is_image(value) and value.shape[2] != 1
    }
