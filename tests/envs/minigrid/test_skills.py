import pytest
from minigrid.core.world_object import Wall

from embodied_mem.envs.minigrid import codes

ROOM = """
######
#>..r#
#....#
######
"""


def test_go_to_stands_before_the_object_and_looks_at_it(drawn):
    room = drawn(ROOM)
    assert room.call("go_to", "red ball 1").is_success
    assert tuple(room.env.unwrapped.front_pos) == (4, 1)


def test_go_to_where_the_agent_already_is_takes_one_step(drawn):
    room = drawn(ROOM)
    room.call("go_to", "red ball 1")
    assert room.call("go_to", "red ball 1").is_success
    assert room.actions == [codes.DONE]


def test_go_to_a_goal_steps_onto_it(drawn):
    room = drawn("##### #>.g# #####")
    assert room.call("go_to", "the goal") is None  # the episode ended inside the call
    assert room.world.goal_reached()


def test_walking_never_enters_lava(drawn):
    room = drawn("###### #>~.r# #....# ######")
    assert room.call("go_to", "red ball 1").is_success


def test_pick_up_takes_the_object_into_the_hand(drawn):
    room = drawn(ROOM)
    assert room.call("pick_up", "the red ball").is_success
    assert room.env.unwrapped.carrying.color == "red"


def test_pick_up_says_that_something_was_not_seen(drawn):
    result = drawn(ROOM).call("pick_up", "the blue ball")
    assert (result.obstacle, result.reason) == ("unseen", "the blue ball has not been seen")


def test_pick_up_with_a_full_hand_names_both_objects(drawn):
    room = drawn("###### #>.kr# ######")
    room.call("pick_up", "yellow key 1")
    result = room.call("pick_up", "red ball 1")
    assert result.obstacle == "hands_full"
    assert result.reason == "cannot pick up red ball 1 while holding yellow key 1"
    assert result.subjects == ("red ball 1", "yellow key 1")


def test_a_door_cannot_be_picked_up(drawn):
    result = drawn("##### #>.d# #####").call("pick_up", "grey door 1")
    assert (result.obstacle, result.reason) == ("cannot", "grey door 1 cannot be picked up")


def test_a_way_blocked_by_a_closed_door_is_told_and_not_opened(drawn):
    room = drawn("######## #>..o.r# ########")
    room.call("go_to", "purple door 1")
    room.act(codes.TOGGLE)
    result = room.call("go_to", "red ball 1")
    assert result.obstacle == "closed"
    assert result.reason == "the way to red ball 1 is blocked by purple door 1, which is closed"
    assert result.subjects == ("purple door 1", "red ball 1")
    assert codes.TOGGLE not in room.actions


def test_a_way_blocked_by_an_object_is_told_and_the_object_not_moved(drawn):
    room = drawn("####### #>.b.r# #######")
    result = room.call("pick_up", "red ball 1")
    assert (result.obstacle, result.subjects) == ("blocked", ("blue ball 1", "red ball 1"))
    assert codes.PICK_UP not in room.actions


def test_an_approach_through_a_closed_doorway_names_the_door(drawn):
    room = drawn("####### #>.o.r# #######")
    room.call("go_to", "purple door 1")
    room.act(codes.TOGGLE)
    assert room.call("go_to", "red ball 1").subjects[0] == "purple door 1"


def test_toggling_a_locked_door_in_vain_says_that_it_is_locked(drawn):
    result = drawn("##### #>.D# #####").call("toggle", "yellow door 1")
    assert (result.obstacle, result.reason) == ("locked", "yellow door 1 is locked")


def test_toggling_a_locked_door_with_its_key_in_hand_opens_it(drawn):
    room = drawn("###### #>k.D# ######")
    room.call("pick_up", "yellow key 1")
    assert room.call("toggle", "yellow door 1").is_success
    assert "yellow door 1 (open)" in room.act(codes.DONE).text


def test_an_open_door_is_open_after_toggling(drawn):
    room = drawn("##### #>.o# #####")
    assert room.call("toggle", "purple door 1").is_success
    assert room.env.unwrapped.grid.get(3, 1).is_open
    assert room.actions[-2:] == [codes.TOGGLE, codes.TOGGLE]


