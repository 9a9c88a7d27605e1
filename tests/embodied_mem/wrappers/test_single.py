"""Recording one environment: what is recorded, when, and what may never reach the agent."""

import logging
import math
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from embodied_mem.errors import InvalidRecord
from embodied_mem.queries import observation_vector
from embodied_mem.records import Experience, Outcome, Scope, SkillCall, Status, Task
from embodied_mem.store import MemoryStore
from embodied_mem.wrappers import EpisodeSummary, RecordingError, RewardRule, record_experience

Step = tuple[Any, Any, bool, bool, dict[str, Any]]


class Scripted(gym.Env[Any, Any]):
    """Gives the prepared observations, rewards and ends; action 9 raises."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self, steps: list[Step], first: Any = 0, info: dict[str, Any] | None = None, space: Any = None
    ) -> None:
        self.observation_space = gym.spaces.Discrete(100)
        self.action_space = space or gym.spaces.Discrete(10)
        self.steps = steps
        self.first = first
        self.info = info or {}
        self.done = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.done = 0
        return self.first, self.info

    def step(self, action: Any) -> Any:
        if isinstance(action, int) and action == 9:
            raise RuntimeError("motor \udcff stalled")
        self.done += 1
        return self.steps[min(self.done, len(self.steps)) - 1]

    def close(self) -> None:
        self.is_closed = True


def go_on(reward: Any = 1.0, observation: Any = 1) -> Step:
    return observation, reward, False, False, {}


def end(reward: Any = 1.0, observation: Any = 2, *, truncated: bool = False, **info: Any) -> Step:
    return observation, reward, not truncated, truncated, info


def run(env: gym.Env[Any, Any], actions: list[Any], **reset: Any) -> None:
    env.reset(**reset)
    for action in actions:
        env.step(action)


def recorded(
    memory: Any, steps: list[Step], actions: list[Any], env: Any = None, **keywords: Any
) -> Experience:
    run(record_experience(env or Scripted(steps), memory, **keywords), actions)
    (experience,) = memory.experiences
    found: Experience = experience
    return found


def test_a_finished_episode_becomes_one_experience(memory: Any) -> None:
    env = record_experience(Scripted([go_on(), go_on(), end(0.5)]), memory, clock=lambda: 100.0)
    run(env, [1, 1, 4], seed=7)
    (experience,) = memory.experiences
    assert experience.task == Task("scripted", kind="Scripted", instance="Scripted#7")
    assert (experience.state, experience.state_after) == ("0", "2")
    assert experience.plan == (SkillCall("action_1", count=2), SkillCall("action_4"))
    assert experience.outcome == Outcome(status=Status.UNVERIFIED, reward=2.5, steps=3)
    assert experience.scope == Scope(world="Scripted")
    assert experience.happened_at_s == 100.0
    assert (experience.origin.episode, experience.origin.first_step, experience.origin.last_step) == (0, 0, 2)
    assert set(experience.origin.versions) == {"embodied_mem", "environment", "gymnasium"}
    assert experience.metadata == {"terminated": True, "truncated": False, "seed": 7}


def test_nothing_is_recorded_before_the_episode_ends(memory: Any) -> None:
    run(record_experience(Scripted([go_on()] * 5 + [end()]), memory), [0] * 5)
    assert memory.experiences == []


def test_what_the_agent_sees_is_untouched() -> None:
    class Keeping:
        def record(self, experience: Experience) -> Any: ...
        def recall(self, query: Any, /) -> list[Any]:
            return []

        def feedback(self, experience_id: str, *, helped: bool) -> None: ...

    bare, wrapped = gym.make("CartPole-v1"), record_experience(gym.make("CartPole-v1"), Keeping())
    for seed in range(3):
        first, theirs = wrapped.reset(seed=seed), bare.reset(seed=seed)
        assert first[0].tobytes() == theirs[0].tobytes()
        is_over = False
        while not is_over:
            ours, other = wrapped.step(1), bare.step(1)
            assert ours[0].tobytes() == other[0].tobytes()
            assert ours[1:] == other[1:]
            is_over = ours[2] or ours[3]


@pytest.mark.parametrize("name", ["CartPole-v1", "FrozenLake-v1", "Pendulum-v1", "Taxi-v4"])
def test_gymnasiums_checker_says_no_more_than_about_the_bare_environment(name: str, memory: Any) -> None:
    def complaints(env: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(env, skip_render_check=True)  # rendering needs pygame, which is no dependency of ours
        said = sorted(str(each.message) for each in caught)
        return [each for each in said if "different from the unwrapped" not in each]  # true of any wrapper

    bare = complaints(gym.make(name).unwrapped)
    assert complaints(record_experience(gym.make(name).unwrapped, memory)) == bare
    assert memory.experiences


def test_the_spec_makes_the_environment_again_without_the_recording(memory: Any) -> None:
    env = record_experience(gym.make("CartPole-v1", max_episode_steps=7), memory)
    assert env.spec is not None
    again = gym.make(env.spec)
    assert again.spec is not None
    assert again.spec.max_episode_steps == 7


def test_a_truncated_episode_is_truncated(memory: Any) -> None:
    assert recorded(memory, [end(truncated=True)], [0]).outcome.status is Status.TRUNCATED


def test_a_reset_in_mid_episode_records_it_as_cancelled(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory, outcome="reward>0")
    run(env, [0, 0])
    env.reset()
    (experience,) = memory.experiences
    assert (experience.outcome.status, experience.outcome.steps) == (Status.CANCELLED, 2)


def test_close_records_an_unfinished_episode_once(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory)
    run(env, [0])
    env.close()
    env.close()
    assert [e.outcome.status for e in memory.experiences] == [Status.CANCELLED]


def test_an_episode_without_a_step_is_no_experience(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory)
    env.reset()
    env.reset()
    env.close()
    assert memory.experiences == []
    assert env.recording_counts.empty == 2


def test_steps_outside_an_episode_pass_unrecorded(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory)
    env.step(0)
    run(env, [0, 0, 0])
    env.close()
    assert len(memory.experiences) == 1


@pytest.mark.parametrize(
    ("rule", "steps", "expected"),
    [
        ("reward>0", [end(1.0)], Status.SUCCESS),
        ("reward > 1", [end(1.0)], Status.FAILURE),
        ("reward>=1.0", [end(1.0)], Status.SUCCESS),
        ("reward>-1e2", [end(-50.0)], Status.SUCCESS),
        (RewardRule(0.0), [end(0.0)], Status.FAILURE),
        (RewardRule(0.0), [end(0.0, truncated=True)], Status.TRUNCATED),
        (RewardRule(0.0), [end(2.0, truncated=True)], Status.SUCCESS),
        (RewardRule(0.0), [end(math.nan)], Status.UNVERIFIED),
        (lambda summary: Status.TIMEOUT, [end()], Status.TIMEOUT),
        (lambda summary: "failure", [end()], Status.FAILURE),
        (lambda summary: None, [end()], Status.UNVERIFIED),
    ],
)
def test_the_outcome_rule_judges(memory: Any, rule: Any, steps: list[Step], expected: Status) -> None:
    assert recorded(memory, steps, [0], outcome=rule).outcome.status is expected


def test_an_outcome_that_leaves_out_reward_and_steps_has_them_filled_in(memory: Any) -> None:
    outcome = recorded(
        memory, [end(3.0)], [0], outcome=lambda s: Outcome(status=Status.FAILURE, explanation="fell over")
    ).outcome
    assert outcome == Outcome(status=Status.FAILURE, explanation="fell over", reward=3.0, steps=1)


def test_the_outcome_rule_sees_the_whole_episode(memory: Any) -> None:
    seen: list[EpisodeSummary] = []
    recorded(memory, [go_on(), end(2.0, won=True)], [0, 1], outcome=seen.append)
    (summary,) = seen
    assert summary == EpisodeSummary(
        task=Task("scripted", kind="Scripted"),
        first_state="0",
        last_state="2",
        first_observation=0,
        last_observation=2,
        info={"won": True},
        reward=3.0,
        steps=2,
        terminated=True,
        truncated=False,
    )


def test_an_outcome_rule_that_raises_costs_the_verdict_and_not_the_step(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory, outcome=lambda summary: summary.info["won"])
    run(env, [0])
    assert memory.experiences[0].outcome.status is Status.UNVERIFIED
    assert "KeyError" in memory.experiences[0].outcome.explanation
    with pytest.raises(KeyError, match="won"):
        env.reset()


def test_a_status_that_is_none_is_reported_at_the_next_reset(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory, outcome=lambda summary: "won")
    run(env, [0])
    with pytest.raises(ValueError, match=r"outcome\.status is 'won'"):
        env.reset()


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf, None, "much", np.float32("nan")])
def test_a_reward_that_is_no_number_is_counted_and_located(memory: Any, reward: Any) -> None:
    outcome = recorded(memory, [go_on(), go_on(reward), end()], [0] * 3).outcome
    assert outcome.reward is None
    assert outcome.explanation == f"reward was {reward} at step 1; 1 of 3 rewards were not finite"


def test_rewards_that_overflow_in_sum_give_no_reward(memory: Any) -> None:
    assert recorded(memory, [go_on(1e308), end(1e308)], [0, 0]).outcome.reward is None


def test_numpy_rewards_add_up(memory: Any) -> None:
    assert recorded(memory, [go_on(np.float32(0.5)), end(np.array(1))], [0, 0]).outcome.reward == 1.5


def test_an_environment_that_raises_is_recorded_and_the_error_goes_on(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory, outcome="reward>0")
    with pytest.raises(RuntimeError, match="stalled"):
        run(env, [3, 3, 9])
    (experience,) = memory.experiences
    assert experience.outcome.status is Status.TRUNCATED
    assert experience.outcome.explanation == "the environment raised RuntimeError: motor \ufffd stalled"
    assert experience.outcome.steps == 2
    assert str(experience.plan[-1]) == "action_9()"  # the action that broke it is part of the evidence
    env.close()
    assert len(memory.experiences) == 1


def test_an_error_in_the_first_step_is_evidence_too(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory)
    with pytest.raises(RuntimeError):
        run(env, [9])
    assert memory.experiences[0].outcome.steps == 0


def test_an_error_of_memory_waits_for_the_next_reset(memory: Any, caplog: Any) -> None:
    memory.errors.append(OSError("disk full"))
    env = record_experience(Scripted([end()]), memory)
    with caplog.at_level(logging.ERROR):
        run(env, [0])
    assert "disk full" in caplog.text
    with pytest.raises(OSError, match="disk full"):
        env.reset()
    run(env, [0])
    assert (env.recording_counts.failed, env.recording_counts.recorded) == (1, 1)


def test_an_error_of_memory_is_raised_at_close_after_closing(memory: Any) -> None:
    memory.errors.append(OSError("disk full"))
    inner = Scripted([end()])
    env = record_experience(inner, memory)
    run(env, [0])
    with pytest.raises(OSError, match="disk full"):
        env.close()
    assert inner.is_closed
    env.close()


def test_the_task_may_be_a_text(memory: Any) -> None:
    task = recorded(memory, [end()], [0], task="balance \ud800 it").task
    assert task == Task("balance \ufffd it", kind="Scripted")


def test_the_task_may_be_a_task(memory: Any) -> None:
    assert recorded(memory, [end()], [0], task=Task("go", kind="mine")).task == Task("go", kind="mine")


def test_the_task_may_be_a_function_of_the_beginning(memory: Any) -> None:
    env = Scripted([end()], first=4, info={"wish": "tea"})
    task = recorded(memory, [], [0], env=env, task=lambda obs, info: f"{info['wish']} at {obs}").task
    assert task.text == "tea at 4"


def test_a_task_function_that_raises_is_reported_at_once(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory, task=lambda obs, info: info["wish"])
    with pytest.raises(KeyError, match="wish"):
        env.reset()


def test_a_mission_is_the_task_of_its_episode(memory: Any) -> None:
    env = Scripted([end()], first={"mission": "go to the red ball", "direction": 2})
    experience = recorded(memory, [], [0], env=env)
    assert experience.task.text == "go to the red ball"
    assert experience.state == "direction: 2\nmission: go to the red ball"


def test_only_a_seeded_problem_has_an_instance(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory)
    run(env, [0], seed=1, options={"size": np.int64(5)})
    run(env, [0])
    run(env, [0], seed=2, options={"callback": print})
    assert [e.task.instance for e in memory.experiences] == ['Scripted#1?{"size":5}', "", ""]


def test_a_long_plan_keeps_head_and_tail_and_says_what_is_missing(memory: Any) -> None:
    actions = [action for i in range(20) for action in (i % 2,) * 3]
    experience = recorded(memory, [go_on()] * 59 + [end()], actions, max_calls=5)
    assert [str(call) for call in experience.plan] == [
        "action_0() x3",
        "action_1() x3",
        "action_0() x3",
        "action_0() x3",
        "action_1() x3",
    ]
    assert experience.metadata["plan_left_out"] == {"after_call": 3, "calls": 15, "actions": 45}


def test_a_plan_that_just_fits_is_whole(memory: Any) -> None:
    experience = recorded(memory, [go_on()] * 4 + [end()], [0, 1, 2, 3, 4], max_calls=5)
    assert len(experience.plan) == 5
    assert "plan_left_out" not in experience.metadata


def test_the_enum_of_the_environment_names_its_actions(memory: Any) -> None:
    pytest.importorskip("minigrid")
    env = record_experience(gym.make("MiniGrid-Empty-5x5-v0"), memory)
    run(env, [2, 2, 0])
    env.close()
    assert [str(call) for call in memory.experiences[0].plan] == ["forward() x2", "left()"]
    assert memory.experiences[0].task.text == "get to the green goal square"


def test_given_names_name_the_actions(memory: Any) -> None:
    experience = recorded(memory, [go_on(), end()], [0, 1], action_names=["wait", "jump"])
    assert [call.name for call in experience.plan] == ["wait", "jump"]


@pytest.mark.parametrize(
    ("space", "actions", "expected"),
    [
        (
            gym.spaces.MultiDiscrete([2, 3]),
            [np.array([1, 2]), [1, 2], (0, 0)],
            ["act([1, 2]) x2", "act([0, 0])"],
        ),
        (gym.spaces.MultiBinary(2), [np.array([1, 0], np.int8)] * 3, ["act([1, 0]) x3"]),
        (gym.spaces.Text(20), ["open door", "open door", "\ud800"], ["act(open door) x2", "act(\ufffd)"]),
        (gym.spaces.Discrete(3), [np.int64(1), 1, np.array(1)], ["action_1() x3"]),
        (gym.spaces.Discrete(3), [np.array([1]), 1, 1], ["action_1() x3"]),
        (gym.spaces.Discrete(3), ["left", None, None], ["act('left')", "act(None) x2"]),
        (
            gym.spaces.Dict({"move": gym.spaces.Discrete(2), "say": gym.spaces.Text(5)}),
            [{"move": 1, "say": "hi"}, {"say": "hi", "move": np.int64(1)}, {"move": 0, "say": ""}],
            ["act({'move': 1, 'say': 'hi'}) x2", "act({'move': 0, 'say': ''})"],
        ),
        (gym.spaces.Tuple((gym.spaces.Discrete(2),)), [(np.int64(1),)] * 3, ["act([1]) x3"]),
    ],
)
def test_actions_of_any_discrete_space_are_run_length_coded(
    memory: Any, space: Any, actions: list[Any], expected: list[str]
) -> None:
    env = Scripted([go_on(), go_on(), end()], space=space)
    assert [str(call) for call in recorded(memory, [], actions, env=env).plan] == expected


def test_an_agent_may_reuse_its_action_buffer(memory: Any) -> None:
    buffer = np.array([0.0])
    env = record_experience(Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (1,))), memory)
    env.reset()
    for value in (0.25, 0.75):
        buffer[0] = value
        env.step(buffer)
    assert memory.experiences[0].metadata["actions"].endswith("mean [0.5], from [0.25] to [0.75]")


def test_continuous_actions_are_summed_up_however_many(memory: Any) -> None:
    env = Scripted([go_on()] * 999 + [end()], space=gym.spaces.Box(-1, 1, (1,)))
    experience = recorded(memory, [], [np.array([i / 1000]) for i in range(1000)], env=env)
    assert experience.plan == ()
    assert experience.metadata["actions"].startswith("1000 continuous actions of Box")
    assert experience.metadata["actions"].endswith("mean [0.4995], from [0] to [0.999]")


@pytest.mark.parametrize("odd", ["push", np.zeros(3), None])
def test_malformed_continuous_actions_are_counted_only(memory: Any, odd: Any) -> None:
    env = Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (2,)))
    line = recorded(memory, [], [np.zeros(2), odd], env=env).metadata["actions"]
    assert isinstance(line, str)
    assert line.startswith("2 continuous actions")
    assert "mean" not in line or odd is None


def test_continuous_actions_can_be_kept(memory: Any) -> None:
    env = Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (2,)))
    actions = [np.array([0.1, 0.5], np.float32)] * 2
    assert recorded(memory, [], actions, env=env, keep_continuous=True).plan == (
        SkillCall("act", {"action": [0.1, 0.5]}, count=2),
    )


def test_an_environment_may_reuse_its_observation_buffer(memory: Any) -> None:
    buffer = np.zeros(2)

    class Reusing(Scripted):
        def step(self, action: Any) -> Any:
            buffer[:] = 7
            return buffer, 0.0, True, False, {}

    summaries: list[EpisodeSummary] = []
    experience = recorded(memory, [], [0], env=Reusing([], first=buffer), outcome=summaries.append)
    assert (experience.state, experience.state_after) == ("[0 0]", "[7 7]")
    assert summaries[0].first_observation.tolist() == [0, 0]


def test_each_span_begins_with_what_was_seen_then(memory: Any) -> None:
    buffer = np.zeros(1)

    class Reusing(Scripted):
        def step(self, action: Any) -> Any:
            buffer[:] += 1
            return buffer, 0.0, False, False, {}

    summaries: list[EpisodeSummary] = []
    env = record_experience(
        Reusing([], first=buffer), memory, max_steps_per_experience=2, outcome=summaries.append
    )
    run(env, [0] * 4)
    assert [summary.first_observation.tolist() for summary in summaries] == [[0], [2]]


def test_one_store_serves_environments_of_several_observation_shapes(tmp_path: Path) -> None:
    memory = MemoryStore.open(tmp_path).memory()
    for size in (2, 3):
        run(record_experience(Scripted([end()], first=np.ones(size)), memory, task=f"size {size}"), [0])
    assert [hit.experience.task.text for hit in memory.recall(observation=np.ones(3), k=1)] == ["size 3"]


def test_an_array_observation_becomes_a_vector(memory: Any) -> None:
    first = np.array([0.5, -1.0], np.float32)
    assert recorded(memory, [], [0], env=Scripted([end()], first=first)).vectors == (
        observation_vector(first),
    )


@pytest.mark.parametrize(
    "first",
    [
        np.zeros((84, 84, 3), np.uint8),
        np.array([np.nan]),
        np.zeros(0),
        np.array([1e300]),
        3,
        {"a": np.zeros(2)},
    ],
)
def test_an_observation_that_is_no_small_finite_array_has_no_vector(memory: Any, first: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 1e300 overflows float32
        assert recorded(memory, [], [0], env=Scripted([end()], first=first)).vectors == ()


def test_numpy_in_info_is_kept_and_the_rest_is_named(memory: Any) -> None:
    step = end(success=np.bool_(True), position=np.array([1.5, 2]), handle=object())
    assert recorded(memory, [step], [0]).metadata["info"] == {
        "success": True,
        "position": [1.5, 2.0],
        "left_out": ["handle"],
    }


@pytest.mark.parametrize("text", ["", "\udcff", "x" * 1_000_000])
def test_texts_of_any_kind_are_recorded(memory: Any, text: str) -> None:
    env = Scripted([end(observation=text, note=text)], first=text, info={"mission": text})
    experience = recorded(memory, [], [0], env=env)
    assert len(experience.state) < 20_000
    assert experience.task.text


def test_keep_successes_keeps_only_those(memory: Any) -> None:
    env = record_experience(Scripted([end(0.0)]), memory, outcome="reward>0", keep="successes")
    run(env, [0])
    env.unwrapped.steps = [end(1.0)]  # type: ignore[attr-defined]
    run(env, [0])
    assert [e.outcome.status for e in memory.experiences] == [Status.SUCCESS]
    assert (env.recording_counts.not_kept, env.recording_counts.recorded) == (1, 1)


def test_keep_may_be_a_function(memory: Any) -> None:
    env = record_experience(Scripted([go_on(), end()]), memory, keep=lambda e: (e.outcome.steps or 0) > 1)
    run(env, [0])
    run(env, [0, 0])
    env.close()
    assert [e.outcome.steps for e in memory.experiences] == [2]


def test_a_keep_function_that_raises_keeps_the_evidence(memory: Any) -> None:
    env = record_experience(Scripted([end()]), memory, keep=lambda e: 1 / 0 > 0)
    run(env, [0])
    assert len(memory.experiences) == 1
    with pytest.raises(ZeroDivisionError):
        env.close()


def test_a_seeded_sample_repeats(list_memory: Any) -> None:
    def episodes() -> list[int]:
        memory = list_memory()
        rng = np.random.default_rng(5)
        env = record_experience(Scripted([end()]), memory, sample=0.3, rng=rng)
        for _ in range(200):
            run(env, [0])
        counts = env.recording_counts
        assert counts.recorded + counts.not_sampled == counts.begun == 200
        return [e.origin.episode for e in memory.experiences]

    first = episodes()
    assert first == episodes()
    assert 30 < len(first) < 90


def test_an_endless_episode_is_cut_into_experiences(memory: Any) -> None:
    env = record_experience(
        Scripted([go_on(observation=i) for i in range(1, 8)]),
        memory,
        max_steps_per_experience=3,
        outcome="reward>=3",
    )
    run(env, [0] * 7, seed=1)
    env.close()
    spans = memory.experiences
    assert [(e.state, e.state_after) for e in spans] == [("0", "3"), ("3", "6"), ("6", "7")]
    assert [(e.origin.first_step, e.origin.last_step) for e in spans] == [(0, 2), (3, 5), (6, 6)]
    assert [e.outcome.status for e in spans] == [Status.SUCCESS, Status.SUCCESS, Status.CANCELLED]
    assert [e.metadata["span"] for e in spans] == [0, 1, 2]
    assert len({e.origin.attempt for e in spans}) == 1
    assert {e.task.instance for e in spans} == {"Scripted#1"}
    assert "the episode went on" in spans[0].outcome.explanation


def test_an_unjudged_span_is_truncated(memory: Any) -> None:
    env = record_experience(Scripted([go_on()]), memory, max_steps_per_experience=1)
    run(env, [0])
    assert memory.experiences[0].outcome.status is Status.TRUNCATED


def test_an_episode_that_ends_at_the_cut_is_whole(memory: Any) -> None:
    experience = recorded(memory, [go_on(), end()], [0, 0], max_steps_per_experience=2)
    assert experience.outcome.status is Status.UNVERIFIED
    assert "span" not in experience.metadata


def test_ids_come_from_the_caller(memory: Any) -> None:
    ids = iter(["attempt-0", "experience-0"])
    experience = recorded(memory, [end()], [0], make_id=lambda: next(ids))
    assert (experience.origin.attempt, experience.id) == ("attempt-0", "experience-0")


def test_scope_and_metadata_of_the_user_are_kept(memory: Any) -> None:
    experience = recorded(memory, [end()], [0], scope=Scope(agent="me", run="r1"), metadata={"policy": "ppo"})
    assert experience.scope == Scope(agent="me", run="r1", world="Scripted")
    assert experience.origin.run == "r1"
    assert experience.metadata["policy"] == "ppo"


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
    with pytest.raises(RecordingError, match=r"reset\(\) gave '0'; expected the pair observation, info"):
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
    with pytest.raises(InvalidRecord, match="task gave int; expected a text or a Task"):
        env.reset()
