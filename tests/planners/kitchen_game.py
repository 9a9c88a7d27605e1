"""A small text game whose instruction names no skill: one skill, `do(command)`, and admissible commands."""

from typing import Any

import gymnasium
from gymnasium import spaces

from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus, check_call

FOODS = ("carrot", "apple", "bread", "cheese", "plum")
PLACES = ("fridge", "cupboard", "drawer")
IDLE = ("look", "wait", "sing", "dance")
COMMANDS = (
    *(f"open the {place}" for place in PLACES),
    *(f"take {food} from the {place}" for place in PLACES for food in FOODS),
    *(f"eat {food}" for food in FOODS),
    *IDLE,
)


class KitchenEnv(gymnasium.Env[int, int]):
    """Open the right place, take the right food, eat it; every other command does nothing."""

    max_steps = 14

    def __init__(self, foods: tuple[str, ...] = FOODS) -> None:
        self.foods = foods
        self.action_space = spaces.Discrete(len(COMMANDS))
        self.observation_space = spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.food = self.foods[int(self.np_random.integers(len(self.foods)))]
        self.place = PLACES[int(self.np_random.integers(len(PLACES)))]
        self.way = (f"open the {self.place}", f"take {self.food} from the {self.place}", f"eat {self.food}")
        self.phase, self.n_steps = 0, 0
        return self.phase, {}

    def step(self, action: int) -> Any:
        self.n_steps += 1
        self.phase += COMMANDS[action] == self.way[self.phase]
        is_won = self.phase == len(self.way)
        return self.phase, float(is_won), is_won, self.n_steps >= self.max_steps and not is_won, {}

    @property
    def admissible(self) -> tuple[str, ...]:
        """What can be said now."""
        opened = [f"open the {place}" for place in PLACES]
        takes = [f"take {food} from the {self.place}" for food in FOODS]
        eats = [f"eat {food}" for food in FOODS]
        return (*(opened, takes, eats)[min(self.phase, 2)], *IDLE)


class KitchenWorld:
    """Describes the game; what a command is good for it does not say."""

    def __init__(self, foods: tuple[str, ...] = FOODS) -> None:
        self.env = KitchenEnv(foods)

    def begin(self, observation: Any, info: Any, *, seed: int | None) -> Task:
        return Task(
            f"Tonight's dinner is {self.env.food}.",
            kind="Kitchen-v0",
            instance=instance_id("Kitchen-v0", seed=seed),
        )

    def observe(self, observation: Any, info: Any) -> Observation:
        return Observation(
            text=f"You are hungry. The {self.env.food} is kept in the {self.env.place}, which is closed."
            if not observation
            else f"You did {observation} of 3 things.",
            raw=observation,
        )

    def skills(self, observation: Observation, *, detail: str = "signature") -> list[Skill]:
        return [Skill(name="do", parameters=(Parameter(name="command", choices=self.env.admissible),))]

    def start(self, call: SkillCall) -> "Command":
        check_call(call, self.skills(Observation(text="")))
        return Command(self, COMMANDS.index(str(call.arguments["command"])))

    def goal_reached(self) -> bool:
        return self.env.phase == 3


class Command:
    """One command takes one step; it fails if nothing happens."""

    def __init__(self, world: KitchenWorld, action: int) -> None:
        self.world, self.action, self.phase = world, action, world.env.phase
        self.is_said = False

    def advance(self, observation: Observation) -> Any:
        if not self.is_said:
            self.is_said = True
            return self.action
        if self.world.env.phase > self.phase:
            return SkillResult(status=SkillStatus.SUCCESS)
        return SkillResult(status=SkillStatus.FAILURE, reason="nothing happens")

    def cancel(self) -> SkillResult:
        return SkillResult(status=SkillStatus.CANCELLED)
