"""A world whose methods give something of the wrong type is named with what was expected."""

from typing import Any

import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.envs.building import skill
from embodied_mem.errors import EpisodeError
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.recording.recording_options import RecordingError
from embodied_mem.records.skills import Observation
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld


def play(**methods: Any) -> Any:
    world: KeyDoorWorld = type("Odd", (KeyDoorWorld,), methods)()
    return Agent(planner=RandomSkillPlanner(), limits=Limits(max_steps=5)).run_episode(world, seed=0)


class Once:
    """Gives the answer a few times; a loop that asks for ever ends in an error of another text."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.n_asked = answer, 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.n_asked += 1
        if self.n_asked > 20:
            raise SystemExit("the loop asks for ever")
        return self.answer


@pytest.mark.parametrize(
    ("method", "answer", "message"),
    [
        ("skills", None, "world.skills gave None; expected a list of Skill, empty if"),
        ("skills", ["open", "take"], "world.skills gave ['open', 'take']; expected a list of Skill"),
        ("skills", [skill("a"), skill("b"), skill("a")], "two skills called 'a'; give one with all"),
        ("start", None, "world.start gave None; expected an Execution, such as GeneratorExecution"),
        ("start", (each for each in ()), "expected an Execution, such as GeneratorExecution(steps) of a gen"),
    ],
)
def test_an_answer_of_the_wrong_type_ends_the_episode_as_an_error(
    method: str, answer: Any, message: str
) -> None:
    trace = play(**{method: Once(answer)}).trace
    assert trace.ended_by == "error"
    assert message in trace.error


@pytest.mark.parametrize(
    ("method", "answer", "message"),
    [
        ("begin", "take the coin", r"world\.begin gave 'take the coin'; expected a Task, such as"),
        ("observe", "a door", r"world\.observe gave 'a door'; expected an Observation, such as"),
        ("observe", None, r"world\.observe gave None; expected an Observation"),
    ],
)
def test_a_wrong_answer_at_reset_is_refused_by_name(method: str, answer: Any, message: str) -> None:
    with pytest.raises(EpisodeError, match=message):
        play(**{method: Once(answer)})


def test_an_observation_of_the_wrong_type_after_a_step_ends_the_episode() -> None:
    def observe(self: Any, observation: Any, info: Any) -> Any:
        seen = KeyDoorWorld.observe(self, observation, info)
        self.n = getattr(self, "n", 0) + 1
        return seen if self.n == 1 else seen.text

    episode = play(observe=observe)
    assert episode.trace.ended_by == "error"
    assert "world.observe gave" in episode.trace.error
    assert episode.trace.last != Observation(text="")


@pytest.mark.parametrize("setting", [{"max_steps": 5}, 60, "60"])
def test_limits_of_another_type_are_refused_with_an_example(setting: Any) -> None:
    with pytest.raises(EpisodeError, match=r"limits is .*; expected Limits, such as Limits\(max_steps=60\)"):
        Agent(planner=RandomSkillPlanner(), limits=setting)


class Old(KeyDoorEnv):
    """A stand-in for an environment of before Gymnasium 0.26."""

    def step(self, action: Any) -> Any:
        return super().step(action)[:4]


class OldReset(KeyDoorEnv):
    def reset(self, **keywords: Any) -> Any:
        return super().reset(**keywords)[0]


def test_a_step_of_the_old_interface_ends_the_episode_and_names_the_adapter() -> None:
    episode = Agent(planner=RandomSkillPlanner()).run_episode(KeyDoorWorld(Old()), seed=0)
    assert episode.trace.ended_by == "error"
    assert "step() returned 4 values; expected observation, reward" in episode.trace.error
    assert "shimmy.GymV21CompatibilityV0" in episode.trace.error


def test_a_reset_of_the_old_interface_is_refused_with_the_adapter() -> None:
    with pytest.raises(RecordingError, match=r"expected the pair observation, info.* shimmy\.GymV26Compat"):
        Agent(planner=RandomSkillPlanner()).run_episode(KeyDoorWorld(OldReset()), seed=0)
