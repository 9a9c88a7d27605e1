"""The worlds to copy: they pass the test classes, and a planner gets somewhere in them."""

from pathlib import Path

import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import SkillCall
from embodied_mem.testing.execution import ExecutionContract, begin_episode, run_call
from embodied_mem.testing.world import WorldContract
from examples.cellar_game import N_GAMES, CellarGame
from examples.grid_survival_world import GridSurvivalWorld
from examples.survival_env import MATERIALS, SurvivalEnv
from examples.text_game_world import TextGameWorld

EXAMPLES = Path(__file__).parents[2] / "examples"


class TestTextGameWorld(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self):
        return TextGameWorld()

    @pytest.fixture
    def call(self, world):
        (way, *_) = begin_episode_and_choices(world, "go")
        return SkillCall("go", {"direction": way})


class TestAFailureInATextGame(ExecutionContract):
    @pytest.fixture
    def world(self):
        return TextGameWorld(ChestFirst())

    @pytest.fixture
    def call(self):
        return SkillCall("open", {"object": "chest"})

    @pytest.fixture
    def failing_call(self):
        return SkillCall("open", {"object": "chest"})


class TestGridSurvivalWorld(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self):
        return GridSurvivalWorld()

    @pytest.fixture
    def call(self):
        return SkillCall("use", {"object": "tree"})

    @pytest.fixture
    def failing_call(self):
        return SkillCall("make", {"object": "stone_pickaxe"})


class ChestFirst(CellarGame):
    """Begins in the room of the chest."""

    def reset(self, *, seed=None, options=None):
        _, info = super().reset(seed=seed, options=options)
        self._at = self._chest
        return self._look(), {**info, **self._info()}


def begin_episode_and_choices(world, name):
    skills = {skill.name: skill for skill in world.skills(begin_episode(world))}
    return skills[name].parameters[0].choices


@pytest.mark.parametrize(
    ("name", "lines"),
    [("text_game_world.py", 70), ("grid_survival_world.py", 120), ("replay_planner.py", 100)],
)
def test_an_example_stays_small(name, lines):
    assert len((EXAMPLES / name).read_text("utf-8").splitlines()) <= lines


def test_games_are_named_by_their_number_and_not_by_the_seed():
    world = TextGameWorld()
    named = {}
    for seed in range(300):
        raw, info = world.env.reset(seed=seed)
        named.setdefault(info["game"], set()).add(world.begin(raw, info, seed=seed).instance)
    assert len(named) > N_GAMES // 2
    assert all(len(names) == 1 for names in named.values())
    assert len(set().union(*named.values())) == len(named)


@pytest.mark.parametrize("seed", range(10))
def test_a_cellar_can_be_won(seed):
    world = TextGameWorld()
    observation, game = begin_episode(world, seed=seed), world.env
    for room, object in ((game._things[game._key], game._key), (game._chest, "")):
        while game._at != room:
            play(world, observation, "go", direction="east" if game._at < room else "west")
        if object:
            play(world, observation, "take", object=object)
    play(world, observation, "unlock", object="chest", tool=game._key)
    play(world, observation, "open", object="chest")
    play(world, observation, "take", object="coin")
    assert world.goal_reached()


class Prepared(SurvivalEnv):
    """A meadow with a tree, a stone and water near."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.map[3:-3, 3:-3] = MATERIALS.index("grass")
        row, column = self._at
        for name, (south, east) in {"tree": (-2, 0), "stone": (0, 2), "water": (2, 0)}.items():
            self.map[row + south, column + east] = MATERIALS.index(name)
        return self._observe(), {}


def test_a_stone_pickaxe_can_be_made():
    world = GridSurvivalWorld(Prepared())
    observation = begin_episode(world)
    for _ in range(3):
        play(world, observation, "use", object="tree")
    play(world, observation, "explore", direction="west")
    play(world, observation, "place_table")
    play(world, observation, "make", object="wood_pickaxe")
    play(world, observation, "explore", direction="east")
    play(world, observation, "use", object="stone")
    play(world, observation, "explore", direction="west")
    play(world, observation, "go_to", object="table")
    play(world, observation, "make", object="stone_pickaxe")
    assert world.goal_reached()


@pytest.mark.parametrize(
    ("name", "arguments", "obstacle"),
    [("use", {"object": "stone"}, "no_effect"), ("make", {"object": "wood_pickaxe"}, "no_effect")],
)
def test_a_failure_names_what_is_in_the_way(name, arguments, obstacle):
    world = GridSurvivalWorld(Prepared())
    result, _ = run_call(world, SkillCall(name, arguments), begin_episode(world))
    assert (result.obstacle, result.subjects) == (obstacle, (arguments["object"],))


def play(world, observation, name, **arguments):
    result, _ = run_call(world, SkillCall(name, arguments), observation)
    assert result is None or result.is_success, result


@pytest.mark.parametrize("world", [TextGameWorld, GridSurvivalWorld])
def test_an_agent_plays_it(world):
    agent = Agent(planner=RandomSkillPlanner(), limits=Limits(max_calls=200))
    trace = agent.run_episode(world(), seed=1).trace
    assert (trace.error, trace.steps > 10) == ("", True)
    assert not [record for record in trace.calls if record.result.obstacle == "invalid"]
