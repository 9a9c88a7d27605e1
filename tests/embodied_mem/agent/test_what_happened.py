"""What a trace and the recorded experiences keep of an episode."""

from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.records import Kind, SkillCall, Status
from embodied_mem.records.decisions import Act, Ask, Context, Decision, Stop
from embodied_mem.records.filters import Near, where
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import what_came_of
from embodied_mem.records.skills import Observation
from embodied_mem.store import MemoryStore
from embodied_mem.testing.key_door import KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})


class SeeingWorld(KeyDoorWorld):
    """`KeyDoorWorld` with facts, a pose, a position and an image; the position moves with each step."""

    n_seen = 0

    def begin(self, observation: Any, info: Any, *, seed: int | None) -> Any:
        self.n_seen = 0
        return super().begin(observation, info, seed=seed)

    def observe(self, observation: Any, info: Any) -> Observation:
        text = super().observe(observation, info).text
        at = float(self.n_seen)
        self.n_seen += 1
        return Observation(
            text=text,
            facts={"held": int(observation["held"]), "history": "x" * 100_000},
            pose=(at, 0.0, 1.5),
            position_m=(at, 0.0),
            images={"front": np.full((2, 3, 3), self.n_seen, np.uint8)},
            raw=observation,
        )


class Scripted:
    def __init__(self, *decisions: Decision) -> None:
        self.decisions = list(decisions)
        self.contexts: list[Context] = []

    def decide(self, context: Context) -> Decision:
        self.contexts.append(context)
        return self.decisions.pop(0) if self.decisions else Stop("the script is over")

    def describe(self) -> Any:
        return {"name": "scripted"}


def play(*decisions: Decision, world: Any = None, **settings: Any) -> Any:
    return Agent(planner=Scripted(*decisions), **settings).run_episode(world or SeeingWorld(), seed=0)


def test_a_call_keeps_what_was_seen_before_and_after_it_its_reward_and_its_steps() -> None:
    first, second = play(Act(plan=(GO,)), Act(plan=(GO,))).trace.calls
    assert (first.before.pose, first.after.pose) == ((0.0, 0.0, 1.5), (2.0, 0.0, 1.5))
    assert first.after == second.before
    assert first.before.position_m == (0.0, 0.0)
    assert first.before.images["front"] != first.after.images["front"]
    assert len(first.before.images["front"]) == 64
    assert (first.steps, first.reward) == (2, 0.0)


def test_what_a_call_keeps_is_bounded_and_says_what_it_left_out() -> None:
    class Wordy(SeeingWorld):
        def observe(self, observation: Any, info: Any) -> Observation:
            seen = super().observe(observation, info)
            return Observation(text="y" * 50_000, facts=seen.facts, raw=observation)

    trace = play(Act(plan=(GO,)), world=Wordy()).trace
    assert len(trace.calls[0].before.text) == 10_000
    assert len(trace.first.text) == 50_000
    assert trace.calls[0].before.facts == {"held": 0, "left_out": ["history"]}


