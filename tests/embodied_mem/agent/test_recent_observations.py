"""The last few distinct observations as a short-term memory."""

from typing import Any

import pytest

from embodied_mem.agent import Agent, RecentObservations
from embodied_mem.errors import InvalidRecord
from embodied_mem.records import SkillCall, Task
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.skills import Observation
from embodied_mem.testing.key_door import KeyDoorWorld


def seen(*texts: str, n: int = 8) -> RecentObservations:
    recent = RecentObservations(n)
    recent.begin(Task("look"))
    for step, text in enumerate(texts):
        recent.perceive(Observation(text=text, facts={"step": step, text: True}), step=step)
    return recent


def test_the_newest_comes_first_with_its_step():
    assert seen("a", "b").view().text == "step 1: b\nstep 0: a"


def test_what_is_seen_again_is_kept_once_as_the_newest():
    assert seen("a", "b", "a").view().text == "step 2: a\nstep 1: b"


def test_only_the_last_n_are_kept():
    assert seen("a", "b", "c", n=2).view().text == "step 2: c\nstep 1: b"


def test_a_newer_fact_replaces_an_older_one():
    assert seen("a", "b").view().facts == {"step": 1, "a": True, "b": True}


def test_a_budget_keeps_the_newest_and_what_it_is_about():
    recent = seen("the door is locked", "a table", "a chair")
    assert recent.view(4).text == "step 2: a chair"
    assert "the door is locked" in recent.view(9, about=("door",)).text


def test_large_facts_are_named_and_not_copied():
    recent = RecentObservations()
    recent.perceive(Observation(text="a", facts={"map": "x" * 10_000, "held": None}), step=0)
    assert recent.view().facts == {"held": None, "left_out": ["map"]}


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_a_size_that_makes_no_sense_is_refused(n):
    with pytest.raises(InvalidRecord, match="n is"):
        RecentObservations(n)


def test_a_planner_reads_it_in_an_episode_and_the_next_episode_begins_empty():
    class Reading:
        def __init__(self) -> None:
            self.views: list[str] = []

        def decide(self, context: Context) -> Decision:
            self.views.append(context.recent(1_000).text)
            return Stop("read") if context.history else Act(plan=(SkillCall("take", {"object": "red key"}),))

        def describe(self) -> Any:
            return {"name": "reading"}

    planner = Reading()
    agent = Agent(planner=planner, short_term=RecentObservations())
    for _ in range(2):
        agent.run_episode(KeyDoorWorld(), seed=0)
    first, second = planner.views[:2]
    assert first == "step 0: You hold nothing. The yellow door is locked."
    assert second.splitlines() == [
        "step 2: You hold red key. The yellow door is locked.",
        "step 1: You hold nothing. The yellow door is locked.",
    ]
    assert planner.views[2:] == planner.views[:2]
