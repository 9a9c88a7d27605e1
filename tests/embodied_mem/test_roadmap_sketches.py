"""Three things that come later, sketched against the contracts as they are."""

from dataclasses import dataclass

import numpy as np

from embodied_mem.agent import Agent
from embodied_mem.contracts import Memory, World
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.records import Experience, Recalled, Receipt, SkillCall, Task
from embodied_mem.records.decisions import Act, Continue, Stop, Trigger
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus, check_call
from embodied_mem.testing.key_door import COLOURS, KeyDoorEnv, KeyDoorWorld


class StrangersMemory:
    """A foreign library behind three methods: it keeps text, knows no filters and no sequence numbers."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Experience]] = []

    def record(self, experience: Experience) -> Receipt:
        self._rows.append((experience.state, experience))
        return Receipt(experience.id)

    def recall(self, query: Query, /) -> list[Recalled]:
        wanted = set(query.state.split())
        scored = [(len(wanted & set(text.split())) / (len(wanted) or 1), e) for text, e in self._rows]
        best = sorted((row for row in scored if row[1].kind == "repair"), key=lambda row: -row[0])[: query.k]
        return [Recalled(experience=e, score=s, parts={"overlap": s}, reason="shared words") for s, e in best]

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        pass


def test_a_memory_that_is_a_strangers_class_teaches_the_unchanged_agent():
    memory = StrangersMemory()
    assert isinstance(memory, Memory)
    agent, world = Agent(planner=CaseBasedPlanner(), memory=memory), KeyDoorWorld()
    wins = [agent.run_episode(world, seed=seed).outcome.is_success for seed in range(40)]
    assert sum(wins[20:]) == 20


class Patrol:
    """A skill of many steps, as on a robot: each is one tick, and it can be called off at any of them."""

    def __init__(self, n_ticks: int) -> None:
        self.n_ticks, self.ticks = n_ticks, 0
        self.result: SkillResult | None = None

    def advance(self, observation: Observation):
        if self.result is None and self.ticks >= self.n_ticks:
            self.result = SkillResult(status=SkillStatus.SUCCESS)
        if self.result is not None:
            return self.result
        self.ticks += 1
        return np.int64(0)

    def cancel(self) -> SkillResult:
        self.result = SkillResult(status=SkillStatus.CANCELLED, reason=f"called off after {self.ticks} ticks")
        return self.result


class PatrolWorld:
    """A robot's world: one env step is one control tick, poses come with every observation."""

    def __init__(self) -> None:
        self.env = KeyDoorEnv(max_steps=10_000)
        self.tick = 0

    def begin(self, observation, info, *, seed) -> Task:
        self.tick = 0
        return Task("patrol the corridor")

    def observe(self, observation, info) -> Observation:
        self.tick += 1
        return Observation(text=f"tick {self.tick}", pose=(0.1 * self.tick, 0.0, 0.0))

    def skills(self, observation, *, detail="signature"):
        return (
            Skill(name="patrol", parameters=(Parameter(name="ticks", type="number"),)),
            Skill(name="stop"),
        )

    def start(self, call: SkillCall) -> Patrol:
        check_call(call, self.skills(None))
        return Patrol(int(call.arguments.get("ticks", 1)))


class Supervisor:
    """Looks every 100 ticks and calls the patrol off after 500."""

    def decide(self, context):
        if context.trigger is Trigger.START:
            return Act(plan=(SkillCall("patrol", {"ticks": 5_000}),), review_after_steps=100)
        if context.trigger is Trigger.STEP and context.observation.pose[0] < 50.0:
            return Continue()
        return Act(plan=(SkillCall("stop"),)) if context.trigger is Trigger.STEP else Stop("home")

    def describe(self):
        return {"name": "supervisor"}


def test_a_skill_of_many_steps_is_watched_and_called_off():
    world = PatrolWorld()
    assert isinstance(world, World)
    trace = Agent(planner=Supervisor()).run_episode(world).trace
    patrol, stop = trace.calls
    assert (patrol.result.status, patrol.first_step, patrol.last_step) == (SkillStatus.CANCELLED, 0, 500)
    assert patrol.result.reason == "called off after 500 ticks"
    assert stop.result.is_success
    assert len(trace.decisions) == 7


@dataclass
class AskingAtEveryStep:
    """Queries memory at every single step, with the present observation, as per-step keys do in RAP."""

    n_queries: int = 0

    def decide(self, context):
        self.n_queries += 1
        hits = context.recall(Query(state=context.observation.text, k=1))
        if context.trigger is Trigger.STEP:
            return Continue()
        ids = tuple(hit.experience.id for hit in hits)
        key = SkillCall("take", {"object": f"{COLOURS[self.n_queries % 4]} key"})
        return Act(plan=(key,), shown=ids, acted_on=ids, review_after_steps=1)

    def describe(self):
        return {"name": "asking"}


def test_a_planner_that_queries_memory_at_every_step_is_logged_at_every_step():
    memory = StrangersMemory()
    memory.record(Experience(id="m1", task=Task("go"), kind="repair", state="You hold nothing."))
    planner = AskingAtEveryStep()
    trace = Agent(planner=planner, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=1).trace
    assert planner.n_queries == len(trace.decisions) >= trace.steps
    assert all([hit.experience_id for hit in decision.recalled] == ["m1"] for decision in trace.decisions)
