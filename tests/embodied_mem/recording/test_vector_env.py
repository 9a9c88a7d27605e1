"""A vector environment gives the same experiences as its sub-environments one by one."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embodied_mem.recording import RecordingError, record_experience
from embodied_mem.recording.vector_env import Autoreset
from embodied_mem.records import Experience, Origin, Scope, Status

HAS_MODES = hasattr(gym.vector, "AutoresetMode")  # Gymnasium 1.0 has one, and no name for it
MODES = list(Autoreset) if HAS_MODES else [Autoreset.NEXT_STEP]
KINDS = ["discrete", "box", "dict", "tuple"]
WORLD = Scope(world="CountingEnv")  # sub-environments in other processes are not asked for their names

Operation = tuple[str, Any]


def in_mode(mode: Autoreset) -> dict[str, Any]:
    """The keyword of Gymnasium's vector environments for a mode."""
    return {"autoreset_mode": mode.value} if HAS_MODES else {}


def mode_of(env: VectorEnv) -> Autoreset:
    return Autoreset(env.metadata["autoreset_mode"].value) if HAS_MODES else Autoreset.NEXT_STEP


def drive(
    env: VectorEnv, *, seed: int, steps: int, reset_at: int, repeats_reset: bool = False
) -> list[list[Operation]]:
    """Run a vector environment; gives what happened to each sub-environment, one by one."""
    n, mode = env.num_envs, mode_of(env)
    operations: list[list[Operation]] = [[("reset", seed + i)] for i in range(n)]
    resets_next = [False] * n
    env.reset(seed=seed)
    for step in range(steps):
        if step == reset_at:
            env.reset(seed=seed + 100)
            for i in range(n):
                operations[i].append(("reset", seed + 100 + i))
            resets_next = [flag and repeats_reset for flag in resets_next]
        actions = np.array([(step // 2 + i) % 3 for i in range(n)])
        _, _, terminations, truncations, _ = env.step(actions)
        over = np.logical_or(terminations, truncations)
        for i in range(n):
            operations[i].append(("reset", None) if resets_next[i] else ("step", int(actions[i])))
            if over[i] and mode is Autoreset.SAME_STEP:
                operations[i].append(("reset", None))
        resets_next = [bool(flag) and mode is Autoreset.NEXT_STEP for flag in over]
        if mode is Autoreset.DISABLED and over.any():
            env.reset(options={"reset_mask": over.copy()})
            for i in np.flatnonzero(over):
                operations[i].append(("reset", None))
    env.close()
    return operations


def replay(env: gym.Env[Any, Any], operations: list[Operation]) -> None:
    """Do to a single environment what happened to a sub-environment."""
    for name, value in operations:
        if name == "reset":
            env.reset(seed=value)
        else:
            env.step(value)
    env.close()


def comparable(experience: Experience) -> Experience:
    """The experience without its ids, its time and the number of the sub-environment."""
    metadata = {key: value for key, value in experience.metadata.items() if key != "env_index"}
    origin = experience.origin
    return experience.replace(
        id="-",
        happened_at_s=0.0,
        metadata=metadata,
        origin=Origin(episode=origin.episode, first_step=origin.first_step, last_step=origin.last_step),
    )


def assert_equal_to_single(
    recorded: list[Experience],
    operations: list[list[Operation]],
    make: Callable[[], Any],
    list_memory: Any,
    **keywords: Any,
) -> None:
    for index, own in enumerate(operations):
        alone = list_memory()
        replay(record_experience(make(), alone, **keywords), own)
        together = [e for e in recorded if e.metadata["env_index"] == index]
        assert [comparable(e) for e in together] == [comparable(e) for e in alone.experiences]
        assert alone.experiences, "the run was too short to show anything"


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 4),
    seed=st.integers(0, 1_000),
    steps=st.integers(6, 30),
    reset_at=st.integers(0, 40),
    copy=st.booleans(),
    cut=st.sampled_from([None, 1, 2]),
)
def test_sync_gives_the_experiences_of_its_sub_environments(
    mode: Autoreset, kind: str, n: int, seed: int, steps: int, reset_at: int, copy: bool, cut: int | None,
    counting_env: Any, list_memory: Any,
) -> None:  # fmt: skip
    def make() -> Any:
        return counting_env(kind)

    memory = list_memory()
    vector = SyncVectorEnv([make] * n, **in_mode(mode), copy=copy)
    env = record_experience(vector, memory, max_steps_per_experience=cut)
    operations = drive(env, seed=seed, steps=steps, reset_at=reset_at)
    assert_equal_to_single(memory.experiences, operations, make, list_memory, max_steps_per_experience=cut)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shared_memory", [True, False])
def test_async_gives_the_experiences_of_its_sub_environments(
    mode: Autoreset, shared_memory: bool, counting_env: Any, list_memory: Any
) -> None:
    def make() -> Any:
        return counting_env("tuple" if shared_memory else "dict")  # text does not travel in shared memory

    memory = list_memory()
    vector = AsyncVectorEnv([make] * 2, **in_mode(mode), shared_memory=shared_memory, context="fork")
    env = record_experience(vector, memory, scope=WORLD)
    operations = drive(env, seed=3, steps=25, reset_at=25)
    assert_equal_to_single(memory.experiences, operations, make, list_memory)


def test_the_reset_that_async_repeats_without_shared_memory_is_seen(
    counting_env: Any, list_memory: Any
) -> None:
    # Holds gymnasium's behaviour still: when a release mends it, this fails and `_reset_is_repeated` goes.
    for reset_at in range(2, 8):
        memory = list_memory()
        vector = AsyncVectorEnv([counting_env] * 2, shared_memory=False, context="fork")
        env = record_experience(vector, memory, scope=WORLD)
        operations = drive(env, seed=3, steps=12, reset_at=reset_at, repeats_reset=True)
        assert_equal_to_single(memory.experiences, operations, counting_env, list_memory)


def test_what_passes_through_is_untouched(counting_env: Any, list_memory: Any) -> None:
    bare = SyncVectorEnv([counting_env] * 2)
    wrapped = record_experience(SyncVectorEnv([counting_env] * 2), list_memory())
    for env in (bare, wrapped):
        env.reset(seed=1)
    for step in range(10):
        ours, theirs = (env.step(np.array([step % 3, 1])) for env in (wrapped, bare))
        for one, other in zip(ours[:4], theirs[:4], strict=True):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)
        assert ours[4].keys() == theirs[4].keys()


