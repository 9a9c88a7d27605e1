"""A reflector whose lessons are recorded beside those of the planner."""

import pytest

from embodied_mem import Agent, MemoryStore
from embodied_mem.agent import BesidePlanner
from embodied_mem.isolation.recipe import Recipe
from embodied_mem.planners import make_planner
from embodied_mem.records import Experience, Kind, Outcome, Status
from embodied_mem.records.episodes import Reflection
from embodied_mem.records.queries import Query
from embodied_mem.testing import KeyDoorWorld, ReflectorContract


class OneLesson:
    """Writes the same lesson after every episode."""

    def reflect(self, trace, outcome):
        lesson = Experience(kind=Kind.LESSON, task=trace.task, outcome=Outcome(status=Status.UNVERIFIED))
        return Reflection(experiences=(lesson,), cost={"seconds": 1.0})


class TestIt(ReflectorContract):
    @pytest.fixture
    def reflector(self):
        return BesidePlanner(OneLesson())


def kinds_recorded(tmp_path, reflector):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        agent = Agent(planner=make_planner("case_based"), memory=memory, reflector=reflector)
        for seed in range(6):
            agent.run_episode(KeyDoorWorld(), seed=seed)
        return {hit.experience.kind for hit in memory.recall(Query(k=100))}


def test_both_are_recorded(tmp_path):
    assert kinds_recorded(tmp_path, BesidePlanner(OneLesson())) == {"episode", "repair", "lesson"}


def test_without_it_a_reflector_replaces_the_planner(tmp_path):
    assert kinds_recorded(tmp_path, OneLesson()) == {"episode", "lesson"}


def test_both_are_recorded_of_an_isolated_episode(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        agent = Agent(planner=make_planner("case_based"), memory=memory, reflector=BesidePlanner(OneLesson()))
        world = Recipe("embodied_mem.testing:KeyDoorWorld", {})
        agent.run_episode(world, seed=3, isolate=True)
        kinds = {hit.experience.kind for hit in memory.recall(Query(k=100))}
    assert {"episode", "lesson"} <= kinds
