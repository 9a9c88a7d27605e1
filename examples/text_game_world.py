"""A text game as a world: each kind of command becomes a skill. Copy this file and change `COMMANDS`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from embodied_mem.envs.building import GeneratorExecution, SkillFailed, Steps, at_detail, skill
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.skills import Detail, Observation, Skill, check_call
from examples.cellar_game import CellarGame

COMMANDS = {
    "go": "go {direction}",
    "take": "take {object}",
    "open": "open {object}",
    "unlock": "unlock {object} with {tool}",
}


class TextGameWorld:
    """Describes a text game that lists its admissible commands."""

    instance_from: InstanceFrom = "state"  # the number of the game says all about its start

    def __init__(self, env: CellarGame | None = None) -> None:
        self.env = env or CellarGame()
        self._info: Mapping[str, Any] = {}

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """The game's objective."""
        problem = instance_id("Cellar-v0", seed=seed, state=info["game"])
        return Task(info["objective"], kind="Cellar-v0", instance=problem)

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """The game's text, and what is carried as a fact."""
        self._info = info
        return Observation(text=observation, facts={"inventory": info["inventory"]}, raw=observation)

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """The kinds of command that are admissible now; their choices are the words in them."""
        return at_detail([made for name in COMMANDS if (made := self._skill(name))], detail)

    def start(self, call: SkillCall) -> GeneratorExecution:
        """Type the command."""
        check_call(call, self.skills(Observation(text="")))
        return GeneratorExecution(self._type(COMMANDS[call.name].format(**call.arguments)), name=call.name)

    def goal_reached(self) -> bool:
        """Whether the game says that it is won."""
        return bool(self._info["won"])

    def _skill(self, name: str) -> Skill | None:
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>.+)", COMMANDS[name])
        found = [m.groupdict() for c in self._info["admissible_commands"] if (m := re.fullmatch(pattern, c))]
        choices = {key: sorted({each[key] for each in found}) for key in (found[0] if found else {})}
        return (
            skill(name, phrases=(COMMANDS[name],), description=COMMANDS[name], **choices) if found else None
        )

    def _type(self, command: str) -> Steps:
        observation = yield command
        reply = observation.text.splitlines()[0]
        if reply.startswith("You cannot"):
            subjects = [word for word in ("chest", "key") if word in reply]
            raise SkillFailed("refused", reply, *subjects)
