import dataclasses

import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import SkillCall
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus, check_call


def test_lone_surrogates_of_a_simulator_are_replaced():
    assert Observation(text="a \ud800 b").text == "a \ufffd b"
    result = SkillResult(status=SkillStatus.FAILURE, reason="\ud800", obstacle="\ud800", subjects=("\ud800",))
    assert (result.reason, result.obstacle, result.subjects) == ("\ufffd", "\ufffd", ("\ufffd",))


@pytest.mark.parametrize("text", [None, b"red", 3])
def test_what_is_no_text_is_refused_by_name(text):
    with pytest.raises(InvalidRecord, match=r"observation\.text is \w+; expected a string"):
        Observation(text=text)


KEYS = Parameter(name="key", type="object", choices=("red key", "green key", 1))


@pytest.mark.parametrize("value", ["red key", "green key", 1])
def test_a_choice_of_the_moment_can_be_called(value):
    check_call(SkillCall("take", {"key": value}), [Skill(name="take", parameters=(KEYS,))])


@pytest.mark.parametrize("value", ["blue key", "red keys", "", None, True, "1", ["red key"]])
def test_a_value_that_is_no_choice_is_refused_with_the_choices(value):
    with pytest.raises(InvalidRecord, match=r"take\.key is .*expected one of red key, green key, 1"):
        check_call(SkillCall("take", {"key": value}), [Skill(name="take", parameters=(KEYS,))])


def test_the_nearest_choices_are_named():
    with pytest.raises(InvalidRecord, match="did you mean 'red key'"):
        check_call(SkillCall("take", {"key": "red kee"}), [Skill(name="take", parameters=(KEYS,))])


@pytest.mark.parametrize("parameter", [Parameter(name="key"), dataclasses.replace(KEYS, is_open=True)])
def test_a_parameter_without_choices_or_an_open_one_takes_any_value(parameter):
    check_call(SkillCall("take", {"key": "the blue one"}), [Skill(name="take", parameters=(parameter,))])
