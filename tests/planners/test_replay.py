"""Replaying won episodes where the instruction names no skill: in a text game, and call by call."""

import numpy as np
import pytest
from kitchen_game import FOODS, KitchenWorld

from embodied_mem.agent import Agent
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.planners.replay import WON_EPISODES, Replay, Roles
from embodied_mem.records import Experience, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import Context, Trigger
from embodied_mem.records.filters import where
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillStatus
from embodied_mem.store import MemoryStore
from embodied_mem.testing.judge import example_trace
from embodied_mem.testing.key_door import KeyDoorWorld

WON = Outcome(status=Status.SUCCESS)
LOST = Outcome(status=Status.TIMEOUT)


def do(command: str) -> SkillCall:
    return SkillCall("do", {"command": command})


def skills(*commands: str) -> tuple[Skill, ...]:
    return (Skill(name="do", parameters=(Parameter(name="command", choices=commands),)),)


def hit(*commands: str, task: str = "dinner is carrot", state: str = "", id: str = "m1", score: float = 1.0):
    experience = Experience(id=id, task=task, state=state, plan=tuple(map(do, commands)), outcome=WON)
    return Recalled(experience=experience, score=score, parts={"task": score}, reason="same")


def start(task: str = "dinner is apple", state: str = "", *, hits=(), can=("eat apple", "wait"), asked=None):
    def recall(query: Query) -> list[Recalled]:
        asked.append(query) if asked is not None else None
        return list(hits)

    return Context(
        trigger=Trigger.START,
        task=Task(task, kind="Kitchen-v0"),
        observation=Observation(text=state),
        skills=skills(*can),
        recall=recall,
        rng=np.random.default_rng(0),
    )


def replayed(*hits: Recalled, context: Context, can: tuple[str, ...]) -> list[str]:
    replay, calls = Replay(hits, context), []
    while (act := replay.next(skills(*can))) is not None:
        calls += [str(call) for call in act.plan]
    return calls


