"""TextWorld-Express and ScienceWorld themselves, each in a JVM."""

import importlib.util
import os
import shutil
import time
from pathlib import Path

import pytest
from engine_tests import assert_each_command_has_one_call, play_expert

from embodied_mem.envs import make_world
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records import SkillCall
from embodied_mem.testing import ExecutionContract, WorldContract
from embodied_mem.testing.execution import begin_episode, run_call

pytestmark = [
    pytest.mark.textworlds,
    pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java runtime"),
]
KINDS = {
    "textworld_express": ["coin", "cookingworld", "mapreader", "twc"],
    "scienceworld": ["find-animal", "find-plant", "use-thermometer"],
}
ALL = [
    pytest.param(
        f"{engine}:{name}",
        marks=pytest.mark.skipif(
            importlib.util.find_spec(engine) is None, reason=f"{engine} is not installed"
        ),
    )
    for engine, names in KINDS.items()
    for name in names
]
FIRST = [ALL[0], ALL[-3]]
WAIT_S = 60
DIES = """
import os
from embodied_mem.envs import make_world
world = make_world({kind!r})
world.env.reset(seed=0)
print(world.env.unwrapped._game._env._gateway.java_process.pid, flush=True)
os._exit(3)
"""
HELD_OUT, REPORTED = 101_000, 501_000  # seeds of the folds dev and test


@pytest.fixture(scope="module")
def java_world():
    """Makes worlds, each once, as a JVM takes seconds to start; closes them."""
    made = {}

    def make(kind, **options):
        return made.setdefault((kind, *options.items()), make_world(kind, **options))

    yield make
    for world in made.values():
        world.close()


class TestTextWorldExpress(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self, java_world):
        pytest.importorskip("textworld_express")
        return java_world("textworld_express:coin")

    @pytest.fixture
    def call(self):
        return SkillCall("look")

    @pytest.fixture
    def failing_call(self):
        return SkillCall("open", {"object": "sesame"})


class TestScienceWorld(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self, java_world):
        pytest.importorskip("scienceworld")
        return java_world("scienceworld:find-animal")

    @pytest.fixture
    def call(self):
        return SkillCall("look")

    @pytest.fixture
    def failing_call(self):
        return SkillCall("open", {"object": "sesame"})


@pytest.mark.parametrize("kind", ALL)
def test_the_expert_wins(java_world, kind):
    assert play_expert(java_world(kind), 0)[0]


@pytest.mark.parametrize("kind", ALL)
def test_every_admissible_command_has_exactly_one_call_and_a_form(java_world, kind):
    world = java_world(kind)
    for commands, skills in play_expert(world, 1)[1][::4]:
        assert_each_command_has_one_call(world, commands, skills)
        assert "type_command" not in {skill.name for skill in skills}


@pytest.mark.parametrize("kind", FIRST)
def test_phases_of_an_experiment_play_different_games(java_world, kind):
    world = java_world(kind)
    names = {_instance(world, seed) for seed in (0, HELD_OUT, REPORTED)}
    assert len(names) == 3
    assert _instance(java_world(kind, fold="test"), 0) not in names - {_instance(world, REPORTED)}


@pytest.mark.parametrize("kind", FIRST)
def test_closing_ends_the_jvm_and_the_next_reset_starts_another(java_world, kind):
    world = java_world(kind)
    first = begin_episode(world)
    process = world.env.unwrapped._game._env._gateway.java_process
    assert process.poll() is None
    world.close()
    world.close()
    assert process.poll() is not None
    assert begin_episode(world).text == first.text


@pytest.mark.parametrize("kind", FIRST)
def test_the_jvm_ends_with_a_process_that_dies_without_closing_it(run_python, kind):
    done = run_python("-c", DIES.format(kind=kind))
    assert done.returncode == 3, done.stderr
    until = time.monotonic() + WAIT_S
    while _is_running(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _is_running(int(done.stdout))


@pytest.mark.parametrize("kind", FIRST)
def test_a_failure_is_told_in_the_games_words(java_world, kind):
    world = java_world(kind)
    result, _ = run_call(world, SkillCall("open", {"object": "sesame"}), begin_episode(world))
    assert result.obstacle == "refused"
    assert result.reason.startswith("open sesame: ")


@pytest.mark.parametrize(
    ("kind", "hint"), [("textworld_express:coins", "coin"), ("scienceworld:boyl", "boil")]
)
def test_an_unknown_name_is_told(kind, hint):
    pytest.importorskip(kind.partition(":")[0])
    with pytest.raises(UnknownName, match=hint):
        make_world(kind)


def test_an_unknown_fold_is_told():
    pytest.importorskip("textworld_express")
    with pytest.raises(InvalidRecord, match="fold"):
        make_world("textworld_express:coin", fold="valid")


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # a zombie has ended, though nobody has asked for its status
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _instance(world, seed):
    raw, info = world.env.reset(seed=seed)
    return world.begin(raw, info, seed=seed).instance