def test_a_door_can_be_toggled_from_its_own_doorway(drawn):
    room = drawn("###### #>o..# ######")
    room.act(codes.FORWARD)
    assert room.call("toggle", "purple door 1").is_success


def test_toggling_a_box_destroys_it_and_shows_what_was_inside(drawn):
    room = drawn("##### #>.x# #####")
    assert room.call("toggle", "green box 1").is_success
    assert room.call("go_to", "green box 1").obstacle == "gone"
    assert room.choices == ("red key 1",)


def test_toggling_what_does_not_move_says_so(drawn):
    result = drawn(ROOM).call("toggle", "red ball 1")
    assert (result.obstacle, result.reason) == ("cannot", "toggling red ball 1 does nothing")


def test_drop_with_an_empty_hand_fails(drawn):
    assert drawn(ROOM).call("drop").obstacle == "empty_handed"


def test_drop_leaves_the_front_of_a_door_free(drawn):
    room = drawn("####### #..>.d# #...r.# #.....# #######")
    room.call("pick_up", "red ball 1")
    room.call("go_to", "grey door 1")
    assert room.call("drop").is_success
    assert room.env.unwrapped.grid.get(4, 1) is None


def test_drop_avoids_blocking_a_corridor_where_it_can(drawn):
    drawing = """
    #########
    #...#...#
    #..>r...#
    #...#...#
    #########
    """
    room = drawn(drawing)
    room.call("pick_up", "red ball 1")
    assert room.call("drop").is_success
    assert room.env.unwrapped.grid.get(4, 2) is None


def test_drop_without_a_free_place_fails(drawn):
    room = drawn("#### #>k# ####")
    room.call("pick_up", "yellow key 1")
    room.env.unwrapped.put_obj(Wall(), 2, 1)
    room.act(codes.DONE)
    assert room.call("drop").obstacle == "no_room"


def test_put_next_to_puts_the_held_item_beside_the_target(drawn):
    room = drawn("####### #>k..r# #.....# #######")
    room.call("pick_up", "yellow key 1")
    assert room.call("put_next_to", "the yellow key", "red ball 1").is_success
    beside = [room.env.unwrapped.grid.get(x, y) for x, y in [(4, 1), (5, 2)]]
    assert "key" in [thing.type for thing in beside if thing is not None]


def test_put_next_to_says_that_the_item_is_not_held(drawn):
    result = drawn("###### #>k.r# ######").call("put_next_to", "yellow key 1", "red ball 1")
    assert (result.obstacle, result.reason) == ("not_held", "yellow key 1 is not held")


def test_put_next_to_a_target_without_a_free_side_fails(drawn):
    room = drawn("###### #>kbr# ######")
    room.call("pick_up", "yellow key 1")
    assert room.call("put_next_to", "yellow key 1", "red ball 1").obstacle == "no_room"


def test_explore_ends_as_soon_as_something_new_is_seen(drawn):
    room = drawn("###### #r..># ######")
    assert room.choices == ()
    assert room.call("explore").is_success
    assert room.choices == ("red ball 1",)


def test_explore_with_nothing_left_says_so(drawn):
    result = drawn("##### #..># #####").call("explore")
    assert (result.obstacle, result.reason) == ("nothing_new", "nothing new can be seen from here")


@pytest.mark.parametrize(
    ("letter", "code", "words"),
    [
        ("d", "closed", "grey door 1, which is closed"),
        ("D", "locked", "yellow door 1, which is locked"),
    ],
)
def test_explore_names_the_door_that_bounds_what_was_seen(drawn, letter, code, words):
    room = drawn(f"####### #>.{letter}..# #######")
    result = room.call("explore")
    assert result.obstacle == code
    assert result.reason == f"nothing new can be seen from here; the way on is blocked by {words}"


def test_every_skill_costs_a_step_when_it_fails(drawn):
    room = drawn(ROOM)
    for name, values in (("go_to", ["unicorn"]), ("drop", []), ("put_next_to", ["red ball 1", "red ball 1"])):
        assert not room.call(name, *values).is_success
        assert room.actions
