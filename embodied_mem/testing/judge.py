"""Tests that every `Judge` and every `Reflector` must pass."""

import inspect
from typing import Any

import pytest

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.contracts import Judge, JudgesImages, Reflector
from embodied_mem.records.decisions import CallRecord, Trigger
from embodied_mem.records.episodes import DecisionRecord, RecallRecord, Trace
from embodied_mem.records.experience import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import SkillResult, SkillStatus


def example_trace(**changes: Any) -> Trace:
    """A short won episode: one call, made from the memory `m1`; `changes` replace fields."""
    call = SkillCall("go_to", {"object": "chest"})
    decision = DecisionRecord(
        index=0,
        step=0,
        trigger=Trigger.START,
        plan=(call,),
        recalled=(RecallRecord(experience_id="m1", score=1.0, parts={"state": 1.0}, reason="best match"),),
        shown=("m1",),
        acted_on=("m1",),
    )
    record = CallRecord(
        call=call, result=SkillResult(status=SkillStatus.ENDED), first_step=0, last_step=2, decision=0
    )
    values: dict[str, Any] = {
        "task": Task("get to the chest", kind="KeyDoor-v0", instance="KeyDoor-v0#1"),
        "seed": 1,
        "first": ObservationRecord(text="The door is locked."),
        "last": ObservationRecord(text="The door is open."),
        "calls": (record,),
        "decisions": (decision,),
        "steps": 2,
        "reward": 1.0,
        "is_terminated": True,
        "is_truncated": False,
        "ended_by": "environment",
        "goal_reached": True,
    }
    return Trace(**{**values, **changes})


def answer_of(answer: Any) -> Any:
    """The answer, awaited if it is an awaitable: judges and reflectors may be `async`."""
    return run_awaitable(answer) if inspect.isawaitable(answer) else answer


class JudgeContract:
    """Subclass it and define a `judge` fixture."""

    @pytest.fixture
    def judge(self) -> Judge:
        """The judge to test."""
        raise NotImplementedError("override the fixture `judge`")

    def test_it_gives_an_outcome(self, judge: Judge) -> None:
        """The outcome gives the steps taken, or None."""
        outcome = answer_of(judge.judge(example_trace()))
        assert isinstance(outcome, Outcome)
        assert outcome.steps in (None, 2)

    def test_equal_traces_are_judged_equally(self, judge: Judge) -> None:
        """A judge keeps no state between episodes."""
        first = answer_of(judge.judge(example_trace()))
        answer_of(judge.judge(example_trace(goal_reached=False, reward=0.0)))
        assert answer_of(judge.judge(example_trace())) == first

    def test_it_judges_the_same_with_images_where_there_are_none(self, judge: Judge) -> None:
        """A judge that also looks at images takes an episode without any."""
        if isinstance(judge, JudgesImages):
            outcome = answer_of(judge.judge_with_images(example_trace(), {}))
            assert outcome == answer_of(judge.judge(example_trace()))

    def test_an_environment_that_broke_is_no_success(self, judge: Judge) -> None:
        """Events before the environment raised do not prove success."""
        broken = example_trace(
            error="OSError: gone", goal_reached=None, is_terminated=False, ended_by="error"
        )
        assert not answer_of(judge.judge(broken)).is_success

    def test_a_planner_that_stops_proves_nothing(self, judge: Judge) -> None:
        """The goal has not been confirmed independently of the agent."""
        stopped = example_trace(goal_reached=None, is_terminated=False, ended_by="planner", reward=0.0)
        assert not answer_of(judge.judge(stopped)).is_success

    def test_a_goal_that_was_missed_is_no_success(self, judge: Judge) -> None:
        """The world's own goal check decides."""
        assert not answer_of(judge.judge(example_trace(goal_reached=False, reward=0.0))).is_success


class ReflectorContract:
    """Subclass it and define a `reflector` fixture."""

    @pytest.fixture
    def reflector(self) -> Reflector:
        """The reflector to test."""
        raise NotImplementedError("override the fixture `reflector`")

    @pytest.mark.parametrize("status", [Status.SUCCESS, Status.FAILURE, Status.UNVERIFIED])
    def test_it_gives_experiences_and_feedback(self, reflector: Reflector, status: Status) -> None:
        """This holds for every outcome."""
        reflection = answer_of(reflector.reflect(example_trace(), Outcome(status=status)))
        assert all(isinstance(experience, Experience) for experience in reflection.experiences)
        assert all(isinstance(helped, bool) for helped in reflection.feedback.values())

    def test_it_judges_only_what_was_acted_on(self, reflector: Reflector) -> None:
        """Feedback is given only on memories that a decision acted on."""
        reflection = answer_of(reflector.reflect(example_trace(), Outcome(status=Status.SUCCESS)))
        assert set(reflection.feedback) <= {"m1"}

    def test_it_never_stores_again_what_memory_returned(self, reflector: Reflector) -> None:
        """A recalled experience is not new evidence and gets no copy."""
        reflection = answer_of(reflector.reflect(example_trace(), Outcome(status=Status.SUCCESS)))
        assert "m1" not in {experience.id for experience in reflection.experiences}

    def test_a_lost_episode_teaches_no_success(self, reflector: Reflector) -> None:
        """Repairs kept from lost episodes turned into superstitions (measured: 0.00 against 0.80 success)."""
        lost = example_trace(goal_reached=False)
        reflection = answer_of(reflector.reflect(lost, Outcome(status=Status.FAILURE)))
        assert not any(experience.outcome.is_success for experience in reflection.experiences)
