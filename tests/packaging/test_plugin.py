"""A stranger's package is found by name: its parts are parts of an experiment like ours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "plugin_example"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed offline into a folder of its own."""
    source, target = tmp_path_factory.mktemp("plugin") / "source", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source)  # building leaves files beside the sources
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    done = subprocess.run([*command, "--target", str(target), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def run_with_plugin(installed: Path, child_environment: dict[str, str], tmp_path: Path) -> Run:
    """Run an interpreter that sees the example package."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(installed), child_environment["PYTHONPATH"]])
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**child_environment, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=200,
        )

    return run


@pytest.mark.parametrize(
    ("group", "name"), [("memories", "lab_notebook"), ("worlds", "lab_lamps"), ("planners", "lab_switches")]
)
def test_a_part_of_the_package_is_found_by_name(run_with_plugin, group, name):
    code = f"from embodied_mem import registry; print(registry.load({group!r}, {name!r}).__module__)"
    done = run_with_plugin("-c", f"{code}; assert {name!r} in registry.names({group!r})")
    assert done.stdout.startswith("lab_plugin."), done.stderr


def test_finding_names_imports_nothing_of_the_package(run_with_plugin):
    code = "import sys; from embodied_mem import registry; assert 'lab_lamps' in registry.names('worlds')"
    done = run_with_plugin("-c", f"{code}; assert 'lab_plugin' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_a_misspelt_name_is_answered_with_that_of_the_package(run_with_plugin):
    done = run_with_plugin(
        "-c", "from embodied_mem import registry; registry.load('memories', 'lab_notebok')"
    )
    assert "Did you mean 'lab_notebook'" in done.stderr


EPISODES = """
from pathlib import Path
from embodied_mem import Agent
from embodied_mem.envs import make_world
from embodied_mem.planners import make_planner
from lab_plugin.notebook import Notebook

agent = Agent(planner=make_planner("lab_switches"), memory=Notebook(Path("notes"), seed=0))
world = make_world("lab_lamps:cellar")
episodes = [agent.run_episode(world, seed=seed) for seed in range(20)]
won = [episode.outcome.is_success for episode in episodes]
first = won.index(True)
assert all(won[first:]), won
assert episodes[first + 1].trace.steps == 1, episodes[first + 1].trace
"""


def test_an_agent_made_of_these_parts_learns(run_with_plugin):
    done = run_with_plugin("-c", EPISODES)
    assert done.returncode == 0, done.stderr


CONTRACT = """
from pathlib import Path
import pytest
from embodied_mem.testing import MemoryContract
from lab_plugin.notebook import Notebook

class TestNotebook(MemoryContract):
    @pytest.fixture
    def memory(self, tmp_path):
        self.folder = tmp_path
        return Notebook(tmp_path, seed=0)

    def reopen(self, memory):
        return Notebook(self.folder, seed=0)
"""


def test_the_memory_of_the_package_keeps_to_the_contract(run_with_plugin, tmp_path):
    (tmp_path / "test_notebook.py").write_text(CONTRACT, "utf-8")
    done = run_with_plugin("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_notebook.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_memory_world_and_planner_of_the_package_make_an_experiment(run_with_plugin, tmp_path):
    settings = [
        "planner=lab_switches",
        "memory=lab_notebook",
        "stream.name=lamps",
        "seeds=tuning",
        "lifetimes=3",
    ]
    settings += ["stream.kinds=[lab_lamps:kitchen,lab_lamps:cellar]", "arms=[none,memory]", "workers=1"]
    settings += ["learning_episodes=40", "held_out_episodes=12", f"out={tmp_path / 'run'}"]
    done = run_with_plugin("-m", "embodied_mem", "run", *settings)
    assert done.returncode == 0, done.stdout + done.stderr
    success = held_out_success(tmp_path / "run")
    assert success["memory"] == 1.0
    assert success["none"] < 0.75


@pytest.mark.slow
def test_a_memory_of_the_package_is_an_arm_beside_ours(run_with_plugin, tmp_path):
    settings = ["planner=lab_switches", "stream.kinds=[lab_lamps:attic]", "arms=[none,memory,lab_notebook]"]
    settings += ["seeds=tuning", "lifetimes=2", "learning_episodes=30", "held_out_episodes=10", "workers=2"]
    done = run_with_plugin("-m", "embodied_mem", "run", *settings, f"out={tmp_path / 'run'}")
    assert done.returncode == 0, done.stdout + done.stderr
    success = held_out_success(tmp_path / "run")
    assert success["lab_notebook"] == 1.0
    assert set(success) == {"none", "memory", "lab_notebook"}


def held_out_success(folder: Path) -> dict[str, float]:
    """Arm to share of held-out episodes that were won, from the rows of the run."""
    rows = [
        json.loads(line) for file in folder.rglob("episodes.jsonl") for line in file.read_text().splitlines()
    ]
    held_out = [row for row in rows if row["phase"] == "held_out"]
    arms = {row["arm"] for row in held_out}
    return {arm: share([row["success"] for row in held_out if row["arm"] == arm]) for arm in arms}


def share(values: list[bool]) -> float:
    return sum(values) / len(values)
