"""Environments that keep to nothing: no step may be killed and nothing silently lost."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.recording import RecordingError, record_experience
from embodied_mem.records import Status
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, recorded, run


class Hostile:
    """An object that raises whatever it is asked."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("hands off")

    __float__ = __int__ = __str__ = __repr__ = __array__ = _refuse


def test_a_reward_in_an_array_of_one_number_counts(memory: Any) -> None:
    assert recorded(memory, [go_on(np.ones((1,))), end(np.ones((1, 1)))], [0, 0]).outcome.reward == 2.0


@pytest.mark.parametrize("reward", [Hostile(), 10**400, np.ones(2)], ids=["hostile", "huge", "two"])
def test_a_reward_that_defies_conversion_kills_no_step(memory: Any, reward: Any) -> None:
    assert recorded(memory, [go_on(reward), end()], [0, 0]).outcome.reward is None


@pytest.mark.parametrize("space", [gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,))], ids=repr)
def test_an_action_that_defies_conversion_kills_no_step(memory: Any, space: Any) -> None:
    assert recorded(memory, [], [Hostile()], env=Scripted([end()], space=space)).outcome.steps == 1


@pytest.mark.parametrize("info", [None, [1, 2], "none"])
def test_an_info_that_is_no_mapping_is_left_out(memory: Any, info: Any) -> None:
    env = Scripted([(1, 1.0, True, False, info)])
    assert "info" not in recorded(memory, [], [0], env=env).metadata


def test_what_cannot_be_looked_at_in_info_is_named(memory: Any) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    step = end(circle=circle, hostile={Hostile(), Hostile()}, image=np.zeros((100, 100)), fine=1)
    info = recorded(memory, [step], [0]).metadata["info"]
    assert info == {"fine": 1, "left_out": ["circle", "hostile", "image"]}


@pytest.mark.parametrize("result", [(1, 1.0, True, {}), (1, 1.0, np.array([True, True]), False, {})])
def test_a_step_of_an_odd_shape_passes_and_is_reported_later(memory: Any, result: Any) -> None:
    env = record_experience(Scripted([result]), memory)
    env.reset()
    assert env.step(0) is result
    assert env.recording_counts.failed == 1
    with pytest.raises(ValueError, match=r"not enough values|ambiguous"):
        env.reset()


def test_a_reset_without_info_says_what_was_expected(memory: Any) -> None:
    env = Scripted([end()])
    env.reset = lambda **_: 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(RecordingError, match=r"reset\(\) returned '0'; expected the pair observation, info"):
        record_experience(env, memory).reset()


def test_a_reset_that_raises_keeps_the_episode_before(memory: Any) -> None:
    inner = Scripted([go_on()])
    env = record_experience(inner, memory)
    run(env, [0])
    inner.reset = lambda **_: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ZeroDivisionError):
        env.reset()
    assert [experience.outcome.status for experience in memory.experiences] == [Status.CANCELLED]


def test_a_task_function_that_gives_no_text_is_reported_at_once(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory, task=lambda observation, info: 5)  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidRecord, match="task returned int; expected a string or a Task"):
        env.reset()