def test_a_vector_environment_of_its_own_kind_is_recorded(memory: Any) -> None:
    env = record_experience(gym.make_vec("CartPole-v1", num_envs=2), memory, outcome="reward>=5")
    env.reset(seed=7)
    for _ in range(15):
        env.step(np.array([1, 1]))
    env.close()
    assert {e.task.text for e in memory.experiences} == {"cart pole"}
    assert memory.experiences[0].outcome.status is Status.SUCCESS
    instances = [e.task.instance for e in memory.experiences]
    assert instances[:2] == [f'CartPole-v1#7?{{"env_index":{i},"num_envs":2}}' for i in range(2)]
    assert set(instances[2:]) == {""}


def test_a_list_of_seeds_names_the_problems(memory: Any) -> None:
    env = record_experience(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"), memory)
    env.reset(seed=[7, None])
    env.step(np.array([0, 0]))
    env.close()
    assert [e.task.instance for e in memory.experiences] == ["CartPole-v1#7", ""]


def test_an_async_environment_made_by_id_knows_its_id(memory: Any) -> None:
    env = record_experience(gym.make_vec("CartPole-v1", num_envs=1, vectorization_mode="async"), memory)
    env.reset(seed=0)
    env.step(np.array([0]))
    env.close()
    assert memory.experiences[0].scope.world == "CartPole-v1"


@pytest.mark.parametrize("mode", [None, "never", 3])
def test_without_a_known_autoreset_mode_nothing_is_recorded(
    mode: Any, memory: Any, counting_env: Any
) -> None:
    if mode is None and not HAS_MODES:
        pytest.skip("Gymnasium 1.0 has one mode, so it does not name it")
    env = SyncVectorEnv([counting_env])
    env.metadata = {"autoreset_mode": mode}
    with pytest.raises(RecordingError, match="autoreset_mode"):
        record_experience(env, memory)


class Breaking(gym.Env[Any, Any]):
    observation_space = gym.spaces.Discrete(10)
    action_space = gym.spaces.Discrete(3)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        return 0, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        if action == 2:
            raise RuntimeError("the arm is stuck")
        return 1, 1.0, False, False, {}


def test_a_step_that_raises_records_every_running_episode(memory: Any) -> None:
    env = record_experience(SyncVectorEnv([Breaking] * 2), memory)
    env.reset()
    env.step(np.array([0, 0]))
    with pytest.raises(RuntimeError, match="the arm is stuck"):
        env.step(np.array([0, 2]))
    env.close()
    assert [e.outcome.status for e in memory.experiences] == [Status.TRUNCATED] * 2
    assert all("the arm is stuck" in e.outcome.explanation for e in memory.experiences)


def test_a_memory_error_waits_for_the_next_reset(memory: Any, counting_env: Any) -> None:
    memory.errors.append(OSError("disk full"))
    env = record_experience(SyncVectorEnv([counting_env] * 2), memory)
    env.reset(seed=0)
    for _ in range(8):
        env.step(np.array([0, 1]))
    with pytest.raises(OSError, match="disk full"):
        env.reset()
    env.reset()
    env.close()
    assert env.recording_counts.failed == 1


def test_an_error_of_memory_is_raised_at_close_after_closing(memory: Any, counting_env: Any) -> None:
    memory.errors.append(OSError("disk full"))
    env = record_experience(SyncVectorEnv([counting_env]), memory)
    env.reset(seed=0)
    env.step(np.array([0]))
    with pytest.raises(OSError, match="disk full"):
        env.close()
    assert env.closed


def test_a_malformed_batch_of_actions_is_the_environments_affair(memory: Any, counting_env: Any) -> None:
    def complaint(env: VectorEnv) -> str:
        env.reset(seed=0)
        try:
            env.step(np.array([0]))
        except ValueError as error:
            return str(error)
        return ""  # Gymnasium 1.1 and 1.2 take it

    bare, recorded = (SyncVectorEnv([counting_env] * 2) for _ in range(2))
    assert complaint(record_experience(recorded, memory)) == complaint(bare)


def test_continuous_actions_of_each_sub_environment_are_summed_up(memory: Any) -> None:
    env = record_experience(gym.make_vec("Pendulum-v1", num_envs=2, vectorization_mode="sync"), memory)
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.array([[0.5], [-1.0]], np.float32))
    env.close()
    lines = [e.metadata["actions"] for e in memory.experiences]
    assert [line.split(", mean ")[1] for line in lines] == [
        "[0.5], from [0.5] to [0.5]",
        "[-1], from [-1] to [-1]",
    ]


