"""Summaries a planner can read: named numbers, text in arrays, continuous actions by phase."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.envs.gym_world import GymWorld
from embodied_mem.recording import describe, record_experience
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, recorded, run


def codes(*lines: str, width: int = 80, fill: int = 32) -> Any:
    """Lines as NetHack's environments give them: uint8 codes, filled up with spaces or zeros."""
    rows = [list(line.encode()) + [fill] * (width - len(line)) for line in lines]
    return np.array(rows, np.uint8)


SCREEN = codes("You see here a key.", "", "  -----", "  |.@d|", "  -----", "Agent the Footpad   St:16", "")


class Hopper(Scripted):
    """A stand-in for a MuJoCo environment of Gymnasium: it names the groups of its numbers."""

    observation_structure = {"skipped_qpos": 1, "qpos": 2, "qvel": 3, "none": 0, "cfrc_ext": 70}  # noqa: RUF012


class Listed(Scripted):
    observation_names = ["cart position", "pole angle"]  # noqa: RUF012


def test_a_screen_of_character_codes_is_text(memory: Any) -> None:
    state = recorded(memory, [end()], [0], env=Scripted([end()], first=SCREEN)).state
    assert state == "You see here a key.\n\n  -----\n  |.@d|\n  -----\nAgent the Footpad   St:16"


def test_a_screen_within_a_mapping_keeps_its_columns() -> None:
    text = describe.observation_text({"blstats": np.arange(3), "tty_chars": SCREEN})
    assert text.startswith("blstats: [0 1 2]\ntty_chars: \nYou see here a key.\n")


@pytest.mark.parametrize(
    "array",
    [
        codes("Hello Agent, welcome to NetHack!", width=256, fill=0)[0],
        codes("a - a blessed +1 quarterstaff", "b - an uncursed cloak", width=80, fill=0),
        np.stack([codes("door", "an open door", fill=0), codes("", "a grey ooze", fill=0)]),
    ],
    ids=["message", "inv_strs", "screen_descriptions"],
)
def test_messages_and_lists_of_character_codes_are_text(array: Any) -> None:
    text = describe.observation_text(array)
    assert "\0" not in text
    assert any(
        words in text for words in ("welcome to NetHack!", "a blessed +1 quarterstaff", "an open door")
    )


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((84, 84), np.uint8),
        np.full((84, 84), 100, np.uint8),
        np.where(np.arange(7_056).reshape(84, 84) % 3, 0, 80).astype(np.uint8),
        np.random.default_rng(0).choice([0, 32, 64, 96], (84, 84)).astype(np.uint8),
        np.random.default_rng(0).integers(0, 256, (84, 84)).astype(np.uint8),
        np.full((24, 80, 3), 32, np.uint8),
        np.arange(100, dtype=np.uint8),
    ],
    ids=["black", "grey", "two greys", "four greys", "noise", "colour", "ramp"],
)
def test_pictures_are_no_text(array: Any) -> None:
    assert describe.observation_text(array).startswith(("image", "array"))


def test_groups_of_numbers_are_named_as_the_environment_names_them(memory: Any) -> None:
    first = np.arange(75) / 4
    state = recorded(memory, [], [0], env=Hopper([end(observation=first)], first=first)).state
    assert state == "qpos: [0 0.25]\nqvel: [0.5 0.75 1]\ncfrc_ext: array 70 float64"
    assert memory.experiences[0].state_after == state


@pytest.mark.parametrize("given", [None, ["cart position", "pole angle"]])
def test_numbers_are_named_one_by_one(given: Any, memory: Any) -> None:
    env = (Scripted if given else Listed)([end()], first=np.array([0.5, -1]))
    experience = recorded(memory, [], [0], env=env, observation_names=given)
    assert experience.state == "cart position: 0.5\npole angle: -1"


def test_names_of_another_size_are_not_used(memory: Any) -> None:
    assert recorded(memory, [], [0], env=Listed([end()], first=np.ones(3))).state == "[1 1 1]"


def test_names_do_not_fit_numbers_that_a_wrapper_changed(memory: Any) -> None:
    inner = Listed([end()], first=np.ones(2))
    env = gym.wrappers.TransformObservation(inner, lambda x: -x, gym.spaces.Box(-1, 1, (2,)))
    assert recorded(memory, [], [0], env=env).state == "[-1 -1]"


