"""Planners, memories, judges and reflectors that answer with an awaitable."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.contracts import AsyncMemory
from embodied_mem.errors import EpisodeError
from embodied_mem.memory.modes import with_mode
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import Experience, Outcome, Recalled, Receipt, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.queries import Query
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})


class SlowMemory:
    """A memory behind a network: every call waits; the first ones until so many wait at the same time."""

    def __init__(self, *, until_waiting: int = 0) -> None:
        self.experiences: list[Experience] = []
        self.votes: dict[str, bool] = {}
        self.until_waiting, self.n_waiting = until_waiting, 0
        self.met = asyncio.Event()

    async def record(self, experience: Experience) -> Receipt:
        await self._wait()
        self.experiences.append(experience)
        return Receipt(experience.id)

    async def recall(self, query: Query, /) -> list[Recalled]:
        await self._wait()
        found = [each for each in reversed(self.experiences) if each.state == query.state]
        return [
            Recalled(experience=e, score=1.0, parts={"state": 1.0}, reason="same") for e in found[: query.k]
        ]

    async def feedback(self, experience_id: str, *, helped: bool) -> None:
        await self._wait()
        self.votes[experience_id] = helped

    async def _wait(self) -> None:
        self.n_waiting += 1
        if self.n_waiting >= self.until_waiting:
            self.met.set()
        await asyncio.wait_for(self.met.wait(), 20)
        await asyncio.sleep(0)


class PlainSlowMemory:
    """Its methods are plain functions that return awaitables, so it says that it is asynchronous."""

    is_async = True

    def __init__(self, inner: SlowMemory) -> None:
        self.inner = inner

    def record(self, experience: Experience) -> Awaitable[Receipt]:
        return self.inner.record(experience)

    def recall(self, query: Query, /) -> Awaitable[list[Recalled]]:
        return self.inner.recall(query)

    def feedback(self, experience_id: str, *, helped: bool) -> Awaitable[None]:
        return self.inner.feedback(experience_id, helped=helped)


class Asking:
    """An asynchronous planner that recalls before each decision."""

    def __init__(self) -> None:
        self.found: list[int] = []

    async def decide(self, context: Context) -> Decision:
        self.found.append(len(await context.arecall(Query(task=context.task))))
        return Act(plan=(GO,))

    def describe(self) -> Any:
        return {"name": "asking"}


async def play_many(agent: Agent, n: int, *, seed: int = 0) -> None:
    worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=20)) for _ in range(n)]
    await asyncio.gather(*(agent.run_episode_async(world, seed=seed + at) for at, world in enumerate(worlds)))


@pytest.mark.parametrize("make_planner", [Asking, CaseBasedPlanner], ids=["async", "sync"])
@pytest.mark.parametrize("wrap", [lambda memory: memory, PlainSlowMemory], ids=["async def", "plain"])
def test_eight_episodes_wait_for_memory_at_once(make_planner: Any, wrap: Any) -> None:
    memory = SlowMemory(until_waiting=8)  # raises if fewer episodes ever wait together
    assert isinstance(memory, AsyncMemory)
    asyncio.run(play_many(Agent(planner=make_planner(), memory=wrap(memory)), 8))
    assert len([each for each in memory.experiences if each.kind == "episode"]) == 8


def test_a_frozen_view_of_an_asynchronous_memory_is_asynchronous() -> None:
    memory = SlowMemory(until_waiting=8)
    frozen: Any = with_mode(memory, "frozen")  # type: ignore[arg-type]
    asyncio.run(play_many(Agent(planner=CaseBasedPlanner(), memory=frozen, mode="frozen"), 8))
    assert not memory.experiences


@pytest.mark.parametrize("wrap", [lambda memory: memory, PlainSlowMemory], ids=["async def", "plain"])
def test_a_synchronous_run_learns_from_an_asynchronous_memory(wrap: Any) -> None:
    memory = SlowMemory()
    agent, world = Agent(planner=CaseBasedPlanner(), memory=wrap(memory)), KeyDoorWorld()
    outcomes = [agent.run_episode(world, seed=seed).outcome for seed in range(40)]
    assert sum(outcome.is_success for outcome in outcomes[20:]) == 20
    assert any(memory.votes.values())


def test_one_case_based_planner_plays_many_episodes_at_once() -> None:
    memory = SlowMemory()
    agent = Agent(planner=CaseBasedPlanner(), memory=memory)
    for seed in range(30):
        agent.run_episode(KeyDoorWorld(), seed=seed)
    n_before = len(memory.experiences)
    asyncio.run(play_many(agent, 8, seed=100))
    episodes = [each for each in memory.experiences[n_before:] if each.kind == "episode"]
    assert [each.outcome.status for each in episodes] == [Status.SUCCESS] * 8


def test_a_recall_that_would_block_the_loop_says_what_to_do() -> None:
    class Wrong(Asking):
        async def decide(self, context: Context) -> Decision:
            context.recall(Query(task=context.task))
            return Stop("not reached")

    agent = Agent(planner=Wrong(), memory=SlowMemory())
    with pytest.raises(EpisodeError, match="arecall"):
        agent.run_episode(KeyDoorWorld(), seed=0)


class SlowJudge:
    def __init__(self, *, until_judging: int = 0) -> None:
        self.until_judging, self.n_judging = until_judging, 0
        self.met = asyncio.Event()

    async def judge(self, trace: Trace) -> Outcome:
        self.n_judging += 1
        if self.n_judging >= self.until_judging:
            self.met.set()
        await asyncio.wait_for(self.met.wait(), 20)
        return Outcome(status=Status.SUCCESS, cost={"tokens": 3.0})


class SlowReflector:
    async def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        await asyncio.sleep(0)
        lesson = Experience(task=trace.task, kind="lesson", state="doors need keys", outcome=outcome)
        return Reflection(experiences=(lesson,), cost={"tokens": 4.0})


def test_two_judges_overlap_in_time() -> None:
    judge = SlowJudge(until_judging=2)  # raises if they never judge at the same time
    asyncio.run(play_many(Agent(planner=RandomSkillPlanner(), judge=judge), 2))
    assert judge.n_judging == 2


def test_judges_and_reflectors_may_be_asynchronous_in_a_synchronous_run() -> None:
    memory = SlowMemory()
    agent = Agent(planner=RandomSkillPlanner(), memory=memory, judge=SlowJudge(), reflector=SlowReflector())
    episode = agent.run_episode(KeyDoorWorld(), seed=0)
    assert episode.outcome.is_success
    assert episode.outcome.cost == {"tokens": 7.0}
    assert [each.kind for each in memory.experiences] == ["episode", "lesson"]


class Client:
    """A stand-in for a client of a server: its connection lives in the event loop that it was opened in."""

    def __init__(self) -> None:
        self.lock: asyncio.Lock | None = None
        self.loops: set[int] = set()

    async def call(self) -> None:
        loop = asyncio.get_running_loop()
        self.loops.add(id(loop))
        assert not loop.is_closed()
        await asyncio.sleep(0)


def test_all_episodes_of_a_process_share_one_event_loop() -> None:
    client = Client()

    class Served(RandomSkillPlanner):
        async def decide(self, context: Context) -> Decision:  # type: ignore[override]
            await client.call()
            return super().decide(context)

    agent = Agent(planner=Served())
    for seed in range(3):
        agent.run_episode(KeyDoorWorld(), seed=seed)
    thread = threading.Thread(target=lambda: agent.run_episode(KeyDoorWorld(), seed=4))
    thread.start()
    thread.join()
    assert len(client.loops) == 1


def test_a_planner_that_hangs_is_cancelled_at_the_limit_of_the_episode() -> None:
    cancelled = []

    class Hanging(Asking):
        async def decide(self, context: Context) -> Decision:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise
            return Stop("never")

    agent = Agent(planner=Hanging(), limits=Limits(max_seconds=0.05))
    for episode in (
        agent.run_episode(KeyDoorWorld(), seed=0),
        asyncio.run(agent.run_episode_async(KeyDoorWorld(), seed=0)),
    ):
        assert episode.trace.ended_by == "max_seconds"
        assert episode.outcome.status is Status.TIMEOUT
    assert len(cancelled) == 2


class HoldingWorld(KeyDoorWorld):
    """A robot's world: it goes on while the planner thinks."""

    n_held = 0

    def hold_action(self) -> Any:
        self.n_held += 1
        return self.env.action_space.sample() * 0


