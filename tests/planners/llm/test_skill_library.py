"""Plans of won episodes as skills that a planner can call in one go."""

import pytest
from key_door_scripts import right_call
from taught_room import played, taught

from embodied_mem import MemoryStore
from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.recalls.skill_library import SkillLibrary, compose, expand, refused_too
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.filters import where
from embodied_mem.records.skills import Parameter, Skill

TAKE = Skill(name="take", parameters=(Parameter(name="object", choices=("red key", "blue key")),))
OPEN = Skill(name="open", parameters=(Parameter(name="object", choices=("red door", "blue door")),))
GO = Skill(name="go_to", parameters=(Parameter(name="object", choices=("chest",)),))
SKILLS = (TAKE, OPEN, GO)


def call(name, thing):
    return SkillCall(name, {"object": thing})


PLAN = (call("take", "red key"), call("open", "red door"), call("go_to", "chest"))
WON = Experience(
    kind="episode", task=Task("get to the chest"), plan=PLAN, outcome=Outcome(status=Status.SUCCESS), id="e"
)


@pytest.fixture
def memory(tmp_path):
    with taught(tmp_path / "store") as memory:
        yield memory


def test_a_won_plan_becomes_a_skill_with_its_things_as_parameters():
    made = compose(WON, PLAN, SKILLS)
    assert made.skill.name == "get_to"
    assert [p.choices for p in made.skill.parameters] == [
        TAKE.parameters[0].choices,
        OPEN.parameters[0].choices,
        ("chest",),
    ]
    blue = {"thing_1": "blue key", "thing_2": "blue door", "thing_3": "chest"}
    assert made.expanded(blue) == (
        call("take", "blue key"),
        call("open", "blue door"),
        call("go_to", "chest"),
    )


@pytest.mark.parametrize(
    ("plan", "skills"),
    [
        (PLAN[:1], SKILLS),  # one call is no composition
        (PLAN, (TAKE, OPEN)),  # go_to cannot be called now
        (PLAN, (TAKE, OPEN, Skill(name="go_to", parameters=(Parameter(name="object"),)))),  # nothing is known
    ],
)
def test_a_plan_that_cannot_be_made_now_is_no_skill(plan, skills):
    assert compose(WON, plan, skills) is None


def test_a_skill_with_too_many_forms_is_left_out():
    many = Parameter(name="object", choices=tuple(f"thing {i}" for i in range(40)))
    skills = (Skill(name="take", parameters=(many,)), Skill(name="open", parameters=(many,)))
    plan = (call("take", "thing 1"), call("open", "thing 2"), call("take", "thing 3"))
    assert compose(WON, plan, skills) is None


def test_a_plan_is_expanded_in_place():
    made = compose(WON, PLAN, SKILLS)
    whole = SkillCall("get_to", {"thing_1": "red key", "thing_2": "red door", "thing_3": "chest"})
    assert expand((call("take", "blue key"), whole), [made]) == (call("take", "blue key"), *PLAN)


def test_a_skill_that_begins_with_a_refused_call_is_refused():
    made = compose(WON, PLAN, SKILLS)
    refused = refused_too([made], {call("take", "red key")})
    assert {each.arguments["thing_1"] for each in refused} == {"red key"}
    assert len(refused) == 2


def use_the_library(request):
    """The composed skill for the door at hand where there is one, else what a person would do."""
    wanted = right_call(request)
    colour = wanted.removeprefix("take(").split(" ")[0]
    for each in map(str, request.choices.calls()):
        if each.startswith("get_to") and wanted.startswith("take") and each.count(colour) == 2:
            return each
    return wanted


def test_the_planner_plays_a_won_plan_in_one_call(memory):
    model, episode = played(memory, use_the_library, k=0, library={"k": 5})
    assert "Skills learnt:\n- get_to(" in model.requests[0].prompt.user
    assert episode.outcome.is_success
    assert len(episode.trace.decisions) < len(episode.trace.calls)
    assert episode.trace.decisions[0].shown


def test_only_calls_that_succeeded_are_kept(memory):
    won = memory.recall(where=where(kind="episode", outcome="success"), k=50)
    assert any(len(hit.experience.plan) > 3 for hit in won), "every episode of the teacher went straight"
    model, _ = played(memory, k=0, library={"k": 5})
    [skill] = [each for each in model.requests[0].choices.skills if each.name == "get_to"]
    assert len(skill.parameters) <= 3


def test_an_empty_memory_offers_nothing(tmp_path):
    with MemoryStore.open(tmp_path / "empty") as store:
        model, _ = played(store.memory(), k=0, library={})
    assert "Skills learnt" not in model.requests[0].prompt.user


def test_a_wrong_setting_of_the_library_is_named():
    with pytest.raises(InvalidRecord, match="max_calls of the skill library is 1"):
        SkillLibrary(max_calls=1)


def test_a_skill_is_not_named_like_one_of_the_world():
    task = Task("take the red key, then open the red door to go to the chest")
    taking = compose(WON.replace(task=Task("take the red key")), PLAN, SKILLS)
    assert (taking.skill.name, compose(WON.replace(task=task), PLAN, SKILLS).skill.name) == (
        "take_in_full",
        "take_then_open_to_go_to",
    )