def test_the_experience_of_an_episode_has_its_facts_and_its_position(tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        play(Act(plan=(GO,)), memory=memory)
        [experience] = store.experiences()
        assert experience.facts["held"] == 0
        assert experience.position_m == (0.0, 0.0)
        assert len(memory.recall(where=Near("position_m", (0.0, 0.0), 1.0))) == 1
        assert len(memory.recall(where=Near("position_m", (9.0, 0.0), 1.0))) == 0


def test_decisions_are_recorded_on_request(tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        episode = play(Act(plan=(GO,)), Act(plan=(GO,)), memory=memory, record_decisions=True)
        found = memory.recall(where=where(kind=Kind.DECISION.value), k=9).copy()
    found.sort(key=lambda hit: hit.experience.id)
    assert [hit.experience.plan for hit in found] == [(GO,), (GO,)]
    first = found[0].experience
    assert first.state == episode.trace.calls[0].before.text
    assert first.outcome.status is Status.FAILURE
    assert "locked" in first.outcome.explanation
    assert first.metadata["obstacle"] == "closed"
    assert (first.metadata["last"], first.metadata["episode"]) == ("", "failure")
    second = found[1].experience
    assert second.metadata["last"] == what_came_of(episode.trace.calls[0])
    assert second.state == f"{episode.trace.calls[1].before.text} {second.metadata['last']}"
    assert {hit.experience.id for hit in found} < set(episode.recorded)


def test_decisions_are_not_recorded_by_default(tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        play(Act(plan=(GO,)), memory=store.memory())
        assert [experience.kind for experience in store.experiences()] == ["episode"]


def test_the_call_that_won_has_the_outcome_of_the_episode(tmp_path: Any) -> None:
    world = SeeingWorld()
    world.begin(*(reset := world.env.reset(seed=0)), seed=0)
    world.observe(*reset)
    key = world.door.replace("door", "key")
    win = (SkillCall("take", {"object": key}), SkillCall("open", {"object": world.door}), GO)
    with MemoryStore.open(tmp_path) as store:
        play(Act(plan=win), world=world, memory=store.memory(), record_decisions=True)
        decisions = [each for each in store.experiences() if each.kind == Kind.DECISION]
    assert [each.outcome.status for each in decisions] == [Status.SUCCESS] * 3


def test_costs_of_every_kind_of_decision_add_up_in_the_outcome() -> None:
    episode = play(
        Ask("which key?", cost={"tokens": 10.0}),
        Act(plan=(GO,), cost={"tokens": 5.0, "usd": 0.5}),
        Stop("done", cost={"usd": 0.25}),
    )
    assert episode.outcome.cost == {"tokens": 15.0, "usd": 0.75}


@pytest.mark.parametrize("decision", [Ask("which?", shown=("m1",)), Stop("done", shown=("m1",))])
def test_every_decision_says_what_it_was_shown(decision: Decision) -> None:
    assert play(decision).trace.decisions[0].shown == ("m1",)


def test_a_spent_budget_of_recalls_is_seen_by_the_planner_and_kept_in_the_trace(tmp_path: Any) -> None:
    class Asking(Scripted):
        def decide(self, context: Context) -> Decision:
            self.contexts.append(context)
            context.recall(Query(task=context.task))
            return Act(plan=(GO,)) if len(self.contexts) < 4 else Stop("enough")

    planner = Asking()
    with MemoryStore.open(tmp_path) as store:
        agent = Agent(planner=planner, memory=store.memory(), limits=Limits(max_recalls=2))
        trace = agent.run_episode(SeeingWorld(), seed=0).trace
    assert [context.budget.recalls for context in planner.contexts] == [2, 1, 0, 0]
    assert (trace.n_recalls, trace.n_recalls_refused) == (2, 2)


def test_skills_come_with_their_descriptions_on_request() -> None:
    class Described(SeeingWorld):
        def skills(self, observation: Any, *, detail: Any = "signature") -> Any:
            self.details = [*getattr(self, "details", []), detail]
            return super().skills(observation, detail=detail)

    class Reader(Scripted):
        def decide(self, context: Context) -> Decision:
            assert [each.name for each in context.skills_in_full()] == [each.name for each in context.skills]
            return Stop("read")

    world = Described()
    Agent(planner=Reader()).run_episode(world, seed=0)
    assert world.details == ["signature", "full"]


def test_the_history_of_a_decision_is_a_view_that_does_not_grow() -> None:
    planner = Scripted(*[Act(plan=(GO,))] * 3)
    trace = Agent(planner=planner).run_episode(SeeingWorld(), seed=0).trace
    assert [len(context.history) for context in planner.contexts] == [0, 1, 2, 3]
    assert list(planner.contexts[2].history) == list(trace.calls[:2])
    assert planner.contexts[3].history[1:] == tuple(trace.calls[1:3])
    assert planner.contexts[3].last == trace.calls[2]


def test_an_environment_given_as_a_world_says_how_to_wrap_it() -> None:
    from embodied_mem.errors import EpisodeError

    with pytest.raises(EpisodeError, match=r"GymWorld\(env\)"):
        Agent(planner=Scripted()).run_episode(KeyDoorWorld().env)  # type: ignore[arg-type]
    with pytest.raises(EpisodeError, match="world is str"):
        Agent(planner=Scripted()).run_episode("babyai:GoToObj")  # type: ignore[arg-type]


def test_every_decision_of_an_episode_has_the_id_of_its_attempt() -> None:
    planner = Scripted(Act(plan=(GO,)), Act(plan=(GO,)))
    for attempt in ("a1", "a2"):
        Agent(planner=planner).run_episode(SeeingWorld(), seed=0, attempt=attempt)
    assert [context.episode for context in planner.contexts] == ["a1", "a1", "a1", "a2"]
