"""Episodes in a process of their own: equal to those in this one, and ended where something hangs or dies."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from embodied_mem.agent import Agent, EpisodeProcess, Limits
from embodied_mem.errors import EpisodeError, StoreError
from embodied_mem.isolation import Recipe
from embodied_mem.planners import make_planner
from embodied_mem.planners.policy import PolicyPlanner
from embodied_mem.records import Status
from embodied_mem.store import MemoryStore
from tests.embodied_mem.agent.isolated_parts import Looking

PARTS = "tests.embodied_mem.agent.isolated_parts"
KEY_DOOR = Recipe("embodied_mem.testing.key_door:KeyDoorWorld")
GO_PLANNER = Recipe(f"{PARTS}:GoPlanner")

pytestmark = pytest.mark.slow


@pytest.fixture
def process() -> Iterator[EpisodeProcess]:
    process = EpisodeProcess(is_quiet=True)
    yield process
    process.close()


def bad_world(fault: str) -> Recipe:
    return Recipe(f"{PARTS}:make_bad_world", {"fault": fault})


@pytest.mark.parametrize("is_guarded", [False, True])
def test_isolated_episodes_equal_those_in_this_process(tmp_path: Any, is_guarded: bool) -> None:
    agent_of = {}
    for name in ("here", "there"):
        store = MemoryStore.open(tmp_path / name)
        agent_of[name] = Agent(
            planner=make_planner("case_based"), memory=store.memory(), guard_leakage=is_guarded
        )
    world = KEY_DOOR.make()
    for seed in range(25):
        here, there = (
            agent_of[name].run_episode(world, seed=seed, attempt=f"e{seed}", isolate=name == "there")
            for name in ("here", "there")
        )
        assert there == here
    assert there.outcome.is_success or is_guarded  # the guard hides the few problems of this world
    assert there.feedback
    for agent in agent_of.values():
        agent.close()
        agent.memory.close()


@pytest.mark.parametrize(
    ("fault", "ended_by", "error"),
    [
        ("hangs", "max_step_seconds", ""),
        ("hangs at reset", "max_step_seconds", ""),
        ("dies", "error", "the process of the episode ended with exit status 4"),
        ("dies at reset", "reset_error", "the process of the episode ended with exit status 4"),
        ("is killed", "error", "the process of the episode was ended by SIGKILL"),
    ],
)
def test_a_world_that_hangs_or_dies_ends_one_episode(
    process: EpisodeProcess, tmp_path: Any, fault: str, ended_by: str, error: str
) -> None:
    with MemoryStore.open(tmp_path) as store:
        agent = Agent(planner=GO_PLANNER, memory=store.memory(), limits=Limits(max_step_seconds=0.5))
        began_s = time.monotonic()
        trace = agent.run_episode(bad_world(fault), seed=0, isolate=process).trace
        assert time.monotonic() - began_s < 30
        assert (trace.ended_by, trace.error) == (ended_by, error)
        [experience] = store.experiences()
        assert experience.outcome.status is (Status.TRUNCATED if error else Status.TIMEOUT)
        assert (trace.steps, len(experience.plan)) == ((0, 0) if "reset" in fault else (2, 1))
        after = agent.run_episode(KEY_DOOR, seed=0, isolate=process)
        assert after.trace.ended_by == "environment"


def test_a_planner_that_hangs_is_ended_at_the_limit_of_the_episode(process: EpisodeProcess) -> None:
    planner = Recipe(f"{PARTS}:GoPlanner", {"fault": "hangs"})
    agent = Agent(planner=planner, limits=Limits(max_seconds=0.5))
    episode = agent.run_episode(KEY_DOOR, seed=0, isolate=process)
    assert episode.trace.ended_by == "max_seconds"
    assert episode.outcome.status is Status.TIMEOUT
    assert len(episode.trace.calls) == 1


def test_a_planner_that_raises_says_so(process: EpisodeProcess) -> None:
    agent = Agent(planner=Recipe(f"{PARTS}:GoPlanner", {"fault": "raises"}))
    trace = agent.run_episode(KEY_DOOR, seed=0, isolate=process).trace
    assert (trace.ended_by, trace.error) == ("planner_error", "ValueError: no plan")
    assert trace.cost == {"tokens": 2.0}


def test_what_cannot_be_made_says_why(process: EpisodeProcess) -> None:
    wrong = Recipe(f"{PARTS}:make_bad_world", {"no_such_option": 1})
    with pytest.raises(EpisodeError, match="unexpected keyword argument 'no_such_option'"):
        Agent(planner=GO_PLANNER).run_episode(wrong, seed=0, isolate=process)
    with pytest.raises(EpisodeError, match="make it by name"):
        Agent(planner=GO_PLANNER).run_episode(KEY_DOOR.make().env, seed=0, isolate=process)  # type: ignore[arg-type]


def test_a_memory_that_raises_does_so_after_the_episode_was_recorded(process: EpisodeProcess) -> None:
    recorded = []

    class Broken:
        def record(self, experience: Any) -> Any:
            from embodied_mem.records import Receipt

            recorded.append(experience)
            return Receipt(experience.id)

        def recall(self, query: Any, /) -> Any:
            raise StoreError("the disk is gone")

        def feedback(self, experience_id: str, *, helped: bool) -> None:
            raise AssertionError

    agent = Agent(planner=make_planner("case_based"), memory=Broken())
    with pytest.raises(StoreError, match="the disk is gone"):
        agent.run_episode(KEY_DOOR, seed=0, isolate=process)
    [experience] = recorded
    assert "the disk is gone" in experience.outcome.explanation


def test_policies_and_questions_work_in_a_process_of_its_own(process: EpisodeProcess) -> None:
    policies = [Recipe(f"{PARTS}:make_waiting_policy")]
    agent = Agent(planner=PolicyPlanner("wait"), policies=policies, limits=Limits(max_steps=7))
    with pytest.raises(EpisodeError, match="PolicyPlanner was made is not known"):
        agent.run_episode(KEY_DOOR, seed=0, isolate=process)
    planner = Recipe("embodied_mem.planners.policy:PolicyPlanner", {"skill": "wait"})
    trace = (
        Agent(planner=planner, policies=policies, limits=Limits(max_steps=7))
        .run_episode(KEY_DOOR, seed=0, isolate=process)
        .trace
    )
    assert [(call.call.name, call.steps) for call in trace.calls] == [("wait", 3), ("wait", 3), ("wait", 1)]


def test_isolated_episodes_run_at_the_same_time(process: EpisodeProcess) -> None:
    async def both() -> Any:
        agent = Agent(planner=GO_PLANNER)
        episodes = (agent.run_episode_async(KEY_DOOR, seed=seed, isolate=True) for seed in (0, 1))
        try:
            return await asyncio.gather(*episodes)
        finally:
            agent.close()

    first, second = asyncio.run(both())
    assert first.trace.task.instance != second.trace.task.instance
    assert [first.trace.ended_by, second.trace.ended_by] == ["environment", "environment"]


def test_a_judge_sees_the_last_images_of_an_isolated_episode(process: EpisodeProcess) -> None:
    agent = Agent(planner=GO_PLANNER, judge=Looking())
    outcome = agent.run_episode(Recipe(f"{PARTS}:SeeingWorld"), seed=0, isolate=process).outcome
    assert (outcome.status, outcome.explanation) == (Status.SUCCESS, "front (2, 2, 3) 0")
