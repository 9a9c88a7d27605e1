import dataclasses

import numpy as np
import pytest
from planted import failures

from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.scene import SceneView
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


class OneNameForAll(KeyDoorWorld):
    """Every problem is the same problem."""

    def begin(self, observation, info, *, seed):
        task = super().begin(observation, info, seed=seed)
        return Task(task.text, kind=task.kind, instance="KeyDoor-v0")


class NamedBySeed(KeyDoorWorld):
    """Says that its names come from the state, and takes the seed."""

    def begin(self, observation, info, *, seed):
        task = super().begin(observation, info, seed=seed)
        return Task(task.text, kind=task.kind, instance=instance_id("KeyDoor-v0", seed=seed))


class NamedByState(KeyDoorWorld):
    """Says that its names come from the seed, and takes the state."""

    instance_from = "seed"


class WithEverything(KeyDoorWorld):
    """Has every optional capability."""

    n_restarts = 0

    def hold_action(self):
        return np.int64(0)

    def restart(self):
        self.n_restarts += 1

    def view_scene(self, budget_tokens=None, *, about=()):
        text = f"There is a {self.door}."
        return SceneView(text=text if budget_tokens is None else text[: 4 * budget_tokens])


class HoldsWildly(WithEverything):
    def hold_action(self):
        return np.int64(99)


class ForgetsItsDoor(WithEverything):
    """Is another world after a restart."""

    def observe(self, observation, info):
        seen = super().observe(observation, info)
        return dataclasses.replace(seen, text=f"{seen.text} Restarts: {self.n_restarts}.")


class Verbose(WithEverything):
    def view_scene(self, budget_tokens=None, *, about=()):
        return SceneView(text="There is a door." * 10)


class LooksTwice(WithEverything):
    """Its scene changes by looking at it."""

    n_looks = 0

    def view_scene(self, budget_tokens=None, *, about=()):
        self.n_looks += 1
        return SceneView(facts={"looks": self.n_looks})


class ClosedForGood(WithEverything):
    is_closed = False

    def close(self):
        assert not self.is_closed
        self.is_closed = True


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
        (OneNameForAll, "test_problems_that_look_different_have_different_names"),
        (NamedBySeed, "test_the_name_of_a_problem_follows_what_the_world_declares"),
        (NamedBySeed, "test_an_unseeded_problem_is_named_by_its_state_or_not_at_all"),
        (NamedByState, "test_the_name_of_a_problem_follows_what_the_world_declares"),
        (NamedByState, "test_an_unseeded_problem_is_named_by_its_state_or_not_at_all"),
        (Remembering, "test_a_new_episode_forgets_the_last_one"),
        (Lenient, "test_an_unknown_skill_is_refused"),
        (Lenient, "test_arguments_that_do_not_fit_are_refused"),
        (StillWon, "test_the_goal_is_not_reached_before_a_step"),
        (HoldsWildly, "test_it_can_hold_at_any_step"),
        (ForgetsItsDoor, "test_it_begins_again_after_a_restart"),
        (Verbose, "test_the_scene_fits_its_budget"),
        (LooksTwice, "test_the_scene_fits_its_budget"),
        (ClosedForGood, "test_it_can_be_closed_twice"),
    ],
)
def test_a_wrong_world_is_rejected(fault, noticed):
    assert noticed in failures(WorldContract, world=fault, call=walk)


@pytest.mark.parametrize("world", [KeyDoorWorld, WithEverything])
def test_a_right_world_passes_whole(world):
    assert failures(WorldContract, world=world, call=walk) == []