def test_a_world_describes_the_numbers_as_the_wrapper_does() -> None:
    env = Listed([end()], first=np.array([0.5, -1]))
    observation, info = env.reset()
    assert GymWorld(env).observe(observation, info).text == "cart position: 0.5\npole angle: -1"


BOX = gym.spaces.Box(-1, 1, (2,), np.float32)


def played(memory: Any, actions: Any, **attributes: Any) -> Any:
    env = Scripted([go_on()] * (len(actions) - 1) + [end()], space=BOX)
    vars(env).update(attributes)
    return recorded(memory, [], list(actions), env=env)


def test_continuous_actions_are_a_plan_of_phases(memory: Any) -> None:
    reach = np.tile(np.array([1.0, 0.0]), (300, 1))
    hold = np.tile(np.array([0.0, -0.5]), (500, 1))
    experience = played(memory, np.concatenate([reach, hold, reach[:200]]))
    counts = [call.count for call in experience.plan]
    assert sum(counts) == 1_000
    assert len(counts) <= 8
    longest = max(experience.plan, key=lambda call: call.count)
    assert str(longest.arguments) == "{'action': [0.0, -0.5]}"
    assert np.allclose(experience.plan[0].arguments["action"], [1, 0], atol=0.15)
    lines = experience.metadata["action_phases"]
    assert len(lines) == len(counts)
    assert lines[0].startswith("steps 0-")
    assert lines[-1].endswith("from [1 0] to [1 0]")


def test_actions_that_hardly_change_are_one_phase(memory: Any) -> None:
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, (400, 2))
    noise[0], noise[-1] = 1, -1
    experience = played(memory, np.array([0.5, 0.25]) + noise)
    assert max(call.count for call in experience.plan) >= 300


def test_the_same_action_throughout_is_one_call(memory: Any) -> None:
    experience = played(memory, np.full((700, 2), 0.25, np.float32))
    assert [str(call) for call in experience.plan] == ["act([0.25, 0.25]) x700"]
    assert "action_phases" not in experience.metadata


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 255, 256, 257, 1_000, 5_000])
def test_phases_cover_every_step_and_keep_the_range(n: int, memory: Any) -> None:
    actions = np.random.default_rng(n).uniform(-1, 1, (n, 2))
    experience = played(memory, actions)
    assert sum(call.count for call in experience.plan) == n
    weights = np.array([call.count for call in experience.plan]) / n
    means = np.array([call.arguments["action"] for call in experience.plan])
    assert np.allclose(weights @ means, actions.mean(axis=0), atol=1e-3)
    low, high = (describe.observation_text(side(axis=0)) for side in (actions.min, actions.max))
    assert experience.metadata["actions"].endswith(f"from {low} to {high}")


def test_the_numbers_of_an_action_are_named(memory: Any) -> None:
    actions = np.array([[1, 0], [0, 1]])
    experience = played(memory, actions, action_names=["thigh", "leg"])
    expected = "mean [thigh 0.5, leg 0.5], from [thigh 0, leg 0] to [thigh 1, leg 1]"
    assert experience.metadata["actions"].endswith(expected)
    assert experience.metadata["action_phases"][0] == (
        "steps 0-0: mean [thigh 1, leg 0], from [thigh 1, leg 0] to [thigh 1, leg 0]"
    )


def test_the_phases_of_an_episode_can_be_played_again(memory: Any) -> None:
    env = gym.make("Pendulum-v1")
    wrapped = record_experience(env, memory)
    run(wrapped, [np.array([0.5], np.float32)] * 5 + [np.array([-1], np.float32)] * 4)
    wrapped.close()
    world = GymWorld(env)
    for call in memory.experiences[0].plan:
        world.start(call.__class__(call.name, call.arguments))


@pytest.mark.parametrize("odd", [np.array([np.nan, 0]), np.array([np.inf, 0]), np.array([1e308, 1e308])])
def test_actions_beyond_all_bounds_are_recorded(odd: Any, memory: Any) -> None:
    assert sum(call.count for call in played(memory, [odd, odd, np.zeros(2)]).plan) == 3


def test_an_action_of_more_numbers_than_anybody_reads_has_no_phases(memory: Any) -> None:
    env = Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (100,)))
    experience = recorded(memory, [], [np.zeros(100), np.ones(100)], env=env)
    assert experience.plan == ()
    assert experience.metadata["actions"].startswith("2 continuous actions")
