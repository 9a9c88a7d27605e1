"""Packages written against earlier releases are found by name, play, and pass their own tests."""

import os
import subprocess
import sys

import pytest

PLAYED = """
from pathlib import Path
from embodied_mem import Agent, MemoryStore, registry
from embodied_mem.envs import make_world
from embodied_mem.planners import make_planner
from lab_plugin.notebook import Notebook


def play(memory, n_episodes):
    agent = Agent(planner=make_planner("lab_switches"), memory=memory)
    world = make_world("lab_lamps:cellar")
    return [agent.run_episode(world, seed=seed) for seed in range(n_episodes)]


def check_learnt(episodes):
    won = [episode.outcome.is_success for episode in episodes]
    first = won.index(True)
    assert all(won[first:]), won
    assert episodes[first + 1].trace.steps == 1


check_learnt(play(Notebook(Path("notes"), seed=0), 12))
with MemoryStore.open("store") as store:
    memory = store.memory(embedder=registry.load("embedders", "lab_letters")())
    check_learnt(play(memory, 12))
    assert memory.recall("where is the cellar")[0].parts["embedding"] > 0
    if "lab_longest" in registry.names("forgetting"):
        policy = registry.load("forgetting", "lab_longest")(keeps_failures=False)
        assert len(store.forget(policy, keep=1)) == 11
"""
RUN = (
    "planner=lab_switches",
    "memory=lab_notebook",
    "tracker=lab_csv",
    "stream.kinds=[lab_lamps:kitchen,lab_lamps:cellar]",
    "stream.name=lamps",
    "arms=[none,memory]",
    "seeds=tuning",
    "lifetimes=2",
    "learning_episodes=20",
    "held_out_episodes=6",
    "workers=1",
    "report=false",
    "out=run",
)


@pytest.fixture
def run_with_plugin(copied, child_environment):
    """Runs an interpreter that sees the package as installed; what it prints on standard output."""
    folder = copied("plugin")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={
                **child_environment,
                "PYTHONPATH": os.pathsep.join([str(folder), child_environment["PYTHONPATH"]]),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # importing them takes longer than the tests
            },
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_its_memory_world_planner_and_embedder_play(run_with_plugin):
    run_with_plugin("-c", PLAYED)


def test_its_parts_make_an_experiment(run_with_plugin, tmp_path):
    run_with_plugin("-m", "embodied_mem", "run", *RUN)
    assert (tmp_path / "plugin" / "run" / "numbers.csv").read_text("utf-8")
    assert (tmp_path / "plugin" / "run" / "summary.json").exists()


def test_it_passes_its_own_tests(run_with_plugin):
    run_with_plugin("-m", "pytest", "-q", "-p", "no:cacheprovider", "check_lab_plugin.py")
