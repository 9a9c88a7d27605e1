"""The case-based planner on the key-and-door room, and on scripted results where one rule is looked at."""

from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.agent import Agent
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.contracts import Memory
from embodied_mem.errors import InvalidRecord
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.records import Experience, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord, Context, Stop, Trigger
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus
from embodied_mem.store import MemoryStore
from embodied_mem.testing.judge import example_trace
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

OBJECT = (Parameter(name="object", type="object", choices=("red ball 1", "green door 1", "blue box 1")),)
SKILLS = (
    Skill(name="go_to", parameters=OBJECT, phrases=("go to {object}",)),
    Skill(name="toggle", parameters=OBJECT, phrases=("open {object}",)),
    Skill(name="drop"),
)
BLOCKED = SkillResult(
    status=SkillStatus.FAILURE,
    reason="the way to red ball 1 is blocked by green door 1, which is closed",
    obstacle="closed",
    subjects=("green door 1", "red ball 1"),
)
DONE = SkillResult(status=SkillStatus.SUCCESS)
WON = Outcome(status=Status.SUCCESS)
TOGGLE_IT = SkillCall("toggle", {"object": "<obstacle>"})
SITUATION = "the way to <object> is blocked by <obstacle>, which is closed"


class Script:
    """Plays a world by hand: says what became of each call, and notes what the planner does next."""

    def __init__(
        self,
        planner: CaseBasedPlanner,
        *,
        task: str = "go to the red ball",
        hits=(),
        skills=SKILLS,
        memory: Memory | None = None,
    ):
        self.memory, self.recalled = memory, []
        self.planner, self.task, self.hits, self.skills = planner, Task(task, kind="Test-v0"), hits, skills
        self.history: list[CallRecord] = []
        self.queries: list[Query] = []
        self.rng = np.random.default_rng(0)
        self.act = self._decide(Trigger.START)

    def recall(self, query: Query) -> list[Recalled]:
        self.queries.append(query)
        self.recalled = self.memory.recall(query) if self.memory else list(self.hits)
        return self.recalled

    def then(self, result: SkillResult):
        (call,) = self.act.plan
        self.history.append(CallRecord(call=call, result=result, first_step=0, last_step=1, decision=0))
        self.act = self._decide(Trigger.DONE if result.is_success else Trigger.FAILURE)
        return self

    @property
    def call(self) -> str:
        return str(self.act.plan[0])

    def _decide(self, trigger: Trigger):
        return self.planner.decide(
            Context(
                trigger=trigger,
                task=self.task,
                observation=Observation(text=""),
                skills=self.skills,
                recall=self.recall,
                rng=self.rng,
                history=self.history,
            )
        )


def hit(*plan: SkillCall, id: str = "m1", state: str = SITUATION, similarities=None) -> Recalled:
    experience = Experience(id=id, task="t", kind="repair", state=state, plan=plan, outcome=WON)
    return Recalled(
        experience=experience,
        score=1.0,
        parts={"state": 1.0},
        reason="same",
        similarities=similarities or {},
    )


def test_it_begins_with_what_the_instruction_names():
    assert Script(CaseBasedPlanner()).call == "go_to(red ball 1)"


def test_an_object_nobody_has_seen_is_named_in_the_instructions_words():
    assert Script(CaseBasedPlanner(), task="go to the grey key").call == "go_to(the grey key)"


def test_memory_is_asked_by_the_obstacle_without_the_names():
    script = Script(CaseBasedPlanner(k=3)).then(BLOCKED)
    (query,) = script.queries
    assert (query.state, query.k) == (SITUATION, 3)


def test_a_recalled_repair_is_said_of_the_objects_at_hand_and_then_the_goal_is_tried_again():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT)]).then(BLOCKED)
    assert script.call == "toggle(green door 1)"
    assert (script.act.acted_on, script.act.shown, script.act.obstacle) == (("m1",), ("m1",), "closed")
    assert script.then(DONE).call == "go_to(red ball 1)"


def test_every_recalled_repair_gets_its_turn_best_first():
    hits = [hit(SkillCall("drop"), id="a"), hit(TOGGLE_IT, id="b")]
    script = Script(CaseBasedPlanner(), hits=hits).then(BLOCKED)
    assert script.call == "drop()"
    assert script.then(DONE).then(BLOCKED).call == "toggle(green door 1)"


@pytest.mark.parametrize(("similarity", "expected"), [(0.59, ()), (0.6, ("m1",)), (None, ("m1",))])
def test_a_repair_is_tried_where_its_situation_is_similar_whatever_its_score(similarity, expected):
    told = None if similarity is None else {"task": 1.0, "state": similarity}
    hits = [hit(TOGGLE_IT, state="the lid of <object> is stuck", similarities=told)]
    assert Script(CaseBasedPlanner(), hits=hits).then(BLOCKED).act.acted_on == expected


def test_a_repair_for_another_obstacle_of_the_same_task_is_left_alone():
    memory = ExperienceMemory(InMemoryBackend())
    other = Experience(
        task=Task("go to the red ball", kind="Test-v0"), kind="repair", plan=(SkillCall("drop"),)
    )
    memory.record(replace(other, state="<object> cannot be carried: the hands are full", outcome=WON))
    script = Script(CaseBasedPlanner(), memory=memory).then(BLOCKED)
    assert script.recalled[0].score > CaseBasedPlanner().min_score
    assert script.act.acted_on == ()


def test_equal_repairs_are_one_and_credit_all_their_sources():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT, id="a"), hit(TOGGLE_IT, id="b")]).then(BLOCKED)
    assert script.act.acted_on == ("a", "b")


