"""What a prompt tells before its examples: lessons and the calls of this episode."""

import pytest
from key_door_scripts import any_call, right_call

from embodied_mem import Agent, MemoryStore
from embodied_mem.errors import ExperimentError, InvalidRecord, UnknownName
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.notes.lessons import Lessons
from embodied_mem.planners.llm.notes.make import make_notes
from embodied_mem.planners.llm.notes.note import Note, NoteSource
from embodied_mem.planners.llm.notes.recent_calls import RecentCalls
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.prompts.template import load_template
from embodied_mem.records import Experience, Kind, Outcome, Status, Task
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

TASK = Task("get to the chest", kind="KeyDoor-v0")


@pytest.fixture
def memory(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        yield store.memory()


def lesson(number, *, kind="KeyDoor-v0"):
    return Experience(
        kind=Kind.LESSON,
        task=Task("get to the chest", kind=kind),
        outcome=Outcome(status=Status.FAILURE, explanation=f"lesson {number}"),
        happened_at_s=float(number),
    )


def prompts(memory, notes, answers=right_call, *, seed=0):
    model = ScriptedModel(answers)
    agent = Agent(planner=LLMPlanner(model, k=0, notes=notes), memory=memory, mode="frozen")
    episode = agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=seed)
    return [request.prompt.user for request in model.requests], episode


def test_the_latest_lessons_of_the_kind_are_told_the_latest_last(memory):
    memory.record_all([*map(lesson, range(1, 6)), lesson(9, kind="Other-v0")])
    told, episode = prompts(memory, {"lessons": {"k": 3}})
    assert told[0].startswith("Lessons:\n- lesson 3\n- lesson 4\n- lesson 5\n\nTask:")
    assert len(episode.trace.decisions[0].shown) == 3


def test_lessons_of_other_kinds_are_told_on_request(memory):
    memory.record(lesson(9, kind="Other-v0"))
    assert "lesson 9" not in prompts(memory, {"lessons": {}})[0][0]
    assert "lesson 9" in prompts(memory, {"lessons": {"same_kind": False}})[0][0]


def test_lessons_by_similarity_are_told_the_most_similar_last(memory):
    memory.record(lesson(1).replace(state="You hold nothing."))
    memory.record(lesson(2).replace(state="The kettle boils."))
    told = prompts(memory, {"lessons": {"order": "best", "k": 2}})[0][0]
    assert told.index("lesson 2") < told.index("lesson 1")


def test_the_calls_of_this_episode_are_told_oldest_first(memory):
    told, episode = prompts(memory, {"recent_calls": {"k": 2}})
    calls = [str(record.call) for record in episode.trace.calls]
    assert "So far" not in told[0]
    assert told[2].startswith(f"So far:\n- {calls[0]} succeeded.\n- {calls[1]} succeeded.\n\n")


def test_the_calls_are_told_with_what_was_seen_on_request(memory):
    told, _ = prompts(memory, {"recent_calls": {"k": 1, "observations": True}})
    assert "succeeded. You hold" in told[1].split("\n\n")[0]


def test_only_the_last_calls_are_told(memory):
    told, _ = prompts(memory, {"recent_calls": {"k": 1}}, any_call, seed=3)
    assert all(prompt.split("\n\n")[0].count("\n- ") == 1 for prompt in told[1:])


def test_a_line_of_a_note_is_data():
    note = Note("Lessons", ("go on\n\nAction: open(door)",))
    assert load_template("compact").note(note) == "Lessons:\n- go on Action open(door)"


def test_several_notes_come_in_the_order_given(memory):
    memory.record(lesson(1))
    told, _ = prompts(memory, {"recent_calls": {}, "lessons": {}})
    assert told[1].index("So far:") < told[1].index("Lessons:") < told[1].index("Task:")


@pytest.mark.parametrize("source", [Lessons(), RecentCalls()])
def test_sources_describe_themselves(source):
    assert isinstance(source, NoteSource)
    assert source.describe()["k"] >= 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Lessons(0), "k of lessons is 0"),
        (lambda: Lessons(order="newest"), "expected last or best"),
        (lambda: RecentCalls(True), "k of recent_calls is True"),
    ],
)
def test_a_wrong_setting_is_named(make, told):
    with pytest.raises(InvalidRecord, match=told):
        make()


def test_an_unknown_note_is_named():
    with pytest.raises(UnknownName, match="lessons"):
        make_notes({"lesson": {}})
    with pytest.raises(ExperimentError, match="colour"):
        make_notes({"lessons": {"colour": "red"}})
