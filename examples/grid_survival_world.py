"""A survival game on a grid as a world: views become names of materials, and six skills act on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from embodied_mem.envs.building import GeneratorExecution, SkillFailed, Steps, at_detail, skill
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.skills import Detail, Observation, Skill, check_call
from examples.survival_env import ACTIONS, ITEMS, MATERIALS, MOVES, VIEW, SurvivalEnv

ACTION = {name: np.int64(at) for at, name in enumerate(ACTIONS)}
CENTRE = (VIEW // 2, VIEW // 2)
FREE = MATERIALS.index("grass")
GAINS = {"tree": "wood", "stone": "stone", "water": "water"}  # material -> what using it brings


class GridSurvivalWorld:
    """Describes `SurvivalEnv`; a failure names what was missing, not what to do."""

    instance_from: InstanceFrom = "state"

    def __init__(self, env: SurvivalEnv | None = None) -> None:
        self.env = env or SurvivalEnv()
        self._seen: Mapping[str, Any] = {}
        self._is_won = False

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Always the same task, on a map that names the problem."""
        problem = instance_id("Survival-v0", seed=seed, state=self.env.map.tobytes())
        return Task("make the stone pickaxe", kind="Survival-v0", instance=problem)

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """What is carried and which materials are in view, in words and as facts."""
        self._seen, self._is_won = observation, bool(info.get("made"))
        have: JsonObject = {item: n for item in ITEMS if (n := self._count(item))}
        near = self._materials()
        facts: JsonObject = {"inventory": have, "visible": [*near], "water": int(observation["water"])}
        carried = ", ".join(f"{n} {item}" for item, n in have.items()) or "nothing"
        text = f"You carry {carried}. Near: {', '.join(near) or 'only grass'}."
        return Observation(text=text, facts=facts, raw=observation)

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """All skills; materials that are out of view are no choices, and a skill without any is left out."""
        near = self._materials()
        usable = [material for material in near if material in GAINS]
        offered = [
            skill("explore", direction=tuple(MOVES), description="Walk five steps that way."),
            skill("place_table", phrases=("place a table",), description="Put a table on the ground ahead."),
            skill("make", object=ITEMS[2:], phrases=("make the {object}",), description="Craft a tool."),
            skill("go_to", object=near, phrases=("go to {object}",), description="Walk up to it."),
            skill("use", object=usable, phrases=("use {object}",), description="Go there; take it or drink."),
        ]
        return at_detail([each for each in offered if all(p.choices for p in each.parameters)], detail)

    def start(self, call: SkillCall) -> GeneratorExecution:
        """Start the generator of the skill."""
        check_call(call, self.skills(Observation(text="")))
        steps: Steps = getattr(self, f"_{call.name}")(**call.arguments)
        return GeneratorExecution(steps, name=call.name, idle_action=ACTION["wait"])

    def goal_reached(self) -> bool:
        """Whether the stone pickaxe is made."""
        return self._is_won

    def _explore(self, direction: str) -> Steps:
        ahead = (CENTRE[0] + MOVES[direction][0], CENTRE[1] + MOVES[direction][1])
        for _ in range(5):
            if self._seen["view"][ahead] != FREE:
                raise SkillFailed("blocked", f"something blocks the way {direction}")
            yield ACTION[direction]

    def _go_to(self, object: str) -> Steps:
        while (way := self._way_to(object)) != []:
            if way is None:
                raise SkillFailed("no_way", f"there is no way to {object}", object)
            yield ACTION[way[0]]

    def _use(self, object: str) -> Steps:
        yield from self._go_to(object)
        yield from self._gain("do", GAINS[object], f"the {object} stays as it is", object)

    def _place_table(self) -> Steps:
        yield ACTION["place_table"]
        if "table" not in self._materials():
            raise SkillFailed("no_effect", "no table can be placed")

    def _make(self, object: str) -> Steps:
        yield from self._gain(f"make_{object}", object, f"no {object} can be made", object)

    def _gain(self, action: str, item: str, reason: str, subject: str) -> Steps:
        before = self._count(item)
        yield ACTION[action]
        if self._count(item) <= before:
            raise SkillFailed("no_effect", reason, subject)

    def _count(self, item: str) -> int:
        return int(self._seen["water"] if item == "water" else self._seen["inventory"][ITEMS.index(item)])

    def _materials(self) -> list[str]:
        return [MATERIALS[code] for code in np.unique(self._seen["view"]).tolist() if code not in (0, FREE)]

    def _way_to(self, material: str) -> list[str] | None:
        """Moves until the material is ahead: breadth first over the grass in view; None without a way."""
        view, wanted, ways = self._seen["view"], MATERIALS.index(material), {CENTRE: [""][:0]}
        for cell in (queue := [CENTRE]):
            for name, step in MOVES.items():
                after = (cell[0] + step[0], cell[1] + step[1])
                if after in ways or not all(0 <= at < VIEW for at in after):
                    continue
                if view[after] == wanted:
                    is_ahead = cell == CENTRE and tuple(self._seen["facing"]) == step
                    return [] if is_ahead else [*ways[cell], name]
                if view[after] == FREE:
                    ways[after] = [*ways[cell], name]
                    queue.append(after)
        return None
