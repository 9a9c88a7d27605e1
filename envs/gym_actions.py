"""Skills for the actions of any Gymnasium space: named actions, held levels, and actions as JSON."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem.envs.building import GeneratorExecution, Steps, skill
from embodied_mem.errors import InvalidRecord
from embodied_mem.recording import describe
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonValue, canonical, to_json
from embodied_mem.records.skills import Parameter, Skill, check_call

MAX_CHOICES = 64
MAX_TOGETHER = 6  # dimensions that one call sets together
MAX_DIMENSIONS = 64
N_SAMPLES = 16  # of a space whose actions cannot be listed
MAX_ACTION_CHARS = 2_000
MAX_HELD_STEPS = 1_000

HOLD, HOLD_ONE = "hold", "hold_one"
LEVELS = {"lowest": 0.0, "low": 0.25, "middle": 0.5, "high": 0.75, "highest": 1.0}
STEPS = Parameter(name="steps", type="number", choices=(1, 4, 16), is_open=True)


class GymActions:
    """The skills of an action space, in the order offered.

    - Discrete: each action is a skill, by name or number.
    - Box of at most 6 numbers: `hold` sets each to one of five named levels between its bounds (-1 and 1
      where it has none) for some steps. Of at most 64 numbers: `hold_one` sets one of them and leaves the
      others at rest. Both take at most 1,000 steps.
    - Any space that is not discrete: `act(action)` takes one step with an action given as JSON. Its choices
      are all actions if they are few; for other spaces than the boxes above, a sample of 16.

    Args:
        space: The action space.
        names: Action or dimension -> its name; others go by number.
    """

    def __init__(self, space: gym.Space[Any], names: Mapping[int, str]) -> None:
        self._space = space
        self._discrete = _discrete_actions(space, names)
        self._box = space if isinstance(space, gym.spaces.Box) and _size(space) <= MAX_DIMENSIONS else None
        self._dimensions = [] if self._box is None else _dimension_names(_size(self._box), names)
        self._skills = tuple(self._all_skills())

    @property
    def skills(self) -> Sequence[Skill]:
        """The skills with their descriptions."""
        return self._skills

    @property
    def is_playable(self) -> bool:
        """Whether a planner that only makes listed calls has one to make."""
        return any(all(parameter.choices for parameter in skill.parameters) for skill in self._skills)

    def start(self, call: SkillCall) -> GeneratorExecution:
        """Start a call.

        Raises:
            UnknownName: There is no such skill.
            InvalidRecord: The arguments do not fit, or the action is not in the space.
        """
        check_call(call, self._skills)
        if self._discrete:
            return OneStep(self._discrete[call.name])
        if call.name == describe.ACT:
            return OneStep(self._action_of(call.arguments["action"]))
        return GeneratorExecution(_repeat(self._held_action(call), _n_steps(call)), name=call.name)

    def _all_skills(self) -> list[Skill]:
        if self._discrete:
            template = "Takes the action {} for one step."
            return [
                skill(name, description=template.format(action)) for name, action in self._discrete.items()
            ]
        held = [] if self._box is None else [self._hold_skill()]
        choices, is_open = self._listed()
        action = Parameter(name="action", type="action", choices=choices, is_open=is_open)
        description = f"Takes one step with an action of {describe.clip(self._space, 500)}."
        return [*held, skill(describe.ACT, action=action, description=description)]

    def _hold_skill(self) -> Skill:
        bounds = describe.clip(self._space, 300)
        if len(self._dimensions) <= MAX_TOGETHER:
            levels = [Parameter(name=each, type="level", choices=tuple(LEVELS)) for each in self._dimensions]
            text = f"Holds each number of the action at a level between its bounds, {bounds}, for some steps."
            return Skill(name=HOLD, parameters=(*levels, STEPS), description=text)
        text = f"Holds one number of the action at a level between its bounds, {bounds}, the others at rest."
        return skill(HOLD_ONE, description=text, dimension=self._dimensions, level=tuple(LEVELS), steps=STEPS)

    def _listed(self) -> tuple[tuple[JsonValue, ...], bool]:
        """Return the choices of `act`, and whether there are more actions than these."""
        every = _every_action(self._space)
        return (every, False) if every else (() if self._box is not None else self._sample(), True)

    def _sample(self) -> tuple[JsonValue, ...]:
        space = copy.deepcopy(self._space)  # the environment's own generator must not move
        space.seed(0)
        sampled: dict[str, JsonValue] = {}
        for _ in range(N_SAMPLES):
            action = self._as_choice(space.sample())
            if action is None:
                break
            sampled[canonical(action)] = action
        return tuple(sampled.values())

    def _as_choice(self, action: Any) -> JsonValue:
        """Return an action as JSON; None if it is too long, or cannot be given back."""
        try:
            plain = to_json(_plain(action), field="action")
            self._action_of(plain)
        except InvalidRecord:
            return None
        return plain if len(canonical(plain)) <= MAX_ACTION_CHARS else None

    def _action_of(self, value: JsonValue) -> Any:
        action = _from_json(self._space, value)
        if action is None or not self._space.contains(action):
            given = describe.clip(value, 200)
            raise InvalidRecord(f"action is {given}; expected one of {describe.clip(self._space, 500)}")
        return action

    def _held_action(self, call: SkillCall) -> Any:
        assert self._box is not None
        low, high = _bounds(self._box)
        if call.name == HOLD:
            shares = np.array([LEVELS[str(call.arguments[name])] for name in self._dimensions])
            flat = low + shares * (high - low)
        else:
            flat = np.clip(0.0, low, high)
            at = self._dimensions.index(str(call.arguments["dimension"]))
            flat[at] = low[at] + LEVELS[str(call.arguments["level"])] * (high[at] - low[at])
        whole = np.round(flat) if self._box.dtype.kind in "iu" else flat
        action = whole.reshape(self._box.shape).astype(self._box.dtype)
        # The conversion may round past a bound; of a scalar, `clip` makes a scalar.
        return np.asarray(np.clip(action, self._box.low, self._box.high))


class OneStep(GeneratorExecution):
    """A call that takes one environment step and then succeeds.

    Args:
        action: The environment's action.
    """

    def __init__(self, action: Any) -> None:
        super().__init__(_repeat(action, 1))


def _repeat(action: Any, n_steps: int) -> Steps:
    for _ in range(n_steps):
        yield action


def _n_steps(call: SkillCall) -> int:
    steps = call.arguments["steps"]
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MAX_HELD_STEPS:
        raise InvalidRecord(f"{call.name}.steps is {steps!r:.50}; expected 1 to {MAX_HELD_STEPS:,}")
    return steps


def _size(space: gym.spaces.Box) -> int:
    return int(np.prod(space.shape, dtype=np.int64))


def _bounds(space: gym.spaces.Box) -> tuple[Any, Any]:
    """Return the flat lower and upper bounds as float64, -1 and 1 where there is none."""
    low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
    low = np.where(np.isfinite(low), low, np.minimum(-1.0, np.where(np.isfinite(high), high - 2.0, -1.0)))
    return low, np.where(np.isfinite(high), high, np.maximum(1.0, low + 2.0))


def _dimension_names(size: int, names: Mapping[int, str]) -> list[str]:
    known = describe.told_apart({at: name for at, name in names.items() if name != STEPS.name})
    if size == 1:
        return [known.get(0, "level")]
    return [known.get(at, f"axis_{at}") for at in range(size)]


def _discrete_actions(space: gym.Space[Any], names: Mapping[int, str]) -> dict[str, int]:
    """Skill name -> action; empty if the space is not discrete. Repeated names become numbers."""
    if not isinstance(space, gym.spaces.Discrete):
        return {}
    known = describe.told_apart(names)
    return {describe.action_name(a, known): a for a in range(int(space.start), int(space.start + space.n))}


def _every_action(space: gym.Space[Any]) -> tuple[JsonValue, ...]:
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


def _plain(action: Any) -> Any:
    """Return a sampled action with its numbers rounded, so that they can be read."""
    if isinstance(action, Mapping):
        return {key: _plain(part) for key, part in action.items()}
    if isinstance(action, tuple):
        return [_plain(part) for part in action]
    if isinstance(action, np.ndarray) and action.dtype.kind == "f":
        return np.round(action.astype(np.float64), 4)
    return action


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
