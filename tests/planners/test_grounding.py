import pytest

from embodied_mem.planners.grounding import candidates, ground, meant, words
from embodied_mem.records.skills import Parameter, Skill

OBJECT = (Parameter(name="object", type="object"),)
SKILLS = [
    Skill(name="go_to", parameters=OBJECT, phrases=("go to {object}", "get to {object}")),
    Skill(name="pick_up", parameters=OBJECT, phrases=("pick up {object}", "get {object}")),
    Skill(name="toggle", parameters=OBJECT, phrases=("open {object}",)),
    Skill(
        name="put_next_to",
        parameters=(Parameter(name="item"), Parameter(name="target")),
        phrases=("put {item} next to {target}", "put {item} near {target}"),
    ),
    Skill(name="drop"),
]


def goals(instruction: str) -> list[tuple[str, list[str]]]:
    return [(goal.skill, list(goal.phrases.values())) for goal in ground(instruction, SKILLS)]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("go to the red ball", [("go_to", ["the red ball"])]),
        ("put the red ball next to a box", [("put_next_to", ["the red ball", "a box"])]),
        (
            "pick up a key, then open the blue door",
            [("pick_up", ["a key"]), ("toggle", ["the blue door"])],
        ),
        (
            "go to the ball after you open the red door and pick up the key",
            [("toggle", ["the red door"]), ("pick_up", ["the key"]), ("go_to", ["the ball"])],
        ),
        (
            "open the red door then the blue door",
            [("toggle", ["the red door"]), ("toggle", ["the blue door"])],
        ),
        (
            "use the key to open the door and then get to the goal",
            [("toggle", ["the door"]), ("go_to", ["the goal"])],
        ),
        ("be good", []),
        ("", []),
    ],
)
def test_an_instruction_becomes_goals_in_their_order(instruction, expected):
    assert goals(instruction) == expected


def test_the_longest_phrase_that_fits_is_the_one_meant():
    assert goals("get to the goal")[0][0] == "go_to"


def test_places_and_articles_tell_nothing_of_the_object():
    assert words("the red ball on your left") == ("red", "ball")
    assert words("an object behind you") == ()


def test_candidates_hold_every_word_of_the_phrase():
    choices = ("red ball 1", "red box 1", "blue ball 1")
    assert candidates("a ball", choices) == ["red ball 1", "blue ball 1"]
    assert candidates("the green ball", choices) == []
    assert candidates("an object", choices) == list(choices)


@pytest.mark.parametrize("text", ["put x " * 200_000, "x" + " " * 1_000_000 + "y", ", after" * 150_000])
def test_only_the_beginning_of_an_endless_instruction_is_read(text):
    assert ground(f"go to the red ball, then {text}", SKILLS)[:1] == ground("go to the red ball", SKILLS)


def test_a_title_before_a_colon_names_no_goal():
    assert goals("Pick up phone: go to the desk") == [("go_to", ["the desk"])]


def test_a_name_with_a_number_means_that_thing_alone():
    choices = ["light 1", "light 3", "light bulb 3"]
    assert meant("the light 3", choices) == ["light 3"]
    assert meant("light 2", choices) == []
    assert meant("light", choices) == choices
