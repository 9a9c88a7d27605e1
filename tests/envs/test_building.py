"""The parts to build a world from."""

import pytest

from embodied_mem.envs.building import GeneratorExecution, SkillFailed, at_detail, skill
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus

NOTHING = Observation(text="nothing")


def run(execution):
    taken = []
    while not isinstance(step := execution.advance(Observation(text=f"after {len(taken)}")), SkillResult):
        taken.append(step)
    return taken, step


def steps(*actions, ends=None):
    yield from actions
    if isinstance(ends, Exception):
        raise ends
    return ends


LOCKED = SkillFailed("locked", "the door is locked", "door")
FAILED = SkillResult(status=SkillStatus.FAILURE, reason="the door is locked")


def test_a_skill_in_a_line():
    made = skill("put", item=["key"], target=("box", "shelf"), phrases=["put {item} on {target}"])
    assert made == Skill(
        name="put",
        parameters=(
            Parameter(name="item", type="object", choices=("key",)),
            Parameter(name="target", type="object", choices=("box", "shelf")),
        ),
        phrases=("put {item} on {target}",),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", Parameter(name="p", type="text")),
        ([1, 2.5], Parameter(name="p", type="number", choices=(1, 2.5))),
        ([True, False], Parameter(name="p", type="object", choices=(True, False))),
        ([], Parameter(name="p", type="object")),
        (Parameter(name="", choices=("a",), is_open=True), Parameter(name="p", choices=("a",), is_open=True)),
    ],
)
def test_a_parameter_is_a_type_choices_or_made_by_hand(given, expected):
    assert skill("do", p=given).parameters == (expected,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phrases": "open {p}", "p": ["door"]}, r"phrases of do is 'open \{p\}'; expected a list of texts"),
        ({"p": 3}, "parameter p is 3; expected its choices as a list, or its type, such as 'text'"),
        ({"p": None}, "parameter p is None; expected its choices"),
    ],
)
def test_what_is_no_phrase_and_no_parameter_is_named(given, message):
    with pytest.raises(InvalidRecord, match=message):
        skill("do", **given)


def test_only_full_detail_has_descriptions():
    made = [skill("drop", description="Put it down.", phrases=["drop"])]
    assert at_detail(made, "full") == tuple(made)
    assert at_detail(made, "signature") == (skill("drop", phrases=["drop"]),)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (None, SkillResult(status=SkillStatus.SUCCESS)),
        (LOCKED, LOCKED.result),
        (FAILED, FAILED),
    ],
)
def test_a_generator_ends_in_its_result(ends, expected):
    execution = GeneratorExecution(steps(1, 2, ends=ends))
    assert run(execution) == ([1, 2], expected)
    assert execution.advance(NOTHING) == execution.cancel() == expected


def test_each_action_is_answered_by_the_observation_after_it():
    seen = []

    def watching():
        for action in (1, 2):
            observation = yield action
            seen.append(observation.text)

    run(GeneratorExecution(watching()))
    assert seen == ["after 1", "after 2"]


def test_a_generator_may_delegate_to_other_generators_and_to_lists():
    def inner():
        observation = yield 1
        seen.append(observation.text)

    def outer():
        yield from [7, 8]
        yield from inner()
        yield from (4, 5)

    seen = []
    assert run(GeneratorExecution(outer()))[0] == [7, 8, 1, 4, 5]
    assert seen == ["after 3"]


@pytest.mark.parametrize("ends", [None, LOCKED, FAILED])
def test_a_call_without_an_action_idles_one_step(ends):
    taken, result = run(GeneratorExecution(steps(ends=ends), idle_action=0))
    assert taken == [0]
    assert result.is_success is (ends is None)


def test_without_an_idle_action_a_call_may_succeed_at_once_but_not_fail():
    assert run(GeneratorExecution(steps())) == ([], SkillResult(status=SkillStatus.SUCCESS))
    with pytest.raises(EpisodeError, match="open failed without an action"):
        run(GeneratorExecution(steps(ends=LOCKED), name="open"))


def test_nothing_runs_before_the_first_step_and_after_a_cancel():
    ran = []

    def noting():
        ran.append("began")
        try:
            yield 1
        finally:
            ran.append("ended")

    unstarted = GeneratorExecution(noting())
    assert unstarted.cancel().status is SkillStatus.CANCELLED
    assert ran == []
    execution = GeneratorExecution(noting())
    assert execution.advance(NOTHING) == 1
    result = execution.cancel()
    assert ran == ["began", "ended"]
    assert execution.advance(NOTHING) == execution.cancel() == result


def test_a_call_that_never_ends_is_ended():
    taken, result = run(GeneratorExecution(iter_forever(), name="walk", max_steps=5))
    assert (len(taken), result.obstacle, result.reason) == (
        5,
        "no_progress",
        "walk came to no end in 5 steps",
    )


def iter_forever():
    while True:
        yield 1


@pytest.mark.parametrize("wrong", [True, "done", 3])
def test_a_generator_that_returns_no_result_is_named(wrong):
    with pytest.raises(EpisodeError, match=r"walk returned .*; expected a SkillResult"):
        run(GeneratorExecution(steps(1, ends=wrong), name="walk"))


def test_other_exceptions_are_raised():
    with pytest.raises(ZeroDivisionError):
        run(GeneratorExecution(steps(1, ends=ZeroDivisionError())))
