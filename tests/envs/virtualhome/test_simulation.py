"""What our environment adds to the simulator, and what it must leave as it is."""

import sys

import numpy as np
import pytest

pytest.importorskip("virtualhome_eval", reason="run: embodied-mem setup virtualhome")

from embodied_mem.envs.virtualhome import make_virtualhome
from embodied_mem.envs.virtualhome.actions import action
from embodied_mem.envs.virtualhome.env import STEPS_PER_DOOR
from embodied_mem.envs.virtualhome.home import AGENT, GraphState, Home, way_between
from embodied_mem.planners.legal_calls import random_call
from embodied_mem.testing.execution import begin_episode, run_call

SCRIPT = """
import hashlib
import numpy as np
from embodied_mem.envs.virtualhome import make_virtualhome
from embodied_mem.planners.legal_calls import random_call
from embodied_mem.testing.execution import begin_episode, run_call

world, rng, seen = make_virtualhome(max_steps=10**6), np.random.default_rng(0), hashlib.sha256()
for seed in range(3):
    observation = begin_episode(world, seed=seed)
    for _ in range(40):
        skills = world.skills(observation)
        seen.update(repr((observation.text, observation.facts, skills)).encode())
        seen.update(repr(run_call(world, random_call(skills, rng), observation)).encode())
        observation = world.observe({}, {})
print(seen.hexdigest())
"""


def play_randomly(world, n_calls, seed=0):
    rng = np.random.default_rng(seed)
    observation = begin_episode(world, seed=seed)
    for _ in range(n_calls):
        result, actions = run_call(world, random_call(world.skills(observation), rng), observation)
        observation = world.observe({}, {})
        yield result, actions
        if result is None:
            return


def test_two_hash_seeds_give_the_same_episode(run_python, child_environment):
    digests = set()
    for seed in ("0", "1"):
        child_environment["PYTHONHASHSEED"] = seed
        done = run_python("-c", SCRIPT)
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1


def test_importing_the_simulator_leaves_random_alone(run_python):
    code = (
        "import random; random.seed(7); before = random.getstate()\n"
        "from embodied_mem.envs.virtualhome.package import load_simulator\n"
        "load_simulator(); assert random.getstate() == before"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


def test_only_the_simulator_itself_is_imported(run_python):
    code = (
        "import sys; from embodied_mem.envs.virtualhome import make_virtualhome\n"
        "make_virtualhome().env.reset(seed=0)\n"
        "print(sorted(name for name in ('pddlgym', 'openai', 'lark', 'fire', 'ipdb') if name in sys.modules))"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_up_to_date_equals_what_the_simulator_says(seed):
    world = make_virtualhome(max_steps=10**6)
    for _ in play_randomly(world, 60, seed=seed):
        home, graph = world.env.home, world.env.simulation.to_graph()
        fresh = Home(graph)
        ids = [id for id in home.things if not home.things[id].is_room]
        differing = [(id, home.place(id), fresh.place(id)) for id in ids if home.place(id) != fresh.place(id)]
        assert differing == []
        assert [id for id in ids if home.states(id) != GraphState(graph).states(id)] == []


def test_going_somewhere_takes_steps_by_the_doors_on_the_way():
    world = make_virtualhome()
    begin_episode(world)
    env = world.env
    home = env.home
    ways = [way_between(home.doors, home.room_of(AGENT), room) for room in home.rooms]
    beyond = next(way[-1] for way in ways if len(way) == 2)
    steps = 0
    while home.room_of(AGENT) != beyond:
        *_, info = env.step(action("WALK", beyond))
        steps += 1
        assert not info["failure"]
    assert steps == 2 * STEPS_PER_DOOR
    assert not info["is_on_the_way"]


def test_what_is_held_comes_along():
    world = make_virtualhome("Drink")
    observation = begin_episode(world)
    policy = world.expert(None)
    state, env = policy.initial_state(), world.env
    while not env.home.held:
        act, state = policy.act(observation.raw, state)
        env.step(act)
    held = env.home.held[0]
    for room in [*env.home.rooms, *env.home.rooms[::-1]]:
        while env.home.room_of(AGENT) != room:
            env.step(action("WALK", room))
        assert env.home.room_of(held) == room
        assert room in env.simulation.to(held, "INSIDE")


def test_the_simulators_clock_is_emptied():
    world = make_virtualhome()
    for _ in play_randomly(world, 20):
        pass
    begin_episode(world)
    clock = sys.modules["virtualhome_eval.simulation.evolving_graph.common"].TimeMeasurement
    assert len(clock._measurement_time) == 0


def test_a_closed_thing_shows_nothing_of_what_is_in_it():
    world = make_virtualhome()
    for seed in range(6):
        observation = begin_episode(world, seed=seed)
        home, names = world.env.home, world.names
        hidden = [names[id] for id in home.things if not home.things[id].is_room and home.closed_around(id)]
        elsewhere = [names[id] for id in home.things if home.room_of(id) != home.room_of(AGENT)]
        shown = set(observation.facts["visible"]) | {each["name"] for each in observation.facts["changed"]}
        assert hidden
        assert not shown & set(hidden)
        assert not shown & set(elsewhere)


def test_problems_of_a_task_have_its_name_as_kind():
    world = make_virtualhome("watch_tv")
    raw, info = world.env.reset(seed=3)
    task = world.begin(raw, info, seed=3)
    assert task.kind == "virtualhome:watch_tv"
    assert task.text.startswith("Watch TV: ")
