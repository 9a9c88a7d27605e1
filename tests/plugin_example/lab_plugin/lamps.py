"""A world of one's own: a dark room, eight switches, and one works; which one depends on the room alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
from gymnasium import spaces

from embodied_mem.errors import unknown_name
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.skills import (
    Detail,
    Observation,
    Parameter,
    Skill,
    SkillResult,
    SkillStatus,
    check_call,
)

WORKING = {"kitchen": 5, "cellar": 2, "attic": 7}
N_SWITCHES = 8


class LampEnv(gymnasium.Env):
    """Action i presses switch i; reward 1 and the end for light, truncated after three presses."""

    max_steps = 3

    def __init__(self, room: str) -> None:
        self.room = room
        self.action_space = spaces.Discrete(N_SWITCHES)
        self.observation_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        """It is dark."""
        super().reset(seed=seed)
        self._presses = 0
        return 0, {}

    def step(self, action):
        """Press a switch."""
        self._presses += 1
        lit = int(action) == WORKING[self.room]
        return int(lit), float(lit), lit, self._presses >= self.max_steps and not lit, {}


class LampWorld:
    """Describes `LampEnv` to planners; its one skill presses a switch."""

    def __init__(self, env: LampEnv) -> None:
        self.env = env
        self._is_lit = False

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Light the room."""
        self._is_lit = False
        kind = f"Lamps-{self.env.room}-v0"
        return Task(f"light the {self.env.room}", kind=kind, instance=instance_id(kind, seed=seed))

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Whether there is light."""
        self._is_lit = bool(observation)
        return Observation(
            text=f"The {self.env.room} is {'lit' if self._is_lit else 'dark'}.", raw=observation
        )

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Press one of the switches."""
        return (
            Skill(name="press", parameters=(Parameter(name="switch", choices=tuple(range(N_SWITCHES))),)),
        )

    def start(self, call: SkillCall) -> "Press":
        """Begin a press."""
        check_call(call, self.skills(Observation(text="")))
        return Press(self, int(call.arguments["switch"]))

    def goal_reached(self) -> bool:
        """Whether there is light."""
        return self._is_lit


class Press:
    """One press: a single step."""

    def __init__(self, world: LampWorld, switch: int) -> None:
        self._world, self._switch = world, switch
        self._result: SkillResult | None = None
        self._is_pressed = False

    def advance(self, observation: Observation) -> Any:
        """The press, then what became of it."""
        if self._result is None and not self._is_pressed:
            self._is_pressed = True
            return self._switch
        if self._result is None:
            lit = self._world.goal_reached()
            self._result = SkillResult(
                status=SkillStatus.SUCCESS if lit else SkillStatus.FAILURE,
                reason="" if lit else "it is still dark",
            )
        return self._result

    def cancel(self) -> SkillResult:
        """Do not press, or let it be."""
        self._result = self._result or SkillResult(status=SkillStatus.CANCELLED, reason="cancelled")
        return self._result


def make_lamps(room: str = "kitchen") -> LampWorld:
    """The world of a room, as in `lab_lamps:cellar`."""
    if room not in WORKING:
        raise unknown_name("room", room, WORKING)
    return LampWorld(LampEnv(room))
