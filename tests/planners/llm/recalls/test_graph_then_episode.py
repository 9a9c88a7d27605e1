"""First facts, then experiences of the episodes that they were seen in."""

import pytest
from asked_memory import Asked, experience, record
from key_door_scripts import right_call

from embodied_mem import Agent
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import InvalidQuery
from embodied_mem.planners import make_planner
from embodied_mem.planners.facts_reflector import FactReflector
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.recalls.graph_then_episode import GraphThenEpisode
from embodied_mem.records import Origin
from embodied_mem.records.filters import where
from embodied_mem.testing import PlannerContract
from embodied_mem.testing.key_door import KeyDoorWorld


class TestWithGraphThenEpisode(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(ScriptedModel(right_call), recall=GraphThenEpisode())


def fact(name, text, *sources):
    subject, relation, thing = text.split(" ", 2)
    metadata = {"subject": subject, "relation": relation, "object": thing}
    return experience(name, text, kind="fact", task="", of="", call="", sources=sources, metadata=metadata)


def recalled(way, asked):
    return [hit.experience.id for hit in run_awaitable(way.before(asked.context, asked.query))]


@pytest.fixture
def house(memory):
    """The text of the right decision shares no word with the situation; only the fact leads to it."""
    record(
        memory,
        experience("seen", "Cellar.", task="wander", call="take(lantern)"),
        experience("alike", "A dark stair.", call="go_to(hall)"),
        fact("f1", "stair needs lantern light", "seen"),
        fact("f2", "duck likes pond"),
    )
    return memory


def test_the_experience_behind_a_fact_is_recalled(house):
    asked = Asked(house, "A dark stair.")
    assert recalled(GraphThenEpisode(), asked) == ["seen"]
    assert house.recall(asked.query)[0].experience.id == "alike"


def test_the_episode_with_more_facts_comes_first(memory):
    record(
        memory,
        *(experience(name, "Cellar.", task="wander") for name in ("once", "twice", "never")),
        fact("f1", "stair needs light", "once", "twice"),
        fact("f2", "stair is dark", "twice"),
    )
    asked = Asked(memory, "A dark stair.")
    asked.query = type(asked.query)(
        task=asked.query.task, state=asked.query.state, where=asked.query.where, k=1
    )
    assert recalled(GraphThenEpisode(), asked) == ["twice"]


def test_a_fact_of_an_episode_leads_to_the_decisions_of_that_episode(memory):
    first, second = Origin(attempt="one", episode=0), Origin(attempt="two", episode=1)
    record(
        memory,
        experience("episode", "Cellar.", kind="episode", origin=first),
        experience("its call", "Cellar.", origin=first),
        experience("another", "A dark stair.", origin=second),
        fact("f1", "stair needs light", "episode"),
    )
    assert recalled(GraphThenEpisode(), Asked(memory, "A dark stair.")) == ["its call"]


def test_without_a_fact_it_recalls_as_plain(memory):
    record(memory, experience("alike", "A dark stair."), fact("f", "stair is dark"))
    assert recalled(GraphThenEpisode(), Asked(memory, "A dark stair.")) == ["alike"]


def test_a_fact_whose_episode_may_not_be_shown_leads_nowhere(memory):
    record(
        memory,
        experience("note", "Cellar.", kind="note"),
        experience("alike", "A dark stair."),
        fact("f", "stair is dark", "note"),
    )
    assert recalled(GraphThenEpisode(), Asked(memory, "A dark stair.")) == ["alike"]


def test_a_fact_that_no_longer_holds_leads_nowhere(memory):
    ended = fact("f", "stair is dark", "seen")
    record(
        memory,
        experience("seen", "Cellar.", task="wander"),
        experience("alike", "A dark stair."),
        ended.replace(metadata={**ended.metadata, "holds": False}),
    )
    found = recalled(GraphThenEpisode(), Asked(memory, "A dark stair."))
    assert found[0] == "alike"


def test_the_facts_that_episodes_leave_lead_to_their_decisions(memory):
    teacher = Agent(
        planner=LLMPlanner(ScriptedModel(right_call), k=0),
        memory=memory,
        reflector=FactReflector(),
        record_decisions=True,
    )
    for seed in range(6):
        teacher.run_episode(KeyDoorWorld(), seed=seed)
    assert memory.recall(where=where(kind="fact"), k=1)[0].experience.sources
    planner = LLMPlanner(ScriptedModel(right_call), k=2, recall=GraphThenEpisode())
    episode = Agent(planner=planner, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=50)
    assert episode.trace.n_recalls == 3 * len(episode.trace.decisions)  # facts, their episodes, decisions
    assert all(len(decision.shown) == 2 for decision in episode.trace.decisions)
    assert all("/decision/" in name for decision in episode.trace.decisions for name in decision.shown)


def test_the_ways_are_made_by_name():
    made = make_planner("llm", llm={"name": "copy"}, recall={"name": "graph_then_episode"})
    assert made.describe()["recall"] == {"name": "graph_then_episode", "n_facts": 10}
    with pytest.raises(InvalidQuery, match="n_facts is 0"):
        GraphThenEpisode(n_facts=0)
