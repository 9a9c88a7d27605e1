"""The forms of roles that need no model."""

from dataclasses import replace

import pytest
from role_moments import HERE, OPEN, SKILLS, TAKE, after_failure, called, context_of, hit

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.errors import EpisodeError, ExperimentError, InvalidRecord, UnknownName
from embodied_mem.facts import Triplet
from embodied_mem.planners.llm.answers.answer_forms import Judgement
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.roles.make_role import ROLES, make_role
from embodied_mem.planners.llm.roles.predict import UNKNOWN
from embodied_mem.planners.llm.roles.repair import grounded
from embodied_mem.planners.llm.roles.summarise import PlainReflector
from embodied_mem.records import Experience, Kind, Outcome, SkillCall, Status
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus
from embodied_mem.testing import JudgeContract, ReflectorContract
from embodied_mem.testing.judge import example_trace

CHOICES = CallChoices(SKILLS, max_calls=2)


def value(reply):
    reply = run_awaitable(reply)
    assert (dict(reply.cost), reply.failure) == ({}, "")
    return reply.value


class TestJudge(JudgeContract):
    @pytest.fixture
    def judge(self):
        return make_role("judge")


class TestReflector(ReflectorContract):
    @pytest.fixture
    def reflector(self):
        return make_role("summarise")


# describe, predict, self_check


def test_a_description_is_the_text_of_the_observation():
    assert value(make_role("describe").describe_scene(context_of())) == HERE.text


@pytest.mark.parametrize(
    ("recalled", "expected"),
    [
        ([], UNKNOWN),
        ([hit(TAKE)], UNKNOWN),
        ([hit(OPEN, Status.FAILURE, why="no key")], Judgement(False, "no key")),
        ([hit(OPEN, Status.FAILURE), hit(OPEN)], Judgement(True)),
        ([hit(OPEN), hit(OPEN, Status.TIMEOUT), hit(TAKE), hit(None)], Judgement(False)),
        ([hit(replace(OPEN, count=3), Status.FAILURE)], Judgement(False)),
    ],
)
def test_a_prediction_is_what_came_of_the_most_similar_experience_with_that_call(recalled, expected):
    assert (
        value(make_role("predict").predict(context_of(), [replace(OPEN, count=2), TAKE], recalled))
        == expected
    )


def test_a_check_refuses_what_is_illegal_or_failed_in_this_situation():
    checker = make_role("self_check")
    assert value(checker.check(context_of(), [TAKE, OPEN])) == Judgement(True)
    flown = value(checker.check(context_of(), [SkillCall("fly")]))
    assert flown == Judgement(False, "Unknown skill 'fly'. Known: open, take.")
    wrong = value(checker.check(context_of(), [SkillCall("take", {"object": "green key"})]))
    assert not wrong.is_good
    assert "green key" in wrong.reason
    failed = value(checker.check(after_failure(), [TAKE, OPEN]))
    assert failed == Judgement(False, "open(red door) failed: the red door is locked.")
    elsewhere = called(before=Observation(text="Another room."))
    assert value(checker.check(context_of(history=[elsewhere]), [OPEN])).is_good
    worked = called(result=SkillResult(status=SkillStatus.SUCCESS))
    assert value(checker.check(context_of(history=[worked]), [OPEN])).is_good


# explain, repair


def test_an_explanation_is_the_reason_of_the_call():
    assert value(make_role("explain").explain(after_failure())) == "the red door is locked"
    with pytest.raises(EpisodeError, match="nothing was called yet"):
        run_awaitable(make_role("explain").explain(context_of()))


def repaired(recalled, choices=CHOICES):
    return value(make_role("repair").repair(after_failure(), choices, "locked", recalled))


