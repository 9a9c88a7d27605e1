"""The tools by which a model asks memory and records."""

import asyncio
import json

import pytest
from pydantic import ValidationError

from embodied_mem import Experience, Outcome, Status, where
from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langchain import experience_tools, recall_tool, record_tool


@pytest.fixture
def memory(store):
    made = store.memory()
    made.record(Experience(task="bring the cup", id="good", outcome=Outcome(status=Status.SUCCESS)))
    made.record(Experience(task="bring the cup", id="bad", outcome=Outcome(status=Status.TIMEOUT)))
    made.record(Experience(task="bring the cup", id="other", kind="decision"))
    return made


def ids(answer: str) -> set[str]:
    return {json.loads(line)["id"] for line in answer.splitlines() if line.startswith("{")}


@pytest.mark.parametrize(
    ("outcome", "expected"), [("any", {"good", "bad", "other"}), ("success", {"good"}), ("failure", {"bad"})]
)
def test_recalls_by_task_and_outcome(memory, outcome, expected):
    asked = {"task": "bring a cup", "outcome": outcome}
    assert ids(recall_tool(memory).invoke(asked)) == expected
    assert ids(asyncio.run(recall_tool(memory).ainvoke(asked))) == expected


def test_the_users_filter_holds_whatever_the_model_asks(memory):
    tool = recall_tool(memory, where=where(kind="decision"))
    assert ids(tool.invoke({"task": "bring a cup", "k": 10})) == {"other"}


def test_nothing_alike_is_said_in_words(memory):
    assert recall_tool(memory).invoke({"task": "paint"}) == "No experience like this is recorded."


@pytest.mark.parametrize("wrong", [{"k": 11}, {"k": 0}, {"outcome": "good"}, {"task": "x" * 4_001}])
def test_a_model_cannot_ask_for_more_than_the_schema_allows(memory, wrong):
    with pytest.raises(ValidationError):
        recall_tool(memory).invoke({"task": "bring", **wrong})


def test_an_answer_is_bounded(memory):
    for _ in range(10):
        memory.record(Experience(task="bring the cup", state="far away " * 1_000))
    assert len(recall_tool(memory, budget_tokens=300).invoke({"task": "cup", "k": 10})) <= 1_200


def test_recording_is_offered_only_where_it_is_wanted(memory):
    assert [tool.name for tool in experience_tools(memory)] == ["recall_experiences"]
    both = experience_tools(memory, records=True)
    assert [tool.name for tool in both] == ["recall_experiences", "record_experience"]


def test_what_a_model_says_of_its_success_is_a_claim(store):
    calls = [{"skill": "open", "arguments": {"object": "fridge"}}, {"skill": "wait"}]
    said = record_tool(store.memory()).invoke(
        {"task": "bring milk", "situation": "it is in the fridge", "calls": calls, "outcome": "success"}
    )
    [kept] = store.experiences()
    assert said == f"Recorded as {kept.id}."
    assert [str(call) for call in kept.plan] == ["open(fridge)", "wait()"]
    assert (kept.outcome.status, kept.metadata) == (Status.UNVERIFIED, {"claimed": "success"})


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({"x": "\ud800"}, {"x": "\ufffd"}),
        ({"x": float("nan")}, {"unreadable": "{'x': nan}"}),
    ],
)
def test_arguments_that_cannot_be_stored_are_kept_in_readable_form(store, arguments, kept):
    calls = [{"skill": "open", "arguments": arguments}]
    record_tool(store.memory()).invoke({"task": "bring", "calls": calls, "outcome": "failure"})
    [experience] = store.experiences()
    assert experience.plan[0].arguments == kept


def test_a_wrong_filter_is_named_when_the_tool_is_made(memory):
    with pytest.raises(InvalidQuery, match="is not a filter"):
        recall_tool(memory, where={"kind": "note"})
    with pytest.raises(InvalidQuery, match="memory is str"):
        record_tool("memories/kitchen")
