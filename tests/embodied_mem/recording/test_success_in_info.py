"""The outcome that the environment itself reports, used unless the user gives a rule."""

from typing import Any

import numpy as np
import pytest

from embodied_mem.recording import record_experience, success_in_info
from embodied_mem.records import Status
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, recorded, run


@pytest.mark.parametrize("key", ["success", "is_success"])
@pytest.mark.parametrize(
    "yes", [True, 1, 1.0, np.bool_(True), np.float32(1), np.array([1.0]), np.array(True)]
)
@pytest.mark.parametrize("truncated", [False, True])
def test_success_in_the_last_info_is_a_success(key: str, yes: Any, truncated: bool, memory: Any) -> None:
    step = end(truncated=truncated, **{key: yes})
    assert recorded(memory, [step], [0]).outcome.status is Status.SUCCESS


@pytest.mark.parametrize("no", [False, 0, 0.0, np.bool_(False), np.array([0])])
@pytest.mark.parametrize(("truncated", "status"), [(False, Status.FAILURE), (True, Status.TRUNCATED)])
def test_no_success_is_a_failure_unless_a_limit_ended_the_episode(
    no: Any, truncated: bool, status: Status, memory: Any
) -> None:
    assert recorded(memory, [end(truncated=truncated, success=no)], [0]).outcome.status is status


@pytest.mark.parametrize("other", [None, "yes", 2, 0.5, float("nan"), [True], np.array([1, 1]), object()])
def test_what_is_no_truth_value_decides_nothing(other: Any, memory: Any) -> None:
    assert recorded(memory, [end(success=other)], [0]).outcome.status is Status.UNVERIFIED
    memory.experiences.clear()
    assert recorded(memory, [end(success=other, is_success=True)], [0]).outcome.is_success


def test_only_the_last_info_counts(memory: Any) -> None:
    early = (1, 1.0, False, False, {"success": True})
    assert recorded(memory, [early, end(success=False)], [0, 0]).outcome.status is Status.FAILURE


def test_a_rule_of_the_user_comes_first(memory: Any) -> None:
    assert (
        recorded(memory, [end(0.0, success=True)], [0], outcome="reward>0").outcome.status is Status.FAILURE
    )


def test_an_abandoned_episode_is_cancelled_whatever_its_info_says(memory: Any) -> None:
    env = record_experience(Scripted([(1, 1.0, False, False, {"success": True})]), memory)
    run(env, [0])
    env.close()
    assert memory.experiences[0].outcome.status is Status.CANCELLED


def test_successes_can_be_kept_by_what_the_environment_says(memory: Any) -> None:
    env = record_experience(Scripted([end(success=True)]), memory, keep="successes", outcome=success_in_info)
    run(env, [0])
    env.unwrapped.steps = [end(success=False)]  # type: ignore[attr-defined]
    run(env, [0])
    env.unwrapped.steps = [go_on(), end()]  # type: ignore[attr-defined]
    run(env, [0, 0])
    assert [experience.outcome.status for experience in memory.experiences] == [Status.SUCCESS]
