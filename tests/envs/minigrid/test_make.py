import pytest

from embodied_mem.envs.minigrid import level_ids, make_babyai, make_minigrid
from embodied_mem.errors import UnknownName


@pytest.mark.parametrize("name", ["UnlockPickup", "BabyAI-UnlockPickup-v0"])
def test_a_level_is_found_by_its_short_and_its_full_name(name):
    assert make_babyai(name).env.spec.id == "BabyAI-UnlockPickup-v0"


def test_a_short_name_means_the_newest_version():
    assert make_minigrid("ObstructedMaze-2Dlhb").env.spec.id == "MiniGrid-ObstructedMaze-2Dlhb-v1"


def test_both_families_have_levels_of_the_same_name():
    assert make_minigrid("UnlockPickup").env.spec.id == "MiniGrid-UnlockPickup-v0"


@pytest.mark.parametrize(
    "name", ["UnlokPickup", "unlockpickup", "MiniGrid-UnlockPickup-v0", "UnlockPickup-v7"]
)
def test_an_unknown_level_gets_the_nearest_names(name):
    with pytest.raises(UnknownName, match="Did you mean 'UnlockPickup'"):
        make_babyai(name)


def test_no_level_lists_them():
    with pytest.raises(UnknownName, match="Known: ActionObjDoor, "):
        make_babyai()


def test_options_reach_the_environment():
    assert make_babyai("GoToLocal", max_steps=9).env.unwrapped.max_steps == 9


def test_every_family_lists_its_own_levels():
    assert all(name.startswith("BabyAI-") for name in level_ids("BabyAI"))
