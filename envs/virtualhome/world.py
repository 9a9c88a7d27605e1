"""VirtualHome as a world: the agent sees one room at a time; skills are the simulator's actions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from embodied_mem.contracts import Policy
from embodied_mem.envs.building import GeneratorExecution, at_detail
from embodied_mem.envs.virtualhome.actions import action
from embodied_mem.envs.virtualhome.env import VirtualHomeEnv
from embodied_mem.envs.virtualhome.goals import instruction
from embodied_mem.envs.virtualhome.home import AGENT
from embodied_mem.envs.virtualhome.known import Known, Sighting
from embodied_mem.envs.virtualhome.ledger import KNOWLEDGE
from embodied_mem.envs.virtualhome.naming import name_all
from embodied_mem.envs.virtualhome.skill_table import BY_NAME, SIGNATURES
from embodied_mem.envs.virtualhome.skills import Controller
from embodied_mem.envs.virtualhome.text import describe_known, describe_room, known_facts
from embodied_mem.errors import InvalidRecord
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.json_values import JsonValue, to_json_object
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Detail, Observation, Skill, check_call


class VirtualHomeWorld:
    """Describes a VirtualHome environment to planners; has an expert, a goal check and a view of its scene.

    The simulator shows everything. The agent here perceives the room it is in, what is open there, and what
    it holds; see docs/virtualhome.md. `Observation.facts` has `room`, `posture`, `held` and `visible`
    (names), and `changed`: one fact (`Sighting.as_fact`) for each visible thing that is new in this episode,
    or different from when it was seen last. Who takes in every observation so knows everything that was seen,
    and when.

    Args:
        env: The environment; step `world.env` from now on.
        kind: Kind of its tasks.
    """

    instance_from: InstanceFrom = "state"
    knowledge = KNOWLEDGE

    def __init__(self, env: VirtualHomeEnv, *, kind: str = "virtualhome") -> None:
        self._env, self._kind = env, kind

    @property
    def env(self) -> VirtualHomeEnv:
        """The environment to step."""
        return self._env

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Forget the last episode; the task is the problem's name and goal in words."""
        problem, home = self._env.problem, self._env.home
        self.names = name_all(home.things.values())
        self.known = Known(home, self.names)
        self._controller = Controller(self._env, self.known, self.names)
        self._visible: list[int] = []
        self._described: tuple[Any, str, Mapping[str, JsonValue]] = (None, "", {})
        self._skills: tuple[Any, Sequence[Skill]] = (None, ())
        # An id of the dataset stands for one goal and one home, which people may have changed.
        changes = [[each.id, each.to, each.state] for each in self._env.changes]
        state = to_json_object({"problem": problem.id, "changes": changes}, field="state")
        options = {"max_steps": self._env.max_steps}
        instance = instance_id("virtualhome", seed=seed, options=options, state=state)
        return Task(instruction(problem.name, problem.goal, self.names), kind=self._kind, instance=instance)

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Take in what is visible; walls, ceilings, floors and doors are not among it."""
        self._controller.outcome = (str(info.get("failure", "")), bool(info.get("is_on_the_way")))
        text, facts = self._describe()
        return Observation(text=text, facts=facts, raw=observation)

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Every skill, always; its choices are what is known, seen, near or held now."""
        key = (self._env.n_steps, detail)
        if self._skills[0] != key:
            self._skills = (key, at_detail(self._controller.skills(), detail))
        return self._skills[1]

    def start(self, call: SkillCall) -> GeneratorExecution:
        """Start a call; an argument is a name, or a description of something known, such as `the cup`.

        Raises:
            UnknownName: There is no skill of this name.
            InvalidRecord: The arguments do not match the skill.
        """
        check_call(call, SIGNATURES)
        row = BY_NAME[call.name]
        texts = []
        for role in row.roles:
            value = call.arguments[role]
            if not isinstance(value, str) or not value.strip():
                raise InvalidRecord(f"{call.name}.{role} is {value!r}; expected a thing, such as 'cup 1'")
            texts.append(value)
        steps = self._controller.run(row, tuple(texts))
        return GeneratorExecution(steps, name=call.name, idle_action=action("WAIT"))

    def goal_reached(self) -> bool:
        """Whether the conditions of the goal hold and its actions were carried out."""
        return self._env.is_goal_reached

    def expert(self, rng: np.random.Generator) -> Policy[Any]:
        """The dataset's gold program for the episode that was just begun, action by action."""
        from embodied_mem.envs.virtualhome.expert import GoldPolicy

        return GoldPolicy(self._env)

    def view_scene(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """Everything seen in the episode and how many steps ago; see `HasSceneView`.

        Facts: `agent` with its `room` and `posture`, and `objects`: name -> the fact, with `seen_steps_ago`.
        """
        step = self._env.n_steps
        agent = {"room": self.names[self._env.home.room_of(AGENT)], "posture": self._posture()}
        facts = to_json_object({"agent": agent, "objects": known_facts(self.known, step)}, field="facts")
        return SceneView(text=describe_known(self.known, step, budget_tokens, about), facts=facts)

    def _describe(self) -> tuple[str, Mapping[str, JsonValue]]:
        home, step = self._env.home, self._env.n_steps
        room = home.room_of(AGENT)
        key = (home.version, room)
        if self._described[0] == key:
            self.known.see_again(self._visible, step=step)
            if self._described[2]["changed"]:
                self._described = (key, self._described[1], {**self._described[2], "changed": []})
        else:
            self._visible = home.visible_in(room)
            changed = self.known.see(room, self._visible, step=step)
            self._described = (key, *self._description(room, changed))
        return self._described[1:]

    def _description(self, room: int, changed: list[Sighting]) -> tuple[str, Mapping[str, JsonValue]]:
        home, names = self._env.home, self.names
        seen = [self.known.sightings[id] for id in self._visible]
        held = [names[id] for id in home.held]
        beside = [names[each] for each in sorted(home.doors.get(room, ()))]
        posture = self._posture()
        text = describe_room(names[room], posture=posture, held=held, seen=seen, beside=beside)
        facts: dict[str, JsonValue] = {
            "room": names[room],
            "posture": posture,
            "held": [*held],
            "visible": [each.name for each in seen],
            "changed": [each.as_fact() for each in changed],
        }
        return text, facts

    def _posture(self) -> str:
        states = self._env.home.states(AGENT)
        return "lying" if "LYING" in states else "sitting" if "SITTING" in states else "standing"
