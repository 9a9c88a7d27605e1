"""Tests that every `Execution` must pass, in any world."""

from typing import Any

import pytest

from embodied_mem.contracts import HasStopAction, World
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus

MAX_STEPS = 2000


def begin_episode(world: World, *, seed: int = 0) -> Observation:
    """Reset the environment, begin an episode of the world, and return the first observation."""
    raw, info = world.env.reset(seed=seed)
    world.begin(raw, info, seed=seed)
    return world.observe(raw, info)


def run_call(world: World, call: SkillCall, observation: Observation) -> tuple[SkillResult | None, list[Any]]:
    """Run a call to its end.

    Returns:
        The result, None if the episode ended first; and the actions taken.
    """
    execution = world.start(call)
    actions: list[Any] = []
    while len(actions) < MAX_STEPS:
        action = execution.advance(observation)
        if isinstance(action, SkillResult):
            return action, actions
        actions.append(action)
        raw, _, is_terminated, is_truncated, info = world.env.step(action)
        observation = world.observe(raw, info)
        if is_terminated or is_truncated:
            execution.cancel()
            return None, actions
    raise AssertionError(f"{call} did not end in {MAX_STEPS} steps")


def _no_failure(call: SkillCall, result: SkillResult) -> str:
    return f"{call} ended as {result.status}; `failing_call` must fail right after a reset with seed 0"


class ExecutionContract:
    """Subclass it and define fixtures `world`, `call` and, if a skill can fail, `failing_call`.

    Calls are made right after a reset with seed 0; `call` must take at least one step then.
    """

    @pytest.fixture
    def world(self) -> World:
        """A fresh world."""
        raise NotImplementedError("override the fixture `world`")

    @pytest.fixture
    def call(self) -> SkillCall:
        """A call that takes at least one step when made at the start."""
        raise NotImplementedError("override the fixture `call`")

    @pytest.fixture
    def failing_call(self) -> SkillCall | None:
        """A call that fails when made at the start; None if no skill can fail."""
        return None

    def test_it_gives_actions_of_the_environment(self, world: World, call: SkillCall) -> None:
        """Every action is in the action space of `world.env`."""
        _, actions = run_call(world, call, begin_episode(world))
        assert actions, "the call took no step"
        assert all(world.env.action_space.contains(action) for action in actions)

    def test_it_ends_with_a_result_or_with_the_episode(self, world: World, call: SkillCall) -> None:
        """The result is a success or a failure."""
        result, _ = run_call(world, call, begin_episode(world))
        assert result is None or result.status in (SkillStatus.SUCCESS, SkillStatus.FAILURE)

    def test_starting_takes_no_step(self, world: World, call: SkillCall) -> None:
        """Only the agent steps the environment, so that every wrapper sees every step."""
        observation = begin_episode(world)
        steps_taken: list[Any] = []
        step = world.env.step

        def noted_step(action: Any) -> Any:
            steps_taken.append(action)
            return step(action)

        world.env.step = noted_step
        try:
            execution = world.start(call)
            execution.advance(observation)
            execution.cancel()
        finally:
            del world.env.step  # deletes the instance's attribute, which hid the method
        assert steps_taken == []

    def test_a_cancelled_call_stays_cancelled(self, world: World, call: SkillCall) -> None:
        """After `cancel`, no action follows and the result does not change."""
        observation = begin_episode(world)
        execution = world.start(call)
        assert not isinstance(execution.advance(observation), SkillResult)
        result = execution.cancel()
        assert isinstance(result, SkillResult)
        assert result.status is SkillStatus.CANCELLED
        assert execution.advance(observation) == result
        assert execution.cancel() == result

    def test_its_stop_action_is_one_of_the_environment(self, world: World, call: SkillCall) -> None:
        """It can be taken once after `cancel`, and the call stays cancelled."""
        observation = begin_episode(world)
        execution = world.start(call)
        if not isinstance(execution, HasStopAction):
            pytest.skip("its cancellation takes no step")
        execution.advance(observation)
        result = execution.cancel()
        action = execution.stop_action()
        assert world.env.action_space.contains(action)
        raw, *_, info = world.env.step(action)
        assert execution.advance(world.observe(raw, info)) == result

    def test_a_call_that_ended_keeps_its_result(self, world: World, failing_call: SkillCall | None) -> None:
        """`advance` and `cancel` return the same result afterwards."""
        if failing_call is None:
            pytest.skip("no call can fail")
        observation = begin_episode(world)
        execution = world.start(failing_call)
        result = execution.advance(observation)
        for _ in range(MAX_STEPS):
            if isinstance(result, SkillResult):
                break
            raw, _, is_terminated, is_truncated, info = world.env.step(result)
            is_over = is_terminated or is_truncated
            assert not is_over, "the episode ended before the call failed"
            observation = world.observe(raw, info)
            result = execution.advance(observation)
        assert isinstance(result, SkillResult)
        assert execution.advance(observation) == result
        assert execution.cancel() == result

    def test_a_failure_costs_a_step(self, world: World, failing_call: SkillCall | None) -> None:
        """Otherwise retries would be free."""
        if failing_call is None:
            pytest.skip("no call can fail")
        result, actions = run_call(world, failing_call, begin_episode(world))
        assert result is not None, "the episode ended before the call failed"
        assert result.status is SkillStatus.FAILURE, _no_failure(failing_call, result)
        assert actions, f"{failing_call} failed without taking a step"

    def test_a_failure_says_why(self, world: World, failing_call: SkillCall | None) -> None:
        """The reason names every subject."""
        if failing_call is None:
            pytest.skip("no call can fail")
        result, _ = run_call(world, failing_call, begin_episode(world))
        assert result is not None, "the episode ended before the call failed"
        assert result.status is SkillStatus.FAILURE, _no_failure(failing_call, result)
        assert result.reason, f"{failing_call} failed without a reason"
        unnamed = [subject for subject in result.subjects if subject not in result.reason]
        assert not unnamed, f"the reason {result.reason!r} does not name {unnamed}"

    def test_a_new_call_owes_nothing_to_a_cancelled_one(self, world: World, call: SkillCall) -> None:
        """Cancelling leaves no state behind."""
        expected = run_call(world, call, begin_episode(world))
        observation = begin_episode(world)
        cancelled = world.start(call)
        cancelled.advance(observation)
        cancelled.cancel()
        assert repr(run_call(world, call, observation)) == repr(expected)