def late_wins(memory, *, world=None, n: int = 60) -> int:
    agent, game = Agent(planner=CaseBasedPlanner(), memory=memory), world or KitchenWorld()
    return sum([agent.run_episode(game, seed=seed).outcome.is_success for seed in range(n)][n // 2 :])


def test_in_a_text_game_it_learns_with_memory_and_not_without(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        assert late_wins(store.memory()) == 30
    assert late_wins(None) < 15


def test_a_food_never_seen_before_is_eaten_at_once(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        assert late_wins(memory, world=KitchenWorld(FOODS[:4])) == 30
        agent, world = (
            Agent(planner=CaseBasedPlanner(), memory=memory, mode="frozen"),
            KitchenWorld(FOODS[4:]),
        )
        episodes = [agent.run_episode(world, seed=1_000 + seed) for seed in range(10)]
    assert all(episode.outcome.is_success for episode in episodes)
    first = episodes[0].trace.decisions[0]
    assert first.trigger is Trigger.START
    assert {record.experience_id for record in first.recalled} == set(first.shown)
    assert set(first.acted_on) < set(first.shown)


def test_memory_is_asked_at_the_start_for_won_episodes_by_task_and_state():
    asked: list[Query] = []
    CaseBasedPlanner(k=3).decide(start(state="the fridge is closed", asked=asked))
    [query] = asked
    assert (query.task, query.state) == (Task("dinner is apple", kind="Kitchen-v0"), "the fridge is closed")
    assert query.where == WON_EPISODES == where(kind="episode", outcome="success")
    assert query.k == 3


def test_an_instruction_that_names_a_skill_asks_nothing_at_the_start():
    asked: list[Query] = []
    context = start(task="get to the chest", asked=asked)
    world = KeyDoorWorld()
    world.begin(*(reset := world.env.reset(seed=0)), seed=0)
    known = world.skills(world.observe(*reset))
    CaseBasedPlanner().decide(
        Context(
            trigger=Trigger.START,
            task=context.task,
            observation=context.observation,
            skills=known,
            recall=context.recall,
            rng=context.rng,
        )
    )
    assert not asked


@pytest.mark.parametrize(
    ("then", "now", "call", "expected"),
    [
        ("dinner is carrot", "dinner is apple", "take carrot from fridge", "take apple from fridge"),
        ("dinner is carrot", "dinner is apple", "look", "look"),
        ("red key and blue door", "green key and red door", "use red key", "use green key"),
        ("say hello", "say hello", "say hello", "say hello"),
        ("entirely", "another task of several words", "wait", "wait"),
    ],
)
def test_what_differs_between_two_texts_is_replaced_in_a_call(then, now, call, expected):
    assert Roles.between(then, now).applied_to(do(call)) == do(expected)


def test_a_count_of_equal_calls_stays():
    call = SkillCall("do", {"command": "eat carrot"}, count=3)
    applied = Roles.between("dinner is carrot", "dinner is apple").applied_to(call)
    assert applied == SkillCall("do", {"command": "eat apple"}, count=3)


def test_calls_that_cannot_be_made_are_left_out_and_choices_are_matched_by_their_words():
    can = ("open the fridge", "eat the apple")
    context = start(can=can)
    assert replayed(hit("fly", "open the fridge", "eat carrot"), context=context, can=can) == [
        "do(open the fridge)",
        "do(eat the apple)",
    ]


def test_numbers_and_arguments_without_choices_are_replayed_as_they_are():
    calls = (SkillCall("press", {"switch": 2}), SkillCall("say", {"text": "carrot"}), SkillCall("jump"))
    known = (
        Skill(name="press", parameters=(Parameter(name="switch", choices=(1, 2)),)),
        Skill(name="say", parameters=(Parameter(name="text"),)),
    )
    recalled = hit().experience.replace(plan=calls)
    replay = Replay([Recalled(experience=recalled, score=1.0, parts={"task": 1.0}, reason="")], start())
    assert [str(replay.next(known).plan[0]) for _ in range(2)] == ["press(2)", "say(apple)"]
    assert replay.next(known) is None


def test_the_best_plan_comes_first_and_of_equals_the_shorter():
    hits = [
        hit("eat apple", "wait", id="long"),
        hit("wait", id="short"),
        hit("eat apple", id="best", score=2.0),
    ]
    can = ("eat apple", "wait")
    expected = ["do(eat apple)", "do(wait)", "do(eat apple)", "do(wait)"]
    assert replayed(*hits, context=start(), can=can) == expected


def decided(planner: CaseBasedPlanner, n: int, *hits: Recalled) -> list:
    """The first decisions of an episode in which every call fails, as it wins nothing."""
    context = start(hits=hits)
    acts = [planner.decide(context)]
    for _ in range(n - 1):
        acts.append(planner.decide(Context(**{**fields_of(context), "trigger": Trigger.FAILURE})))
    return acts


def fields_of(context: Context) -> dict:
    return {name: getattr(context, name) for name in context.__dataclass_fields__}


def test_a_plan_that_was_vain_gets_a_vote_against_and_then_it_explores():
    planner = CaseBasedPlanner()
    acts = decided(planner, 3, hit("eat carrot", id="a"), hit("wait", id="b"))
    assert [act.acted_on for act in acts] == [("a",), ("b",), ()]
    assert acts[2].reason == "exploring"
    assert planner.reflect(example_trace(calls=()), LOST).feedback == {"a": False, "b": False}


def test_the_plan_that_won_gets_a_vote_for_it_and_no_copy():
    planner = CaseBasedPlanner()
    decided(planner, 2, hit("eat carrot", id="a"), hit("wait", id="b"), hit("wait", id="never tried"))
    assert example_trace().calls[-1].result.status is SkillStatus.ENDED
    reflection = planner.reflect(example_trace(), WON)
    assert reflection.feedback == {"a": False, "b": True}
    assert reflection.experiences == ()


def test_a_win_by_exploring_says_nothing_for_the_plans_before_it():
    planner = CaseBasedPlanner()
    decided(planner, 2, hit("eat carrot", id="a"))
    assert planner.reflect(example_trace(), WON).feedback == {"a": False}
