"""Whoever raises or is cancelled: the episode so far is recorded once, with what ended it."""

import asyncio
from typing import Any

import pytest

from embodied_mem.agent import Agent
from embodied_mem.embedders import HashedEmbedder
from embodied_mem.errors import StoreError
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import Experience, Outcome, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.queries import Query
from embodied_mem.store import MemoryStore
from embodied_mem.testing.key_door import KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})


class Failing:
    """Plays one call, and then lets a function decide."""

    def __init__(self, then: Any) -> None:
        self.then = then

    def decide(self, context: Context) -> Decision:
        return self.then(context) if context.history else Act(plan=(GO,))

    def describe(self) -> Any:
        return {"name": "failing"}


class Broken(RandomSkillPlanner):
    """A judge, a reflector and an embedder that raise."""

    def judge(self, trace: Trace) -> Outcome:
        raise KeyError("the judge's model")

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        raise KeyError("the reflector's model")


def raising(error: BaseException) -> Any:
    def then(context: Context) -> Decision:
        raise error

    return then


@pytest.fixture
def store(tmp_path: Any) -> Any:
    with MemoryStore.open(tmp_path) as store:
        yield store


def only(store: MemoryStore) -> Experience:
    [experience] = store.experiences()
    return experience


def test_a_planner_that_raises_ends_the_episode_and_not_the_program(store: MemoryStore) -> None:
    planner = Failing(raising(ValueError("no JSON in the answer")))
    episode = Agent(planner=planner, memory=store.memory()).run_episode(KeyDoorWorld(), seed=0)
    assert episode.trace.ended_by == "planner_error"
    assert only(store).outcome.status is Status.TRUNCATED
    assert "the planner raised ValueError: no JSON in the answer" in only(store).outcome.explanation
    assert only(store).plan == (GO,)


def test_ctrl_c_is_raised_after_the_episode_was_recorded(store: MemoryStore) -> None:
    planner = Failing(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Agent(planner=planner, memory=store.memory()).run_episode(KeyDoorWorld(), seed=0)
    assert (only(store).outcome.status, only(store).plan) == (Status.CANCELLED, (GO,))


def test_ctrl_c_in_a_step_is_raised_after_the_episode_was_recorded(store: MemoryStore) -> None:
    world = KeyDoorWorld()
    step = world.env.step

    def interrupted(action: Any) -> Any:
        if world.env.unwrapped._steps == 3:
            raise KeyboardInterrupt
        return step(action)

    world.env.step = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        Agent(planner=Failing(lambda context: Act(plan=(GO,))), memory=store.memory()).run_episode(
            world, seed=0
        )
    assert only(store).outcome.status is Status.CANCELLED
    assert only(store).outcome.steps == 3


def test_a_cancelled_task_is_recorded(store: MemoryStore) -> None:
    thinking = asyncio.Event

    async def main() -> None:
        is_thinking = thinking()

        class Slow(Failing):
            async def decide(self, context: Context) -> Decision:  # type: ignore[override]
                if context.history:
                    is_thinking.set()
                    await asyncio.sleep(60)
                return Act(plan=(GO,))

        agent = Agent(planner=Slow(None), memory=store.memory())
        task = asyncio.create_task(agent.run_episode_async(KeyDoorWorld(), seed=0))
        await is_thinking.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert (only(store).outcome.status, only(store).plan) == (Status.CANCELLED, (GO,))


@pytest.mark.parametrize("part", ["judge", "reflector"])
def test_a_judge_or_reflector_that_raises_does_so_after_the_episode_was_recorded(
    store: MemoryStore, part: str
) -> None:
    agent = Agent(planner=RandomSkillPlanner(), memory=store.memory(), **{part: Broken()})  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        agent.run_episode(KeyDoorWorld(), seed=0)
    expected = Status.UNVERIFIED if part == "judge" else Status.SUCCESS
    assert only(store).outcome.status is expected
    if part == "judge":
        assert only(store).outcome.explanation == 'the judge raised KeyError: "the judge\'s model"'


def test_a_memory_that_cannot_answer_does_so_after_the_episode_was_recorded(store: MemoryStore) -> None:
    class Forgetful:
        def __init__(self) -> None:
            self.inner = store.memory()

        def record(self, experience: Experience) -> Any:
            return self.inner.record(experience)

        def recall(self, query: Query, /) -> Any:
            raise StoreError("the disk is gone")

        def feedback(self, experience_id: str, *, helped: bool) -> None:
            raise AssertionError

    planner = Failing(lambda context: context.recall(Query(task=context.task)))
    with pytest.raises(StoreError, match="the disk is gone"):
        Agent(planner=planner, memory=Forgetful()).run_episode(KeyDoorWorld(), seed=0)
    assert "memory raised StoreError: the disk is gone" in only(store).outcome.explanation


def test_nothing_is_recorded_where_memory_is_frozen(store: MemoryStore) -> None:
    planner = Failing(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Agent(planner=planner, memory=store.memory(), mode="frozen").run_episode(KeyDoorWorld(), seed=0)
    assert not list(store.experiences())


def test_an_embedder_that_raises_does_so_after_the_episode_was_recorded(store: MemoryStore) -> None:
    class Offline(HashedEmbedder):
        def embed(self, inputs: Any) -> Any:
            raise ConnectionError("no network")

    agent = Agent(planner=RandomSkillPlanner(), memory=store.memory(embedder=Offline()))
    with pytest.raises(ConnectionError, match="no network") as raised:
        agent.run_episode(KeyDoorWorld(), seed=0, attempt="e1")
    assert "recorded without its vector" in raised.value.__notes__[0]
    assert only(store).id == "e1/0"
    store.reembed(HashedEmbedder())
    [hit] = store.memory(embedder=HashedEmbedder()).recall("get to the chest")
    assert "text" in hit.parts
