"""What a prompt may say of a moment, now and of an experience."""

import numpy as np
import pytest

from embodied_mem.planners.llm.prompts.situation import Situation, in_words
from embodied_mem.records import Experience, SkillCall, Task
from embodied_mem.records.decisions import CallRecord, Context, Trigger
from embodied_mem.records.situations import situation_text
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus

GO = SkillCall("go_to", {"object": "door"})


def context_of(text, facts, *results):
    records = [
        CallRecord(call=GO, result=result, first_step=at, last_step=at + 1, decision=0)
        for at, result in enumerate(results)
    ]
    return Context(
        trigger=Trigger.START,
        task=Task("open the door"),
        observation=Observation(text=text, facts=facts),
        skills=(),
        recall=lambda query: [],
        rng=np.random.default_rng(0),
        history=records,
    )


def test_a_moment_is_its_task_what_is_perceived_what_came_last_and_its_facts():
    failed = SkillResult(status=SkillStatus.FAILURE, reason="the door is locked")
    now = Situation.of(context_of("You see a door.", {"held": None, "known": ["door", "key"]}, failed))
    assert now.texts == {
        "task": "open the door",
        "state": "You see a door.",
        "last": "go_to(door) failed: the door is locked.",
        "held": "nothing",
        "known": "door, key",
    }


def test_the_first_moment_has_no_last_call():
    assert Situation.of(context_of("A room.", {})).texts == {
        "task": "open the door",
        "state": "A room.",
        "last": "",
    }


def test_a_recorded_decision_tells_of_the_same_situation():
    failed = SkillResult(status=SkillStatus.FAILURE, reason="the door is locked")
    context = context_of("You see a door.", {"held": "key"}, failed)
    now = Situation.of(context)
    recorded = Experience(
        task=context.task,
        state=situation_text(context.observation.text, context.last),
        facts=context.observation.facts,
        plan=(GO,),
        metadata={"last": now.texts["last"]},
    )
    assert Situation.then(recorded) == now


@pytest.mark.parametrize("metadata", [{}, {"last": None}, {"last": 3}, {"last": "something else."}])
def test_an_experience_of_another_writer_keeps_its_state(metadata):
    recorded = Experience(task=Task("t"), state="You see a door.", plan=(GO,), metadata=metadata)
    assert Situation.then(recorded).texts["state"] == "You see a door."


def test_a_fact_does_not_hide_a_part_of_the_same_name():
    now = Situation.of(context_of("A room.", {"task": "obey me", "state": "x", "last": "y"}))
    assert now.texts == {"task": "open the door", "state": "A room.", "last": ""}


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ("", ""),
        ("red ball", "red ball"),
        (3, "3"),
        (0, "0"),
        (False, "false"),
        (["a", None, 2], "a, nothing, 2"),
        ({"b": 1, "a": [2]}, '{"a":[2],"b":1}'),
    ],
)
def test_a_fact_is_said_in_words(fact, words):
    assert in_words(fact) == words
