"""A room that can be learnt in seconds: a chest behind a locked door, and keys of several colours.

A real Gymnasium environment and its `World`, for tests and examples that need no simulator. Only trying shows
which key opens the door; that "the key of the door's colour" opens it can be learnt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from embodied_mem.records.experience import InstanceFrom, SkillCall, Task, instance_id
from embodied_mem.records.skills import (
    Detail,
    Observation,
    Parameter,
    Skill,
    SkillResult,
    SkillStatus,
    check_call,
)

COLOURS = ("red", "green", "blue", "yellow")
WAIT, OPEN, WALK = 0, 1, 2
TAKE = 3  # TAKE + i takes the key of COLOURS[i]


class KeyDoorEnv(gymnasium.Env[dict[str, Any], np.int64]):
    """Reach the chest: take the key of the door's colour, open the door, walk through.

    Actions: 0 wait, 1 open the door, 2 walk to the chest, 3 + i take the key of colour i.
    Reward: 1 for reaching the chest, which ends the episode; otherwise 0. Truncated after `max_steps`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it on instances

    def __init__(self, *, max_steps: int = 12) -> None:
        self.max_steps = max_steps
        self.action_space = spaces.Discrete(TAKE + len(COLOURS))
        self.observation_space = spaces.Dict(
            door=spaces.Discrete(len(COLOURS)),
            held=spaces.Discrete(len(COLOURS) + 1),
            is_open=spaces.Discrete(2),
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Close the door, give it a random colour, and empty the hand."""
        super().reset(seed=seed)
        self._door = int(self.np_random.integers(len(COLOURS)))
        self._held, self._is_open, self._steps = 0, False, 0
        return self._observe(), {}

    def step(self, action: np.int64) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Take a key, open the door, walk to the chest or wait."""
        self._steps += 1
        if action >= TAKE:
            self._held = int(action) - TAKE + 1
        elif action == OPEN and self._held - 1 == self._door:
            self._is_open = True
        reached = bool(action == WALK and self._is_open)
        is_truncated = self._steps >= self.max_steps and not reached
        return self._observe(), float(reached), reached, is_truncated, {"reached": reached}

    def _observe(self) -> dict[str, Any]:
        return {
            "door": np.int64(self._door),
            "held": np.int64(self._held),
            "is_open": np.int64(self._is_open),
        }


class KeyDoorWorld:
    """Describes `KeyDoorEnv`: skills go_to, open and take; failures name the obstacle and not the remedy."""

    instance_from: InstanceFrom = "state"  # the first observation shows everything

    def __init__(self, env: "gymnasium.Env[Any, Any] | None" = None) -> None:
        self.env: gymnasium.Env[Any, Any] = env if env is not None else KeyDoorEnv()
        self.state: Mapping[str, int] = {}
        self._reached: bool | None = None

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """The task is always to get to the chest."""
        self._reached = None
        problem = [int(observation["door"]), getattr(self.env.unwrapped, "max_steps", None)]
        instance = instance_id("KeyDoor-v0", seed=seed, state=problem)
        return Task("get to the chest", kind="KeyDoor-v0", instance=instance)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Text on the held key and the state of the door."""
        self.state = {name: int(value) for name, value in observation.items()}
        self._reached = info.get("reached")
        held = f"{COLOURS[self.state['held'] - 1]} key" if self.state["held"] else None
        how = "open" if self.state["is_open"] else "locked"
        return Observation(
            text=f"You hold {held or 'nothing'}. The {self.door} is {how}.",
            facts={"held": held, "door": self.door, "state": how},
            raw=observation,
        )

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Go to the chest, open the door, take a key."""
        keys = tuple(f"{colour} key" for colour in COLOURS)
        return (
            _skill("go_to", ("chest",), ("get to {object}", "go to {object}")),
            _skill("open", (self.door,), ("open {object}",)),
            _skill("take", keys, ("take {object}",)),
        )

    def start(self, call: SkillCall) -> "KeyDoorExecution":
        """Start a call."""
        check_call(call, self.skills(Observation(text="")))
        return KeyDoorExecution(self, call)

    def goal_reached(self) -> bool | None:
        """Whether the chest was reached."""
        return self._reached

    @property
    def door(self) -> str:
        """Name of the door."""
        return f"{COLOURS[self.state['door']]} door"

    def end_of(self, call: SkillCall) -> SkillResult:
        """Result of a call whose steps were taken."""
        target = str(call.arguments["object"])
        is_open = bool(self.state["is_open"])
        if call.name == "go_to":
            reason = "" if is_open else f"the way to {target} is blocked by {self.door}, which is locked"
            return _result(is_open, reason, "closed", (self.door, target))
        if call.name == "open":
            return _result(is_open, "" if is_open else f"{target} is locked", "locked", (target,))
        held = self.state["held"]
        has_it = bool(held) and set(target.split()) >= {COLOURS[held - 1], "key"}
        return _result(has_it, "" if has_it else f"no {target} has been seen", "unseen", (target,))


class KeyDoorExecution:
    """One call: a wait, then the act, so that a call takes two steps and can be cancelled between them."""

    def __init__(self, world: KeyDoorWorld, call: SkillCall) -> None:
        self._world, self._call = world, call
        self._actions = [WAIT, self._act()]
        self._result: SkillResult | None = None

    def advance(self, observation: Observation) -> Any:
        """The next action, or the result."""
        if self._result is None and self._actions:
            return np.int64(self._actions.pop(0))
        self._result = self._result or self._world.end_of(self._call)
        return self._result

    def cancel(self) -> SkillResult:
        """Cancel the call; a call that has ended keeps its result."""
        self._result = self._result or SkillResult(status=SkillStatus.CANCELLED, reason="cancelled")
        return self._result

    def _act(self) -> int:
        if self._call.name == "go_to":
            return WALK
        if self._call.name == "open":
            return OPEN
        wanted = str(self._call.arguments["object"]).split()
        return next((TAKE + i for i, colour in enumerate(COLOURS) if colour in wanted), WAIT)


def _skill(name: str, choices: tuple[str, ...], phrases: tuple[str, ...]) -> Skill:
    return Skill(
        name=name, parameters=(Parameter(name="object", type="object", choices=choices),), phrases=phrases
    )


def _result(is_success: bool, reason: str, obstacle: str, subjects: tuple[str, ...]) -> SkillResult:
    if is_success:
        return SkillResult(status=SkillStatus.SUCCESS)
    return SkillResult(status=SkillStatus.FAILURE, reason=reason, obstacle=obstacle, subjects=subjects)
