"""Recording one environment: what is recorded, when, and what may never reach the agent."""

import logging
import math
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from embodied_mem.recording import EpisodeSummary, RewardRule, record_experience
from embodied_mem.records import Experience, Outcome, Scope, SkillCall, Status, Task
from tests.embodied_mem.recording.scripted import Scripted, Step, end, go_on, recorded, run


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


TAXI = max(name for name in gym.registry if name.startswith("Taxi-v"))  # its version goes up with Gymnasium's


@pytest.mark.parametrize("name", ["CartPole-v1", "FrozenLake-v1", "Pendulum-v1", TAXI])
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
