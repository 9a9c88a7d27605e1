import dataclasses

import pytest
from planted import failures

from embodied_mem.records import SkillCall, Task
from embodied_mem.testing.key_door import KeyDoorWorld
from embodied_mem.testing.world import WorldContract


def walk():
    return SkillCall("go_to", {"object": "chest"})


class TestKeyDoorWorld(WorldContract):
    @pytest.fixture
    def world(self):
        return KeyDoorWorld()

    @pytest.fixture
    def call(self):
        return walk()


class ForgetfulOfSeeds(KeyDoorWorld):
    """Every problem is the same problem."""

    def begin(self, observation, info, *, seed):
        task = super().begin(observation, info, seed=seed)
        return Task(task.text, kind=task.kind, instance="KeyDoor-v0")


class Remembering(KeyDoorWorld):
    """Counts its observations across episodes, and says so."""

    seen = 0

    def observe(self, observation, info):
        self.seen += 1
        return dataclasses.replace(super().observe(observation, info), text=f"observation {self.seen}")


class Lenient(KeyDoorWorld):
    """Starts whatever it is told to."""

    def start(self, call):
        return super().start(walk())


class StillWon(KeyDoorWorld):
    """Takes the goal for reached until it is told otherwise."""

    def goal_reached(self):
        return True


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (ForgetfulOfSeeds, "test_equal_seeds_are_equal_problems_and_others_are_not"),
        (Remembering, "test_a_new_episode_forgets_the_last_one"),
        (Lenient, "test_an_unknown_skill_is_refused"),
        (Lenient, "test_arguments_that_do_not_fit_are_refused"),
        (StillWon, "test_the_goal_is_not_reached_before_a_step"),
    ],
)
def test_a_wrong_world_is_rejected(fault, noticed):
    assert noticed in failures(WorldContract, world=fault, call=walk)


def test_a_right_world_passes_whole():
    assert failures(WorldContract, world=KeyDoorWorld, call=walk) == []