def test_a_repair_is_the_most_similar_one_on_the_objects_at_hand():
    lifted = hit(SkillCall("open", {"object": "<object>"}), kind="repair")
    assert repaired([]) is None
    assert repaired([hit(TAKE), lifted]) == (OPEN,)
    assert repaired([lifted, hit(TAKE)]) == (TAKE,)
    missing = hit(SkillCall("open", {"object": "<tool>"}), kind="repair")
    assert repaired([lifted, hit(None), missing]) == (OPEN,)
    assert repaired([hit(TAKE), hit(SkillCall("fly"))]) == (TAKE,)


def test_what_a_repair_tells_names_no_role():
    """A stored failure may have had a thing that this one has not."""
    worn = hit(TAKE)
    lifted = replace(worn, experience=worn.experience.replace(state="<obstacle2> is behind <object>"))
    [(why, plan)] = grounded(after_failure(), [lifted])
    assert (why, plan) == ("the obstacle is behind red door", (TAKE,))


def test_a_repair_makes_only_calls_that_can_be_made():
    worn = hit(SkillCall("take", {"object": "red ball"}))
    assert repaired([worn]) == (TAKE,)
    assert repaired([hit(OPEN)], CallChoices(SKILLS, refused=frozenset([OPEN]))) is None
    long = replace(hit(TAKE), experience=hit(TAKE).experience.replace(plan=(TAKE, OPEN, OPEN)))
    assert repaired([long]) == (TAKE, OPEN)


# judge, summarise


def test_the_judge_is_the_goal_check():
    trace = example_trace(goal_reached=False)
    assert make_role("judge").judge(trace) == GoalJudge().judge(trace)


def test_a_lesson_is_what_failed_and_why_in_one_sentence():
    trace = example_trace(calls=(called(), called(), called(TAKE, replace(called().result, reason=""))))
    outcome = Outcome(status=Status.FAILURE)
    [lesson] = PlainReflector().reflect(trace, outcome).experiences
    told = "open(red door) failed: the red door is locked; take(red key) failed."
    assert lesson.metadata["lesson"] == lesson.outcome.explanation == told
    assert (lesson.kind, lesson.state, lesson.task) == (Kind.LESSON, trace.first_state, trace.task)
    assert lesson.plan == (OPEN, OPEN, TAKE)
    assert lesson.outcome.status is Status.FAILURE
    assert PlainReflector().reflect(example_trace(), outcome).experiences == ()


# propose, extract


def tried(*names):
    return [
        Experience(
            task=name.rstrip("+"),
            outcome=Outcome(status=Status.SUCCESS if name.endswith("+") else Status.FAILURE),
        )
        for name in names
    ]


@pytest.mark.parametrize(
    ("earlier", "tasks", "expected"),
    [
        ((), ("a", "b"), "a"),
        (("a",), ("a", "b"), "b"),
        (("a+", "b"), ("a", "b"), "b"),
        (("b", "b+", "a+", "a"), ("b", "a"), "a"),
        (("c", "a", "a"), (), "c"),
        (("a", "a+", "b+"), (), "b"),
    ],
)
def test_the_next_task_is_the_one_tried_least_then_failed_last(earlier, tasks, expected):
    assert value(make_role("propose").propose(tried(*earlier), tasks)) == expected


def test_without_any_task_nothing_can_be_proposed():
    with pytest.raises(InvalidRecord, match="give at least one task"):
        run_awaitable(make_role("propose").propose([]))


def test_facts_of_the_world_become_triplets():
    extracted = make_role("extract").extract(HERE)
    assert extracted.triplets == (Triplet("red door", "is", "locked"),)
    assert extracted.outdated == ()


# make_role


def test_roles_are_made_by_name():
    assert all(make_role(role) for role in ROLES)
    with pytest.raises(UnknownName, match="Unknown role 'judgge'"):
        make_role("judgge")
    with pytest.raises(UnknownName, match="way to fill the role judge"):
        make_role("judge", "magic")
    with pytest.raises(ExperimentError, match="asks a model, and none is given"):
        make_role("judge", "model")
