import pytest

from embodied_mem.envs.minigrid import codes, naming


@pytest.mark.parametrize(
    ("text", "kinds", "colour", "place"),
    [
        ("red ball", (codes.BALL,), 0, None),
        ("the green door", (codes.DOOR,), 1, None),
        ("a box", (codes.BOX,), None, None),
        ("The  Purple object", codes.MOVABLE_TYPES, 3, None),
        ("the grey key on your left", (codes.KEY,), 5, " on your left"),
        ("the green goal square", (codes.GOAL,), 1, None),
    ],
)
def test_descriptions_in_the_words_of_missions_are_understood(text, kinds, colour, place):
    assert naming.parse(text) == naming.Description(kinds, colour, place)


@pytest.mark.parametrize("text", ["", "the", "unicorn", "red", "big red ball", "ball red", "red ball 7"])
def test_other_texts_describe_nothing(text):
    assert naming.parse(text) is None


def test_the_nearest_fitting_object_that_can_be_reached_is_meant(drawn):
    drawing = """
    #########
    #...r.r.#
    #.#######
    #.....>r#
    #########
    """
    room = drawn(drawing)
    assert room.call("go_to", "a red ball").is_success
    assert tuple(room.env.unwrapped.front_pos) == (7, 3)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("on your left", "red ball 1"),
        ("on your right", "red ball 2"),
        ("in front of you", "red ball 1"),
        ("behind you", None),
    ],
)
def test_places_are_those_of_the_start(drawn, place, name):
    room = drawn("####### #.....# #.r...# #>....# #.....# #.r...# #######")
    seen = room.world._seen
    names = {room.world._seen.offset(cell)[1]: thing.ref for cell, thing in seen.things.items()}
    assert names == {-1: "red ball 1", 2: "red ball 2"}
    room.act(codes.RIGHT, codes.FORWARD)
    found = naming.find(seen, f"the red ball {place}")
    assert (found and found.ref) == name


def test_a_name_of_something_else_is_not_taken_for_a_description(drawn):
    room = drawn("##### #>.r# #####")
    assert room.call("go_to", "red ball 2").obstacle == "unseen"


def test_an_object_in_the_hand_is_the_last_choice(drawn):
    room = drawn("###### #>rr.# ######")
    room.call("pick_up", "red ball 1")
    assert room.call("pick_up", "a red ball").reason == "cannot pick up a red ball while holding red ball 1"
