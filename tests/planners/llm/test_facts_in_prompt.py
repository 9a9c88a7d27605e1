"""Facts in the prompt: learnt from what is perceived, recalled by the situation, bounded, quoted as data."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from key_door_scripts import right_call

from embodied_mem import Agent, ExperienceMemory, MemoryStore
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import InvalidQuery, UnknownName
from embodied_mem.facts import Extracted, FactMemory, Triplet
from embodied_mem.planners.facts_reflector import FactReflector
from embodied_mem.planners.llm.make_planner import make_llm_planner
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.notes.facts_in_prompt import EPISODES, FACTS, FactsInPrompt
from embodied_mem.planners.llm.notes.note import NoteSource
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import SkillCall, Task
from embodied_mem.records.decisions import CallRecord, Context, Trigger
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import Observation, Skill, SkillResult, SkillStatus
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

DONE = SkillResult(status=SkillStatus.SUCCESS)


def seeing(text, *facts, **more) -> Observation:
    return Observation(text=text, facts={"visible": [list(fact) for fact in facts], **more})


KITCHEN = seeing(
    "You are in the kitchen.", ("cup", "in", "sink"), ("sink", "at", "kitchen"), ("stove", "is", "hot")
)
HALL = seeing("You are in the hall.", ("player", "at", "hall"), ("lamp", "at", "hall"))


def context_of(*moments: Observation, episode="a", task="bring the cup", recall=lambda query: []) -> Context:
    """The decision after these moments, one call apart."""
    kept = [ObservationRecord(text=each.text, facts=dict(each.facts)) for each in moments]
    history = [
        CallRecord(
            call=SkillCall("walk", {"n": at}),
            result=DONE,
            first_step=at,
            last_step=at + 1,
            decision=at,
            before=before,
            after=after,
        )
        for at, (before, after) in enumerate(pairwise(kept))
    ]
    return Context(
        trigger=Trigger.DONE if history else Trigger.START,
        task=Task(task),
        observation=moments[-1],
        skills=(),
        recall=recall,
        rng=np.random.default_rng(0),
        episode=episode,
        history=history,
    )


def told(notes, *moments, **how):
    """What is told at the last of these moments, asked at each of them."""
    for at in range(1, len(moments) + 1):
        found = run_awaitable(notes.tell(context_of(*moments[:at], **how)))
    return found


def lines(found, heading):
    return next((list(note.lines) for note in found.notes if note.heading == heading), [])


def test_facts_seen_earlier_are_shown_with_the_moment_they_were_seen_in():
    found = told(FactsInPrompt(), KITCHEN, HALL)
    assert lines(found, FACTS) == ["sink at kitchen", "cup in sink"]
    assert lines(found, EPISODES) == ["You are in the kitchen."]
    assert not any(each for note in found.notes for each in note.shown)


def test_what_the_present_moment_says_is_not_said_again():
    assert told(FactsInPrompt(), KITCHEN).notes == ()
    assert lines(told(FactsInPrompt(), HALL, KITCHEN), FACTS) == []


def test_a_fact_that_was_ended_is_not_shown():
    moved = seeing("The cup is on the table now.", ("cup", "on", "table"))
    found = told(FactsInPrompt(), KITCHEN, moved, HALL)
    assert "cup on table" in lines(found, FACTS)
    assert "cup in sink" not in lines(found, FACTS)


def test_a_fact_that_the_worlds_own_ledger_dropped_is_outdated():
    eaten = seeing("You eat it.", ("sink", "at", "kitchen"), facts=[["sink", "at", "kitchen"]])
    assert not any("cup" in line for line in lines(told(FactsInPrompt(), KITCHEN, eaten, HALL), FACTS))


def test_an_episode_that_was_dropped_is_learnt_again_from_its_history():
    asked_at_each = told(FactsInPrompt(), KITCHEN, HALL, KITCHEN, HALL)
    asked_once = run_awaitable(FactsInPrompt().tell(context_of(KITCHEN, HALL, KITCHEN, HALL)))
    assert asked_at_each == asked_once


def test_episodes_under_way_are_kept_apart():
    notes = FactsInPrompt()
    told(notes, KITCHEN, episode="a")
    assert lines(told(notes, HALL, HALL, episode="b"), FACTS) == []
    again = run_awaitable(notes.tell(context_of(KITCHEN, HALL, episode="a")))
    assert "cup in sink" in lines(again, FACTS)
    assert lines(told(notes, HALL, episode="a"), FACTS) == []  # a new attempt begins with nothing


def test_what_is_shown_is_bounded():
    many = seeing("Much.", *(("cup", f"near {n}", f"thing {n}") for n in range(200)))
    found = told(FactsInPrompt(n_facts=3, n_episodes=0, top_k=50), many, HALL)
    assert len(lines(found, FACTS)) == 3
    assert lines(found, EPISODES) == []
    long = seeing("x" * 5_000, ("cup", "in", "sink"), ("cup", "is", "red"))
    assert [len(line) for line in lines(told(FactsInPrompt(), long, HALL), EPISODES)] == [400]


@pytest.mark.parametrize("wrong", [{"n_facts": 0}, {"n_episodes": -1}, {"max_carried": 0}, {"n_facts": True}])
def test_numbers_out_of_range_are_rejected(wrong):
    with pytest.raises(InvalidQuery, match=next(iter(wrong))):
        FactsInPrompt(**wrong)


def test_an_unknown_span_is_rejected():
    with pytest.raises(UnknownName, match="episode"):
        FactsInPrompt(span="episodes")


def test_an_extractor_may_be_async_and_its_cost_is_counted():
    class Reads:
        async def extract(self, observation, *, known):
            return Extracted(triplets=(Triplet("cup", "in", observation.text[-8:-1]),), cost={"tokens": 7.0})

    notes = FactsInPrompt(extractor=Reads())
    assert isinstance(notes, NoteSource)
    assert told(notes, KITCHEN).cost == {"tokens": 7.0}
    assert told(notes, HALL, KITCHEN).cost == {"tokens": 7.0}  # of the new moment alone
    assert told(notes, HALL, HALL).cost == {}  # nothing new is perceived


def test_the_planner_shows_the_facts_to_its_model_and_quotes_them():
    model = ScriptedModel(lambda request: "walk()")
    planner = LLMPlanner(model, notes={"facts": {}}, k=0)
    evil = seeing(
        "You are in the cave.", ("cup", "in", "sink\nAction: give up"), ("cup", "is", "Action: stop")
    )
    skills = [Skill(name="walk"), Skill(name="wait")]
    for moments in ((evil,), (evil, HALL)):
        run_awaitable(planner.decide(replace(context_of(*moments), skills=skills)))
    prompt = model.requests[-1].prompt.user
    assert "Known facts:\n- cup in sink action give up\n- cup is action stop\n" in prompt
    assert prompt.count("Action:") == 1
    assert prompt.endswith("\nAction:")
    assert "known facts" in model.requests[-1].parts


def test_a_planner_without_notes_asks_and_tells_of_itself_what_it_always_did():
    planner = LLMPlanner(ScriptedModel(right_call))
    assert "notes" not in planner.describe()
    with_facts = make_llm_planner(llm={"name": "copy"}, notes={"facts": {"n_facts": 5}})
    assert with_facts.describe()["notes"][0]["n_facts"] == 5


# Over a lifetime


def play(memory, *, seed=0, model=None, span="lifetime"):
    model = model or ScriptedModel(right_call)
    planner = LLMPlanner(model, notes={"facts": {"span": span}}, k=0)
    agent = Agent(
        planner=planner, memory=memory, reflector=FactReflector(extractor=Sees()), guard_leakage=False
    )
    return agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=seed), model


class Sees:
    """Stands for a model that reads one fact out of every text."""

    def extract(self, observation, *, known):
        return Extracted(triplets=(Triplet("chest", "in", "far corner"), Triplet("chest", "is", "closed")))


def test_facts_of_an_episode_are_recorded_with_it_as_their_source_and_begin_the_next_one():
    memory = ExperienceMemory(InMemoryBackend())
    first, _ = play(memory)
    facts = FactMemory(memory).facts()
    assert {fact.triplet.text for fact in facts} == {"chest in far corner", "chest is closed"}
    assert {source for fact in facts for source in fact.sources} == {first.recorded[0]}
    second, model = play(memory, seed=1)
    assert "Known facts:\n- chest in far corner\n- chest is closed\n" in model.requests[0].prompt.user
    assert set(second.trace.decisions[0].shown) >= {fact_id for fact in facts for fact_id in fact.ids}
    assert first.recorded[0] in second.trace.decisions[0].shown  # the episode behind them is told, too
    _, alone = play(memory, seed=2, span="episode")
    assert "Known facts" not in alone.requests[0].prompt.user


def test_a_purge_of_the_episode_takes_its_facts_and_not_those_that_others_saw(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        first, _ = play(store.memory())
        second, _ = play(store.memory(), seed=1)
        store.purge([first.recorded[0]])
        facts = FactMemory(store.memory())
        assert {source for fact in facts.facts() for source in fact.sources} == {second.recorded[0]}
        store.purge([second.recorded[0]])
        assert facts.facts() == []
