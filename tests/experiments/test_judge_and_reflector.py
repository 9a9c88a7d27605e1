"""The judge and the reflector of a run come from its configuration."""

import json

import pytest

from embodied_mem import MemoryStore
from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.run_command import run
from tests.experiments.conftest import TOY_RUN

pytestmark = pytest.mark.usefixtures("toy_parts")


def play(folder, *overrides):
    run(
        [*TOY_RUN, "lifetimes=1", "workers=1", "arms=[memory]", f"out={folder}", *overrides],
        command="",
        say=lambda line: None,
    )
    lifetime = folder / "lifetimes" / "memory" / "00"
    rows = [json.loads(line) for line in (lifetime / "episodes.jsonl").read_text("utf-8").splitlines()]
    with MemoryStore.open(lifetime / "memory") as store:
        return rows, [experience.kind for experience in store.experiences()]


def test_they_judge_and_reflect_on_every_episode(tmp_path, monkeypatch, toy_environment):
    monkeypatch.setenv("PYTHONPATH", toy_environment["PYTHONPATH"])
    rows, kinds = play(tmp_path / "run", "judge=strict", "judge.options.level=1", "reflector=moralist")
    assert {row["success"] for row in rows if row["steps"] > 1} == {False}
    assert set(kinds) == {"episode", "lesson"}  # the planner's own reflection gave repairs


def test_options_that_do_not_fit_are_refused_before_the_run(tmp_path):
    with pytest.raises(ExperimentError, match=r"judge 'strict' cannot be made with \{'colour': 'red'\}"):
        play(tmp_path / "run", "judge=strict", "judge.options.colour=red")
    assert not (tmp_path / "run").exists()
