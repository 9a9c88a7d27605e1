from embodied_mem.planners.lifting import ground_call, lift_call, lift_text, roles_of
from embodied_mem.records import SkillCall
from embodied_mem.records.skills import SkillResult, SkillStatus

GO = SkillCall("go_to", {"object": "red ball 1"})
BLOCKED = SkillResult(
    status=SkillStatus.FAILURE,
    reason="the way to red ball 1 is blocked by green door 1, which is locked",
    subjects=("green door 1", "red ball 1"),
)
ROLES = {"object": "red ball 1", "obstacle": "green door 1"}


def test_roles_are_the_arguments_and_the_obstacles_of_a_failure():
    assert roles_of(GO, BLOCKED) == ROLES


def test_a_lifted_reason_names_roles_and_not_objects():
    assert lift_text(BLOCKED.reason, ROLES) == "the way to <object> is blocked by <obstacle>, which is locked"


def test_a_reference_is_not_found_inside_a_longer_one():
    assert lift_text("red ball 12 and red ball 1", {"object": "red ball 1"}) == "red ball 12 and <object>"


def test_a_repair_found_on_one_door_is_said_of_another():
    lifted = lift_call(SkillCall("pick_up", {"object": "green key 3"}), ROLES)
    assert lifted.arguments == {"object": "<obstacle.0> key"}
    grounded = ground_call(lifted, {"object": "blue box 2", "obstacle": "yellow door 4"})
    assert grounded == SkillCall("pick_up", {"object": "yellow key"})


def test_an_exact_reference_comes_back_as_the_object_in_that_role():
    lifted = lift_call(SkillCall("toggle", {"object": "green door 1"}), ROLES)
    assert ground_call(lifted, {"obstacle": "red door 2"}) == SkillCall("toggle", {"object": "red door 2"})


def test_a_repair_that_speaks_of_an_absent_role_is_not_usable():
    assert ground_call(SkillCall("toggle", {"object": "<obstacle>"}), {"object": "box"}) is None
    assert (
        ground_call(SkillCall("pick_up", {"object": "<obstacle.5> key"}), {"obstacle": "red door 1"}) is None
    )


def test_a_call_without_arguments_is_its_own_lifting():
    assert lift_call(SkillCall("drop"), ROLES) == SkillCall("drop") == ground_call(SkillCall("drop"), {})
