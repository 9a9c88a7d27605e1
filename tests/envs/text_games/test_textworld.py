"""TextWorld itself: games are generated, compiled and played."""

import threading

import pytest
from engine_tests import (
    assert_each_command_has_one_call,
    assert_only_what_was_read_is_known,
    play_expert,
)

from embodied_mem.envs import make_world
from embodied_mem.errors import UnknownName
from embodied_mem.records import SkillCall
from embodied_mem.records.legal_calls import legal_calls
from embodied_mem.testing import ExecutionContract, WorldContract
from embodied_mem.testing.execution import begin_episode, run_call

pytest.importorskip("textworld")

pytestmark = [
    pytest.mark.textworlds,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the packages that TextWorld imports
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
]
KINDS = ["treasure_hunter", "coin_collector", "simple", "cooking", "cleaning"]
MAX_CHECKED = 12  # calls of one decision; each needs a game of its own


@pytest.fixture(scope="session")
def games(tmp_path_factory):
    """Games that the tests of one run share."""
    return str(tmp_path_factory.mktemp("games"))


@pytest.fixture
def textworld(games):
    """Makes worlds that keep their games there, and closes them."""
    made = []

    def make(kind, **options):
        made.append(make_world(f"textworld:{kind}", games=games, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


class TestTextWorld(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self, textworld):
        return textworld("cleaning")

    @pytest.fixture
    def call(self):
        return SkillCall("look")

    @pytest.fixture
    def failing_call(self):
        return SkillCall("open", {"object": "towel rail"})


@pytest.mark.parametrize("kind", KINDS)
def test_the_expert_wins(textworld, kind):
    world = textworld(kind)
    assert [play_expert(world, seed)[0] for seed in range(2)] == [True, True]


@pytest.mark.parametrize("kind", KINDS)
def test_every_admissible_command_has_exactly_one_call(textworld, kind):
    world = textworld(kind)
    for commands, skills in play_expert(world, 0)[1]:
        assert_each_command_has_one_call(world, commands, skills)


def test_every_call_of_an_admissible_command_is_carried_out(textworld):
    world = textworld("simple")
    observation = begin_episode(world)
    commands = world._turn.commands
    for call in legal_calls(world.skills(observation))[:MAX_CHECKED]:
        result, [typed] = run_call(world, call, begin_episode(world))
        assert result.is_success == (typed in commands)


def test_no_form_is_missing(textworld):
    """No command of a game falls to the skill that types commands as they are."""
    for kind in KINDS:
        for _, skills in play_expert(textworld(kind), 1)[1]:
            assert "type_command" not in {skill.name for skill in skills}


def test_a_failure_is_told_in_the_games_words(textworld):
    world = textworld("simple")
    result, _ = run_call(world, SkillCall("open", {"object": "wooden door"}), begin_episode(world))
    assert "You have to unlock the wooden door" in result.reason
    assert result.subjects[0] == "wooden door"


def test_facts_say_nothing_that_was_not_seen(textworld):
    world = textworld("simple")
    observation = begin_episode(world)
    hidden = ("old key", "locked", "kitchen", "match", "milk")  # in the trunk, behind the door, in no text
    assert not any(name in str(observation.facts) for name in hidden)
    for furniture in ("antique trunk", "chest drawer"):
        run_call(world, SkillCall("open", {"object": furniture}), observation)
    assert "The old key is in the" in world.scene()


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_text_has_named_is_in_no_fact(textworld, kind):
    for seed in range(2):
        assert_only_what_was_read_is_known(textworld(kind), n_steps=40, seed=seed)


def test_rooms_lie_as_they_were_walked(textworld):
    world = textworld("cleaning")
    assert "has exit" in str(begin_episode(world).facts)
    assert " of" not in str(begin_episode(world).facts)
    play_expert(world, 0)
    assert " of" in str(world.view_scene().facts)


def test_a_seed_gives_the_same_game_in_another_folder(textworld, tmp_path):
    first = begin_episode(textworld("cooking"), seed=7)
    again = make_world("textworld:cooking", games=str(tmp_path))
    assert begin_episode(again, seed=7).text == first.text
    again.close()


def test_games_are_made_once_and_whole(textworld, tmp_path):
    worlds = [make_world("textworld:coin_collector", games=str(tmp_path)) for _ in range(2)]
    threads = [threading.Thread(target=begin_episode, args=(world,)) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [folder] = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["0.json", "0.z8"]
    made_at = (folder / "0.z8").stat().st_mtime_ns
    begin_episode(worlds[0])
    assert (folder / "0.z8").stat().st_mtime_ns == made_at
    for world in worlds:
        world.close()


def test_an_unknown_kind_is_named():
    with pytest.raises(UnknownName, match="cooking"):
        make_world("textworld:cokking")


def test_a_run_over_the_stream_works(textworld, games, tmp_path):
    """One kind as a stream, with the arms floor and expert."""
    from embodied_mem.experiments.cli import main

    kind = f'textworld:coin_collector?games="{games}"&max_steps=20'
    overrides = [
        "experiment=quick",
        "stream=one_kind",
        f"stream.kinds=['{kind}']",
        "arms=[none,floor,expert]",
    ]
    sizes = ["comparisons=[]", "lifetimes=1", "learning_episodes=1", "held_out_episodes=1", "report=false"]
    assert main(["run", *overrides, *sizes, "workers=1", f"out={tmp_path / 'run'}"]) == 0
