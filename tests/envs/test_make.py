import pytest

from embodied_mem import registry
from embodied_mem.envs import make_world
from embodied_mem.envs.minigrid import make_babyai
from embodied_mem.errors import EpisodeError, UnknownName
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

is_installed = pytest.mark.skipif(
    "babyai" not in registry.names("worlds"),
    reason="embodied-mem is not installed, so it has no entry points",
)


@is_installed
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("babyai:UnlockPickup", "BabyAI-UnlockPickup-v0"),
        ("minigrid:UnlockPickup", "MiniGrid-UnlockPickup-v0"),
        ("gym:CartPole-v1", "CartPole-v1"),
    ],
)
def test_a_world_is_made_by_name(name, expected):
    assert make_world(name).env.unwrapped.spec.id == expected


@is_installed
def test_options_are_passed_on():
    assert make_world("babyai:GoToLocal", max_steps=9).env.unwrapped.max_steps == 9


@is_installed
def test_an_unknown_family_gets_the_nearest_names():
    with pytest.raises(UnknownName, match="Did you mean 'babyai'"):
        make_world("babyia:GoTo")


def test_the_rest_of_a_name_goes_to_the_factory_whole(monkeypatch):
    given = []

    def load(group, name):
        def make(*rest):
            given.append((group, name, rest))
            return KeyDoorWorld()

        return make

    monkeypatch.setattr(registry, "load", load)
    make_world("lab:room:3")
    make_world("lab")
    assert given == [("worlds", "lab", ("room:3",)), ("worlds", "lab", ())]


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda rest: None, "factory of 'lab:room' gave NoneType; expected a World with env, begin"),
        (lambda rest: KeyDoorEnv(), "gave KeyDoorEnv; expected a World"),
        (KeyDoorWorld, "an env of <class 'str'>; expected a Gymnasium env.*text after the colon"),
    ],
)
def test_a_factory_that_gives_no_world_is_named(monkeypatch, factory, message):
    monkeypatch.setattr(registry, "load", lambda group, name: factory)
    with pytest.raises(EpisodeError, match=message):
        make_world("lab:room")


def test_a_name_that_is_no_level_gets_the_nearest_levels():
    with pytest.raises(UnknownName, match="Did you mean 'GoTo"):
        make_babyai("GoTu")
