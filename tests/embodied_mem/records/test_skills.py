import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus


def test_lone_surrogates_of_a_simulator_are_replaced():
    assert Observation(text="a \ud800 b").text == "a \ufffd b"
    result = SkillResult(status=SkillStatus.FAILURE, reason="\ud800", obstacle="\ud800", subjects=("\ud800",))
    assert (result.reason, result.obstacle, result.subjects) == ("\ufffd", "\ufffd", ("\ufffd",))


@pytest.mark.parametrize("text", [None, b"red", 3])
def test_what_is_no_text_is_refused_by_name(text):
    with pytest.raises(InvalidRecord, match=r"observation\.text is \w+; expected a string"):
        Observation(text=text)
