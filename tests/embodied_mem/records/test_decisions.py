import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act

GO = SkillCall("go_to", {"object": "chest"})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"plan": "go_to"}, "act.plan is 'go_to'; expected a tuple of SkillCall"),
        ({"plan": ("go_to",)}, "expected a tuple of SkillCall"),
        ({"plan": GO}, "expected a tuple of SkillCall"),
        ({"plan": None}, "act.plan is None"),
        ({"plan": (GO,), "shown": "m1"}, "act.shown is 'm1'; expected a tuple of str"),
        ({"plan": (GO,), "acted_on": (1,)}, "act.acted_on is"),
        ({"plan": (GO,), "review_after_steps": 0}, "act.review_after_steps is 0"),
        ({"plan": (GO,), "review_after_steps": "often"}, "act.review_after_steps is 'often'"),
    ],
)
def test_an_act_of_the_wrong_parts_is_refused_where_it_is_made(fields, message):
    with pytest.raises(InvalidRecord, match=message):
        Act(**fields)


def test_a_list_is_taken_for_a_tuple():
    assert Act(plan=[GO]).plan == (GO,)  # type: ignore[arg-type]