@pytest.mark.parametrize("is_async", [False, True])
def test_the_world_goes_on_with_a_hold_action_while_the_planner_thinks(is_async: bool) -> None:
    world = HoldingWorld(KeyDoorEnv(max_steps=10**9))

    class Thinking(Asking):
        async def decide(self, context: Context) -> Decision:
            while world.n_held < 5:
                await asyncio.sleep(0)
            return Stop("thought")

    agent = Agent(planner=Thinking())
    episode = (
        asyncio.run(agent.run_episode_async(world, seed=0)) if is_async else agent.run_episode(world, seed=0)
    )
    assert episode.trace.steps >= 5
    assert episode.trace.ended_by == "planner"


def test_an_episode_that_ends_while_the_planner_thinks_does_not_wait_for_it() -> None:
    class Thinking(Asking):
        async def decide(self, context: Context) -> Decision:
            await asyncio.sleep(60)
            return Stop("never")

    trace = Agent(planner=Thinking()).run_episode(HoldingWorld(KeyDoorEnv(max_steps=7)), seed=0).trace
    assert (trace.ended_by, trace.steps) == ("environment", 7)


def test_an_answer_to_a_question_may_be_awaited() -> None:
    from embodied_mem.records.decisions import Ask, Trigger

    class Curious(Asking):
        async def decide(self, context: Context) -> Decision:
            self.answer = context.answer
            return Stop("told") if context.trigger is Trigger.ANSWER else Ask("which key?")

    async def answer(question: str, observation: Any) -> str:
        await asyncio.sleep(0)
        return "the red one"

    planner = Curious()
    Agent(planner=planner, answer=answer).run_episode(KeyDoorWorld(), seed=0)
    assert planner.answer == "the red one"


def test_the_default_judge_is_the_goal_check() -> None:
    assert isinstance(Agent(planner=RandomSkillPlanner()).judge, GoalJudge)
