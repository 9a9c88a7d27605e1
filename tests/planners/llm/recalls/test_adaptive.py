"""Recall where the task is rare, the last call failed, or the model is unsure; else the tokens are saved."""

import dataclasses

import pytest
from asked_memory import Asked, experience, record
from key_door_scripts import right_call

from embodied_mem import Agent
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import InvalidQuery
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.recalls.adaptive import AdaptiveRecall
from embodied_mem.testing import PlannerContract
from embodied_mem.testing.key_door import KeyDoorWorld


def before(way, asked):
    return [hit.experience.id for hit in run_awaitable(way.before(asked.context, asked.query))]


def after(way, asked, confidence):
    return [hit.experience.id for hit in run_awaitable(way.after(asked.context, asked.query, confidence))]


@pytest.fixture
def known(memory):
    record(memory, *(experience(f"known {n}", f"A hall with {n} lamps.") for n in range(5)))
    record(memory, experience("rare", "A garden.", of="garden"))
    return memory


def test_a_task_that_memory_knows_well_is_decided_without_it(known):
    assert before(AdaptiveRecall(rare_below=5), Asked(known, "A hall.")) == []
    assert len(before(AdaptiveRecall(rare_below=6), Asked(known, "A hall."))) == 2
    assert len(before(AdaptiveRecall(), Asked(known, "A garden.", of="garden"))) == 2


def test_a_task_without_a_kind_is_known_by_its_text(known):
    record(known, *(experience(f"plain {n}", "A hall.", of="", task="sing") for n in range(5)))
    assert before(AdaptiveRecall(), Asked(known, "A hall.", of="", task="sing")) == []
    assert before(AdaptiveRecall(), Asked(known, "A hall.", of="", task="dance")) != []


def test_only_what_may_be_shown_makes_a_task_known(memory):
    record(memory, *(experience(f"n{n}", "A hall.", kind="note") for n in range(9)))
    record(memory, experience("one", "A hall."))
    assert before(AdaptiveRecall(), Asked(memory, "A hall.")) == ["one"]


@pytest.mark.parametrize(("last", "n"), [("failure", 2), ("success", 0), ("ended", 0)])
def test_after_a_failure_memory_is_asked(known, last, n):
    assert len(before(AdaptiveRecall(rare_below=0), Asked(known, "A hall.", last=last))) == n


def test_nothing_is_asked_where_no_rule_needs_it(known):
    asked = Asked(known, "A hall.")
    before(AdaptiveRecall(rare_below=0), asked)
    assert asked.queries == []


@pytest.mark.parametrize(("confidence", "n"), [(0.4, 2), (0.5, 0), (0.9, 0), (0.0, 2), (None, 2)])
def test_an_unsure_answer_is_given_anew_with_memory(known, confidence, n):
    asked = Asked(known, "A hall.")
    assert len(after(AdaptiveRecall(min_confidence=0.5), asked, confidence)) == n
    assert after(AdaptiveRecall(), asked, confidence) == []


def test_a_wrong_setting_is_named():
    with pytest.raises(InvalidQuery, match="rare_below is -1"):
        AdaptiveRecall(rare_below=-1)
    with pytest.raises(InvalidQuery, match="min_confidence is 2; expected a number from 0 to 1"):
        AdaptiveRecall(min_confidence=2)


# In a planner


class Sure(ScriptedModel):
    """A script whose answers are as sure as `confidence` says; each prompt takes 10 tokens."""

    def __init__(self, answers, confidence):
        super().__init__(answers)
        self.confidence = confidence

    async def answer(self, request):
        given = await super().answer(request)
        return dataclasses.replace(given, confidence=self.confidence(request), tokens_in=10)


class TestWithAdaptiveRecall(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(Sure(right_call, lambda request: 0.1), recall=AdaptiveRecall(min_confidence=0.5))


@pytest.fixture
def taught(memory):
    teacher = Agent(planner=LLMPlanner(ScriptedModel(right_call), k=0), memory=memory, record_decisions=True)
    for seed in range(4):
        teacher.run_episode(KeyDoorWorld(), seed=seed)
    return memory


def play(model, memory, **options):
    planner = LLMPlanner(model, recall=AdaptiveRecall(**options), max_prompt_tokens=900)
    return Agent(planner=planner, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=50)


def test_a_sure_model_is_asked_once_and_sees_no_memory(taught):
    model = Sure(right_call, lambda request: 0.9)
    episode = play(model, taught, min_confidence=0.5)
    assert episode.outcome.is_success
    assert all(not request.examples for request in model.requests)
    assert [each.cost["model_calls"] for each in episode.trace.decisions] == [1.0] * 3
    assert episode.outcome.cost["tokens_memory"] == 0


def test_an_unsure_model_is_asked_again_with_memory_and_both_calls_are_paid(taught):
    model = Sure(right_call, lambda request: 0.9 if request.examples else 0.1)
    episode = play(model, taught, min_confidence=0.5)
    assert episode.outcome.is_success
    assert [bool(request.examples) for request in model.requests] == [False, True] * 3
    for decision in episode.trace.decisions:
        assert (decision.cost["model_calls"], decision.cost["tokens_in"]) == (2.0, 20.0)
        assert len(decision.shown) == 2
        assert decision.cost["tokens_memory"] > 0
    assert [each.place.partition("#")[2] for each in model.requests][:3] == ["0", "0m", "1"]


def test_an_answer_that_cannot_be_read_counts_as_unsure(taught):
    model = Sure(lambda request: right_call(request) if request.examples else "sing", lambda request: 1.0)
    assert play(model, taught, min_confidence=0.5).outcome.is_success


def test_the_first_answer_stays_where_the_second_cannot_be_read(taught):
    model = Sure(lambda request: "sing" if request.examples else right_call(request), lambda request: 0.1)
    assert play(model, taught, min_confidence=0.5).outcome.is_success
