"""Environments that keep to nothing: no step may be killed and nothing silently lost."""

from collections.abc import Mapping
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
    with pytest.raises(ValueError, match=r"step\(\) returned 4 values.* shimmy.GymV21Compat|ambiguous"):
        env.reset()


def test_a_reset_without_info_says_what_was_expected(memory: Any) -> None:
    env = Scripted([end()])
    env.reset = lambda **_: 0  # type: ignore[method-assign, assignment, return-value]
    message = r"reset\(\) returned '0'; expected the pair observation, info.* shimmy.GymV21CompatibilityV0"
    with pytest.raises(RecordingError, match=message):
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


@pytest.mark.parametrize(
    ("seed", "kept"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (np.uint64(2**64 - 1), str(2**64 - 1)),
        (np.int64(5), 5),
        (2**1_023, str(2**1_023)),
        ("level 3", "level 3"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_a_seed_of_any_size_and_type_is_recorded(memory: Any, seed: Any, kept: Any) -> None:
    class Seeded(Scripted):
        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return self.first, {}

    env = record_experience(Seeded([end()]), memory)
    run(env, [0], seed=seed)
    env.reset()
    (experience,) = memory.experiences
    assert experience.metadata["seed"] == kept
    assert experience.task.instance == f"Seeded#{kept}"


@pytest.mark.parametrize("make", [gym.make, lambda name: gym.make_vec(name, num_envs=2)])
def test_every_seed_that_gymnasium_takes_is_recorded(memory: Any, make: Any) -> None:
    env = record_experience(make("CartPole-v1"), memory)
    seeds = [2**63, 2**64, 10**5_000, 10**5_000 + 1]
    for seed in seeds:
        env.reset(seed=seed)
        env.step(env.action_space.sample())
    env.close()
    instances = {experience.task.instance for experience in memory.experiences}
    assert len(instances) == len(memory.experiences) >= len(seeds)
    assert env.recording_counts.failed == 0


class Collapsing(Mapping[str, Any]):
    """A mapping of a simulator that is gone."""

    def _refuse(self, *_: Any) -> Any:
        raise ConnectionError("the simulator is gone")

    __getitem__ = __iter__ = __len__ = get = items = keys = _refuse


@pytest.mark.parametrize("what", [Hostile(), Collapsing(), {"a": Hostile()}, [Hostile()], {Hostile(): 1}])
@pytest.mark.parametrize("at", ["first", "observation", "info", "first info", "options"])
def test_nothing_an_environment_gives_ends_the_loop(memory: Any, what: Any, at: str) -> None:
    env = record_experience(
        Scripted(
            [go_on(), (what if at == "observation" else 1, 1.0, True, False, what if at == "info" else {})],
            first=what if at == "first" else 0,
            info=what if at == "first info" else None,
        ),
        memory,
    )
    for _ in range(2):
        run(env, [0, 0], options=what if at == "options" else None, seed=1)
    env.close()
    assert env.recording_counts.failed == 0
    assert [experience.outcome.steps for experience in memory.experiences] == [2, 2]