def test_a_new_episode_does_not_see_the_end_of_the_last_one(memory: Any, counting_env: Any) -> None:
    seen: list[list[str]] = []

    def task(observation: Any, info: Any) -> str:
        seen.append(sorted(info))
        return "count"

    env = record_experience(SyncVectorEnv([counting_env], **in_mode(Autoreset.SAME_STEP)), memory, task=task)
    drive(env, seed=0, steps=20, reset_at=99)
    assert len(seen) > 2
    assert all(keys == ["length"] for keys in seen)


def test_a_sub_environment_of_an_odd_shape_costs_its_own_record_only(memory: Any, counting_env: Any) -> None:
    class Odd(gym.vector.VectorWrapper):
        def step(self, actions: Any) -> Any:
            observations, rewards, terminations, truncations, infos = self.env.step(actions)
            return observations, rewards, [np.array([False, False]), terminations[1]], truncations, infos

    env = record_experience(Odd(gym.vector.SyncVectorEnv([counting_env] * 2)), memory)
    env.reset(seed=0)
    env.step(np.array([0, 0]))
    assert env.recording_counts.failed == 1
    with pytest.raises(ValueError, match="ambiguous"):
        env.close()
    assert [experience.metadata["env_index"] for experience in memory.experiences] == [1]


@pytest.mark.parametrize("result", [(1, 2, 3, 4), None, (0, [1.0], [True], [False], {})])
def test_a_result_of_an_odd_shape_passes_and_is_reported_later(
    result: Any, memory: Any, counting_env: Any
) -> None:
    class Odd(gym.vector.VectorWrapper):
        def step(self, actions: Any) -> Any:
            return result

    env = record_experience(Odd(SyncVectorEnv([counting_env] * 2)), memory)
    env.reset(seed=0)
    assert env.step(np.array([0, 0])) is result
    assert env.recording_counts.failed >= 1
    with pytest.raises((RecordingError, IndexError)):
        env.reset()


def test_infos_that_are_no_mapping_are_left_out(memory: Any, counting_env: Any) -> None:
    class Odd(gym.vector.VectorWrapper):
        def reset(self, **keywords: Any) -> Any:
            return self.env.reset(**keywords)[0], None

        def step(self, actions: Any) -> Any:
            return (*self.env.step(actions)[:4], [{1: 2}])

    env = record_experience(Odd(SyncVectorEnv([counting_env] * 2)), memory)
    env.reset(seed=0)
    env.step(np.array([0, 0]))
    env.close()
    assert env.recording_counts.recorded == 2
