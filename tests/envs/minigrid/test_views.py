import contextlib
import io
import warnings

import gymnasium as gym
import numpy as np
import pytest
from minigrid.core.world_object import Ball

from embodied_mem.envs.minigrid import level_ids
from embodied_mem.envs.minigrid.views import QuickViews, make_quick

SOME = [
    "BabyAI-BossLevel-v0",
    "BabyAI-KeyInBox-v0",
    "MiniGrid-LavaGapS5-v0",
    "MiniGrid-Dynamic-Obstacles-5x5-v0",
]


def assert_same_episode(level: str, steps: int) -> None:
    """Both ways to make a level show the same, step for step."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # some levels have a newer version
        envs = [gym.make(level, disable_env_checker=True), make_quick(level)]
        shown = [env.reset(seed=3)[0] for env in envs]
    assert isinstance(envs[1].unwrapped, QuickViews)
    assert not isinstance(envs[0].unwrapped, QuickViews)
    rng = np.random.default_rng(0)
    is_over = False
    while steps and not is_over:
        assert np.array_equal(shown[0]["image"], shown[1]["image"])
        assert shown[0]["image"].dtype == shown[1]["image"].dtype
        assert {**shown[0], "image": 0} == {**shown[1], "image": 0}
        action = int(rng.choice([0, 1, 2, 2, 2, 3, 4, 5]))
        action = min(action, int(envs[0].action_space.n) - 1)
        results = [env.step(action) for env in envs]
        assert results[0][1:4] == results[1][1:4]
        shown, is_over, steps = [result[0] for result in results], results[0][2] or results[0][3], steps - 1


@pytest.mark.parametrize("level", SOME)
def test_quick_views_equal_minigrids_own(level):
    assert_same_episode(level, steps=150)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["BabyAI", "MiniGrid"])
def test_quick_views_equal_minigrids_own_on_every_level(family):
    for level in level_ids(family):
        if "WFC" not in level:  # needs a package of its own
            assert_same_episode(level, steps=40)


def test_quick_views_pass_gymnasiums_checker():
    from gymnasium.utils.env_checker import check_env

    check_env(make_quick("BabyAI-GoToLocal-v0").unwrapped, skip_render_check=True)


DRAWING = """
    #########
    #k.#~.b.#
    #>.D.xg.#
    #..o.~.r#
    ####d####
    #.......#
    #########
"""


@pytest.mark.parametrize("see_through_walls", [False, True])
def test_quick_views_are_equal_where_things_hide_and_are_carried(drawn_env, see_through_walls):
    """From every cell and heading, the hand empty and full: doors, lava, walls, the rim."""
    quick_env = type("Quick", (QuickViews, drawn_env), {})
    envs = [made(DRAWING) for made in (drawn_env, quick_env)]
    for env in envs:
        env.reset(seed=0)
        env.see_through_walls = see_through_walls
    width, height = envs[0].grid.width, envs[0].grid.height
    for place in np.ndindex(width, height, 4, 2):
        for env in envs:
            env.agent_pos, env.agent_dir = place[:2], place[2]
            env.carrying = Ball("blue") if place[3] else None
        shown = [env.gen_obs()["image"] for env in envs]
        assert np.array_equal(*shown), place
