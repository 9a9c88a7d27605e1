from typing import Any

import pytest

from embodied_mem.envs import make_world
from embodied_mem.errors import EmbodiedMemError, EpisodeError, InvalidRecord
from embodied_mem.isolation import Recipe, recipe_of
from embodied_mem.planners import make_planner
from embodied_mem.testing.key_door import KeyDoorWorld

KEY_DOOR = Recipe("embodied_mem.testing.key_door:KeyDoorWorld")


def test_what_a_recipe_made_can_be_made_again() -> None:
    world = KEY_DOOR.make()
    assert isinstance(world, KeyDoorWorld)
    assert recipe_of(world, called="world") == KEY_DOOR
    assert recipe_of(KEY_DOOR, called="world") is KEY_DOOR


def test_worlds_and_planners_made_by_name_can_be_made_again() -> None:
    planner = make_planner("case_based", k=3)
    again = recipe_of(planner, called="planner").make()
    assert again.describe() == planner.describe()
    world = make_world("gym:CartPole-v1")
    assert recipe_of(world, called="world") == Recipe(
        "embodied_mem.envs:make_world", {"name": "gym:CartPole-v1"}
    )


def test_a_thing_made_otherwise_says_what_to_do() -> None:
    with pytest.raises(EpisodeError, match="how this KeyDoorWorld was made is not known"):
        recipe_of(KeyDoorWorld(), called="world")


def test_a_new_thing_at_an_old_address_is_not_taken_for_the_old_one() -> None:
    for _ in range(100):
        made = KEY_DOOR.make()
        del made
        with pytest.raises(EpisodeError):
            recipe_of(KeyDoorWorld(), called="world")


@pytest.mark.parametrize(
    ("factory", "options", "error", "message"),
    [
        ("KeyDoorWorld", {}, InvalidRecord, "expected module:function"),
        ("embodied_mem.testing.key_door:KeyDoorWorld", {"env": object()}, InvalidRecord, "options"),
    ],
)
def test_a_recipe_that_cannot_travel_is_refused(
    factory: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Recipe(factory, options)


@pytest.mark.parametrize("factory", ["no_such_module:make", "embodied_mem.testing.key_door:NoSuchWorld"])
def test_a_factory_that_is_not_there_is_named(factory: str) -> None:
    with pytest.raises(EmbodiedMemError, match=f"cannot import {factory}"):
        Recipe(factory).make()


def test_options_that_are_not_json_only_cost_the_recipe() -> None:
    world = make_world("gym:CartPole-v1", action_names=("left", "right"), disable_env_checker=None)
    assert recipe_of(world, called="world").options["action_names"] == ["left", "right"]


def test_a_factory_of_the_program_itself_says_that_it_must_move():
    with pytest.raises(EmbodiedMemError, match=r"cannot import __main__:no_such: .*; .* move it to a module"):
        Recipe("__main__:no_such").make()
