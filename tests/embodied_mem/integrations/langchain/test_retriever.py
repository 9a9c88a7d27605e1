"""`ExperienceRetriever`: what a recall gives, as documents."""

import asyncio

import pytest
from over_the_wire import OverTheWire

from embodied_mem import Experience, Outcome, Scope, SkillCall, Status, where
from embodied_mem.errors import EpisodeError, InvalidQuery
from embodied_mem.integrations.langchain import ExperienceRetriever


@pytest.fixture
def memory(store):
    made = store.memory(scope=Scope(agent="robot-1", place="kitchen"))
    made.record(
        Experience(
            id="cup",
            task="bring the cup",
            state="the cup is in the cupboard",
            plan=(SkillCall("open", {"object": "cupboard"}), SkillCall("pick_up", {"object": "cup"})),
            outcome=Outcome(status=Status.FAILURE, explanation="the cupboard is locked", steps=7),
            state_after="the cup is in the cupboard",
            metadata={"floor": 2},
            happened_at_s=5.0,
        )
    )
    made.record(Experience(id="note", task="", state="cups break easily", kind="note"))
    made.record(Experience(id="plant", task="water plants"))
    return made


def ids(documents) -> list[str]:
    return [document.id for document in documents]


def test_a_document_tells_the_experience_in_words_and_its_scores(memory):
    [found] = ExperienceRetriever(memory=memory, k=1).invoke("bring the cup")
    assert found.page_content == (
        "Task: bring the cup\n"
        "Situation: the cup is in the cupboard\n"
        "Done: open(cupboard); pick_up(cup)\n"
        "Outcome: failure after 7 steps: the cupboard is locked\n"
        "Situation afterwards: the cup is in the cupboard"
    )
    [hit] = memory.recall("bring the cup", k=1)
    assert found.metadata == {
        "id": "cup",
        "kind": "episode",
        "outcome": "failure",
        "scope": {"agent": "robot-1", "place": "kitchen"},
        "score": hit.score,
        "parts": dict(hit.parts),
        "similarities": dict(hit.similarities),
        "reason": hit.reason,
        "happened_at_s": 5.0,
        "metadata": {"floor": 2},
    }


def test_a_note_is_told_as_it_is(memory):
    [note] = ExperienceRetriever(memory=memory, where=where(kind="note")).invoke("cups")
    assert note.page_content == "cups break easily"


def test_settings_and_arguments_of_a_call_reach_the_recall(memory):
    retriever = ExperienceRetriever(memory=memory, min_similarity={"text": 0.1}, weights={"text": 3.0})
    assert set(ids(retriever.invoke("the cup"))) == {"cup", "note"}
    assert retriever.invoke("bring the cup")[0].metadata["score"] == pytest.approx(3.0)
    assert ids(retriever.invoke("the cup", k=1, where=where(kind="note"))) == ["note"]
    in_time = ExperienceRetriever(memory=memory).invoke("", order="first")
    assert ids(in_time) == ["cup", "note", "plant"]
    assert retriever.invoke("the cup", min_similarity={"text": 0.99}) == []


def test_an_asynchronous_memory_is_awaited(memory):
    retriever = ExperienceRetriever(memory=OverTheWire(memory), k=1)
    assert ids(asyncio.run(retriever.ainvoke("bring the cup"))) == ["cup"]
    assert ids(retriever.invoke("bring the cup")) == ["cup"]
    assert ids(asyncio.run(retriever.abatch(["bring the cup", "plants"]))[1]) == ["plant"]

    async def plain_call():
        retriever.invoke("bring the cup")

    with pytest.raises(EpisodeError, match="use the async form"):
        asyncio.run(plain_call())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"k": 20_000}, "k is 20000"),
        ({"where": {"kind": "note"}}, "is not a filter"),
        ({"weights": {"text": "much"}}, "weights"),
    ],
)
def test_a_wrong_setting_is_named_at_once(memory, options, named):
    with pytest.raises((InvalidQuery, ValueError), match=named):
        ExperienceRetriever(memory=memory, **options)


def test_a_wrong_memory_and_a_wrong_argument_of_a_call_are_named(memory):
    with pytest.raises(ValueError, match="memory is str"):
        ExperienceRetriever(memory="memories/kitchen")
    with pytest.raises(InvalidQuery, match="no keyword top_k"):
        ExperienceRetriever(memory=memory).invoke("cup", top_k=3)