def test_a_repair_of_several_calls_is_carried_out_in_order():
    script = Script(CaseBasedPlanner(), hits=[hit(SkillCall("drop"), TOGGLE_IT)]).then(BLOCKED)
    assert script.call == "drop()"
    assert script.then(DONE).call == "toggle(green door 1)"
    assert script.then(DONE).call == "go_to(red ball 1)"


def test_a_repair_that_is_already_under_way_is_not_repaired_by_itself():
    hits = [hit(SkillCall("go_to", {"object": "<object>"}))]
    script = Script(CaseBasedPlanner(), hits=hits).then(BLOCKED)
    assert script.act.reason == "exploring"


def test_where_nothing_is_known_it_explores_and_tries_again_only_after_something_changed():
    script = Script(CaseBasedPlanner()).then(BLOCKED)
    assert script.act.reason == "exploring"
    assert script.then(BLOCKED).act.reason == "exploring"
    assert script.then(DONE).call == "go_to(red ball 1)"


def test_memory_is_asked_once_for_a_situation():
    script = Script(CaseBasedPlanner()).then(BLOCKED)
    for _ in range(6):
        script.then(BLOCKED if script.act.reason == "exploring" else DONE)
    assert len({query.state for query in script.queries}) == len(script.queries)


def test_an_instruction_nobody_understands_is_explored():
    assert Script(CaseBasedPlanner(), task="make me proud").act.reason == "exploring"


def test_nothing_to_call_ends_the_episode():
    assert isinstance(Script(CaseBasedPlanner(), task="?", skills=()).act, Stop)


def test_another_object_of_that_name_is_tried_when_the_first_was_not_the_one():
    choices = (Parameter(name="object", type="object", choices=("red ball 1", "red ball 2")),)
    skills = (Skill(name="go_to", parameters=choices, phrases=("go to {object}",)),)
    script = Script(CaseBasedPlanner(), skills=skills)
    assert script.call == "go_to(red ball 1)"
    script.then(DONE)  # the instruction is done and the episode goes on
    assert script.act.reason == "exploring"
    assert script.then(BLOCKED).call == "go_to(red ball 2)"


def retained(script: Script) -> list[tuple[str, list[str]]]:
    reflection = script.planner.reflect(example_trace(calls=()), WON)
    return [(e.state, [str(call) for call in e.plan]) for e in reflection.experiences]


def explore_until(script: Script, call: str) -> Script:
    for _ in range(200):
        if script.act.reason == "exploring" and script.call == call:
            return script
        script.then(BLOCKED)
    raise AssertionError(f"{call} was never tried")


def test_what_got_past_an_obstacle_in_a_won_episode_is_kept():
    script = explore_until(Script(CaseBasedPlanner()).then(BLOCKED), "toggle(green door 1)")
    script.then(DONE).then(DONE)
    assert retained(script) == [(SITUATION, ["toggle(<obstacle>)"])]


def test_a_call_on_things_the_obstacle_does_not_speak_of_is_taken_for_a_coincidence():
    script = explore_until(Script(CaseBasedPlanner()).then(BLOCKED), "toggle(blue box 1)")
    script.then(DONE).then(DONE)
    assert retained(script) == []


def test_a_recalled_repair_that_helped_gets_a_vote_and_no_copy():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT)]).then(BLOCKED).then(DONE).then(DONE)
    reflection = script.planner.reflect(example_trace(calls=()), WON)
    assert reflection.feedback == {"m1": True}
    assert reflection.experiences == ()


def test_a_recalled_repair_that_was_vain_gets_a_vote_against_even_if_the_episode_was_lost():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT)]).then(BLOCKED).then(DONE).then(BLOCKED)
    lost = Outcome(status=Status.TIMEOUT)
    assert script.planner.reflect(example_trace(calls=()), lost).feedback == {"m1": False}


def test_progress_in_a_lost_episode_counts_neither_way():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT)]).then(BLOCKED).then(DONE).then(DONE)
    assert script.planner.reflect(example_trace(calls=()), Outcome(status=Status.TIMEOUT)).feedback == {}


def test_success_inside_a_call_credits_the_repair_before_it():
    script = Script(CaseBasedPlanner(), hits=[hit(TOGGLE_IT)]).then(BLOCKED).then(DONE)
    assert script.planner.reflect(example_trace(), WON).feedback == {"m1": True}


def test_a_new_episode_begins_with_nothing_of_the_last():
    planner = CaseBasedPlanner()
    Script(planner, hits=[hit(TOGGLE_IT)]).then(BLOCKED).then(DONE).then(DONE)
    Script(planner)
    assert planner.reflect(example_trace(calls=()), WON).feedback == {}


@pytest.mark.parametrize("k", [0, 1, 5])
def test_it_learns_with_the_real_store_and_not_without(tmp_path, k):
    memory = MemoryStore.open(tmp_path).memory()
    agent, world = (
        Agent(planner=CaseBasedPlanner(k=k, min_score=0.3), memory=memory),
        KeyDoorWorld(KeyDoorEnv()),
    )
    wins = [agent.run_episode(world, seed=seed).outcome.is_success for seed in range(60)][30:]
    assert (sum(wins) == 30) is (k > 0)


@pytest.mark.parametrize(
    "settings",
    [{"k": -1}, {"k": "abc"}, {"rounds": 1.5}, {"min_score": float("nan")}, {"min_similarity": "high"}],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(settings):
    with pytest.raises(InvalidRecord, match=f"{next(iter(settings))} is"):
        CaseBasedPlanner(**settings)
