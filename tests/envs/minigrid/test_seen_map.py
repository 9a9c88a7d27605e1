import contextlib
import io

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.envs.minigrid import codes, make_babyai
from embodied_mem.envs.minigrid.seen_map import SeenMap
from embodied_mem.errors import EpisodeError
from embodied_mem.testing.execution import begin_episode

LEVELS = [
    "BabyAI-GoTo-v0",
    "BabyAI-KeyCorridorS3R2-v0",
    "BabyAI-KeyInBox-v0",
    "MiniGrid-ObstructedMaze-1Dlhb-v0",
]


def wander(level: str, seed: int, steps: int):
    """A map after random actions, with the environment; yields after each step."""
    env = gym.make(level, disable_env_checker=True)
    with contextlib.redirect_stdout(io.StringIO()):
        observation, _ = env.reset(seed=seed)
    seen = SeenMap()
    seen.begin(observation["image"], observation["direction"])
    start = tuple(env.unwrapped.agent_pos)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        action = int(rng.choice([0, 1, 2, 2, 2, 2, 3, 4, 5]))
        observation, _, is_terminated, is_truncated, _ = env.step(action)
        seen.merge(observation["image"], observation["direction"], action)
        yield env.unwrapped, seen, start
        if is_terminated or is_truncated:
            return


@pytest.mark.parametrize("level", LEVELS)
def test_dead_reckoning_follows_the_true_position(level):
    for env, seen, start in wander(level, seed=1, steps=250):
        east, south = seen.offset(seen.position)
        assert (start[0] + east, start[1] + south) == tuple(env.agent_pos)
        assert seen.heading == env.agent_dir


@pytest.mark.parametrize("level", LEVELS)
def test_every_seen_cell_is_as_it_was_shown_last(level):
    env, seen, start = list(wander(level, seed=2, steps=250))[-1]
    truth = env.grid.encode()
    for cell in np.flatnonzero(seen.cells).tolist():
        x, y = np.add(start, seen.offset(cell))
        if 0 <= x < env.width and 0 <= y < env.height and cell != seen.position:
            assert seen.cells[cell] == truth[x, y] @ codes.WEIGHTS


@pytest.mark.parametrize("level", LEVELS)
def test_things_stand_where_the_map_shows_them(level):
    for _, seen, _ in wander(level, seed=3, steps=250):
        shown = set(np.flatnonzero(codes.IS_THING[seen.cells]).tolist())
        assert shown == set(seen.things)
        assert all(thing.cell == cell for cell, thing in seen.things.items())
        assert set(seen.visible) <= shown


def test_an_object_keeps_its_name_through_the_agents_hand(drawn):
    room = drawn("####### #>r..r# #######")
    room.act(codes.PICK_UP)
    assert room.observation.facts["held"] == "red ball 1"
    room.act(codes.FORWARD, codes.DROP)
    assert room.observation.facts["held"] is None
    assert sorted(room.choices) == ["red ball 1", "red ball 2"]


def test_an_open_door_stays_known_while_the_agent_stands_in_it(drawn):
    room = drawn("###### #>o..# ######")
    room.act(codes.FORWARD)
    assert room.choices == ("purple door 1",)
    room.act(codes.FORWARD, codes.LEFT, codes.LEFT)
    assert "purple door 1 (open)" in room.observation.text


def test_what_is_carried_from_the_start_is_known():
    world = make_babyai("PutNextS5N2Carrying")
    begin_episode(world)  # the level's first view is made before it puts the object into the hand
    raw, *_, info = world.env.step(codes.DONE)
    carried = world.env.unwrapped.carrying
    assert world.observe(raw, info).facts["held"] == f"{carried.color} {carried.type} 1"


def test_a_map_that_is_too_small_says_so(drawn):
    with pytest.raises(EpisodeError, match="map_size is 20"):
        SeenMap(size=20)


def test_leaving_the_map_says_so():
    image = np.zeros((7, 7, 3), dtype=np.uint8)
    image[..., 0] = codes.EMPTY
    seen = SeenMap(size=28)
    seen.begin(image, 0)
    for _ in range(6):
        seen.merge(image, 0, codes.FORWARD)
    with pytest.raises(EpisodeError, match="give a larger map_size"):
        seen.merge(image, 0, codes.FORWARD)
