"""What record_experience accepts and how it refuses the rest."""

from typing import Any

import gymnasium as gym
import pytest

from embodied_mem.errors import EmbodiedMemError, MemoryModeError
from embodied_mem.memory.modes import with_mode
from embodied_mem.recording import RecordingError, record_experience
from tests.embodied_mem.recording.scripted import Scripted, end, run


def test_a_single_environment_gets_a_wrapper(memory: Any) -> None:
    assert isinstance(record_experience(gym.make("CartPole-v1"), memory), gym.Wrapper)


def test_a_vector_environment_gets_a_vector_wrapper(memory: Any) -> None:
    env = record_experience(gym.make_vec("CartPole-v1", num_envs=2), memory)
    assert isinstance(env, gym.vector.VectorWrapper)


def test_a_stable_baselines_vector_environment_is_refused_with_the_way_out(memory: Any) -> None:
    base = type("VecEnv", (), {"__module__": "stable_baselines3.common.vec_env.base_vec_env"})
    env = type("DummyVecEnv", (base,), {})()
    with pytest.raises(RecordingError, match=r"DummyVecEnv\(\[lambda: record_experience\(gym.make"):
        record_experience(env, memory)


class OldStyle:
    """An environment of the API before Gymnasium 0.26, which derives from nothing."""

    def reset(self) -> int:
        return 0

    def step(self, action: Any) -> tuple[int, float, bool, dict[str, Any]]:
        return 0, 0.0, True, {}


def of_package(module: str) -> Any:
    return type("Old", (OldStyle,), {"__module__": module})()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (of_package("gym.core"), r"Old is an environment of before Gymnasium 0.26.* shimmy.GymV21Compatib"),
        (of_package("dm_env._environment"), r"shimmy.DmControlCompatibilityV0"),
        (of_package("dm_control.rl.control"), r"shimmy.DmControlCompatibilityV0"),
        (of_package("pettingzoo.utils.env"), r"several agents; record each"),
        (OldStyle(), r"no gymnasium.Env; derive it.*shimmy.GymV21CompatibilityV0"),
        ("CartPole-v1", r"gymnasium.make\('CartPole-v1'\)"),
        (gym.spec("CartPole-v1"), r"a specification; .*gymnasium.make\('CartPole-v1'\)"),
        (Scripted, r"the class Scripted; expected a gymnasium.Env .*Scripted\(...\) makes"),
        (gym.make, r"the function make; expected a gymnasium.Env"),
        ([Scripted([end()])], r"several environments; .*SyncVectorEnv"),
        (None, "NoneType; expected a gymnasium.Env"),
        (3, "int; expected a gymnasium.Env"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_environment_is_refused_with_the_next_step(memory: Any, env: Any, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        record_experience(env, memory)


@pytest.mark.parametrize("mode", ["frozen", "off"])
def test_a_memory_that_takes_no_writes_is_refused(memory: Any, mode: str) -> None:
    with pytest.raises(MemoryModeError, match=f"mode '{mode}' records nothing"):
        record_experience(gym.make("CartPole-v1"), with_mode(memory, mode))


def test_what_is_no_memory_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"memory is list; .*MemoryStore.open"):
        record_experience(gym.make("CartPole-v1"), [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"outcome": "success"}, "outcome is 'success'; expected 'reward>NUMBER'"),
        ({"keep": "best"}, "keep is 'best'"),
        ({"keep": "successes"}, "needs to know what a success is; .*success_in_info"),
        ({"sample": 0}, "sample is 0"),
        ({"sample": 1.5}, "sample is 1.5"),
        ({"sample": float("nan")}, "sample is nan"),
        ({"sample": 0.5}, "needs rng"),
        ({"max_calls": 1}, "max_calls is 1"),
        ({"max_steps_per_experience": 0}, "max_steps_per_experience is 0"),
        ({"task": 5}, "task is 5; expected a text"),
        ({"outcome": 5}, "outcome is 5; expected a rule"),
        ({"scope": "lab"}, "scope is 'lab'; expected a Scope"),
        ({"sample": "half"}, "sample is 'half'"),
        ({"sample": 0.5, "rng": 7}, "rng is 7"),
        ({"clock": 0}, "clock is 0"),
        ({"make_id": "a"}, "make_id is 'a'"),
        ({"max_calls": 2.5}, "max_calls is 2.5"),
        ({"max_steps_per_experience": "many"}, "max_steps_per_experience is 'many'"),
        ({"observation_names": "x"}, "observation_names is 'x'; expected a list of names"),
        ({"record_copies": "no"}, "record_copies is 'no'; expected True or False"),
        ({"action_names": "left"}, "action_names is 'left'; expected a list of names"),
        ({"metadata": {"handle": object()}}, "metadata.handle is object"),
        ({"metadata": 5}, "metadata is int; expected a mapping"),
        ({"reward": 1}, "no reward. Known: task, outcome"),
    ],
)
def test_unusable_options_are_refused(memory: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(EmbodiedMemError, match=message):
        record_experience(gym.make("CartPole-v1"), memory, **keywords)


@pytest.mark.parametrize("in_background", [True, False])
def test_in_background_warns_once_and_the_episode_is_recorded_when_it_ends(
    memory: Any, in_background: bool
) -> None:
    with pytest.warns(
        DeprecationWarning, match=r"in_background.* Remove the keyword; nothing is lost"
    ) as said:
        env = record_experience(
            Scripted([end()]), memory, in_background=in_background, outcome=lambda _: "success"
        )
    assert [warning.filename for warning in said] == [__file__]  # the line to change
    run(env, [0])
    assert memory.experiences[0].outcome.is_success
