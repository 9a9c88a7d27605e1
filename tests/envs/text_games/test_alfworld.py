"""ALFWorld itself: invented games, and published ones in a folder written here in their shape."""

import json
import sys

import numpy as np
import pytest
from engine_tests import (
    assert_each_command_has_one_call,
    assert_only_what_was_read_is_known,
    play_expert,
)

from embodied_mem.envs import make_world
from embodied_mem.envs.text_games.alfworld import generated, plan, problem
from embodied_mem.errors import EpisodeError, UnknownName
from embodied_mem.records import SkillCall
from embodied_mem.testing.execution import begin_episode, run_call

pytest.importorskip("alfworld")

pytestmark = [
    pytest.mark.textworlds,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
    pytest.mark.timeout(600),  # a busy machine plans slowly
    pytest.mark.skipif(sys.platform == "win32", reason="the planner runs on Unix"),
]
KIND = "pick_heat_then_place_in_recep"


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    """Generated games that the tests share."""
    return str(tmp_path_factory.mktemp("games"))


@pytest.fixture(scope="module")
def world(games):
    made = make_world(f"alfworld_generated:{KIND}", games=games)
    yield made
    made.close()


@pytest.fixture(scope="module")
def published(world, games, tmp_path_factory):
    """A folder in the shape of the published one, with a generated game in each split."""
    begin_episode(world)
    [game] = [path for path in _files(games) if path.name == "0.tw-pddl"]
    root = tmp_path_factory.mktemp("data")
    for split, is_solvable in (("train", True), ("valid_seen", True), ("valid_unseen", False)):
        folder = root / "json_2.1.1" / split / f"{KIND}-Cup-None-Fridge-1" / "trial_1"
        folder.mkdir(parents=True)
        content = {**json.loads(game.read_text()), "solvable": is_solvable}
        (folder / "game.tw-pddl").write_text(json.dumps(content))
        (folder / "traj_data.json").write_text(json.dumps({"task_type": KIND}))
    return root


def test_the_expert_wins_and_every_command_has_one_call(world):
    is_won, seen = play_expert(world, 0)
    assert is_won
    for commands, skills in seen:
        assert_each_command_has_one_call(world, commands, skills)
        assert "type_command" not in {skill.name for skill in skills}


def test_a_seed_gives_the_same_game(world):
    first = begin_episode(world)
    assert begin_episode(world) == first


def test_only_what_is_in_reach_is_seen(world):
    observation = begin_episode(world)
    assert observation.facts["visible"] == []
    place = world._game_env().walkthrough()[0]
    result, _ = run_call(world, world._grammar.call_of(place), observation)
    assert result.is_success
    assert any(fact[:2] == ["you", "at"] for fact in world.view_scene().facts["facts"])


def test_what_no_text_has_named_is_in_no_fact(world):
    assert_only_what_was_read_is_known(world, n_steps=30, seed=0)


def test_a_command_that_does_nothing_fails(world):
    result, _ = run_call(world, SkillCall("open", {"object": "sesame"}), begin_episode(world))
    assert result.reason == "open sesame: Nothing happens."


def test_published_games_are_played_by_fold(published):
    world = make_world(f"alfworld:{KIND}", data=str(published))
    assert play_expert(world, 0)[0]
    with pytest.raises(EpisodeError, match="valid_unseen has no solvable game"):
        begin_episode(world, seed=501_000)
    world.close()


def test_without_the_published_games_the_error_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)
    with pytest.raises(EpisodeError, match=r"alfworld-download.*ALFWORLD_DATA.*alfworld_generated"):
        make_world(f"alfworld:{KIND}")
    with pytest.raises(EpisodeError, match=r"json_2\.1\.1"):
        make_world(f"alfworld:{KIND}", data=str(tmp_path))


def test_an_unknown_task_type_is_told():
    with pytest.raises(UnknownName, match=KIND):
        make_world("alfworld_generated:pick_heat")


@pytest.mark.parametrize("task_type", problem.TASKS)
def test_every_task_type_can_be_invented(task_type):
    made = [problem.invent(task_type, np.random.default_rng([seed, 0])) for seed in range(20)]
    assert sum(each is not None for each in made) >= 5
    assert all("{" not in each.pddl + each.task for each in made if each)


def test_a_planner_that_takes_too_long_or_too_much_gives_nothing(world, games):
    begin_episode(world)
    game = next(path for path in _files(games) if path.name == "0.tw-pddl")
    assert plan.solve(game, seconds=0.01) is None
    assert plan.solve(game, memory_bytes=10_000_000) is None


def test_games_that_are_not_solved_are_dropped_and_counted(monkeypatch, tmp_path):
    answers = [None, None, ["look"]]
    monkeypatch.setattr(generated, "solve", lambda game: answers.pop(0))
    path, _, walkthrough = generated.GeneratedGames("pick_and_place_simple", str(tmp_path)).find(3)
    assert walkthrough == ["look"]
    assert json.loads(path.read_text())["n_dropped"] == 2
    assert [file.name for file in path.parent.iterdir()] == ["3.tw-pddl"]
    monkeypatch.setattr(generated, "solve", lambda game: None)
    with pytest.raises(EpisodeError, match="not solved in time"):
        generated.GeneratedGames("pick_and_place_simple", str(tmp_path)).find(4)


def _files(folder):
    from pathlib import Path

    return list(Path(folder).rglob("*.tw-pddl"))
