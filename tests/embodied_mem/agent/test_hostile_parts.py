"""Parts that do wrong: one clear error, and the episode so far recorded once with its cause."""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent, EpisodeProcess, Limits
from embodied_mem.errors import EpisodeError, InvalidRecord, UnknownSpace
from embodied_mem.isolation import Recipe
from embodied_mem.records import Experience, Outcome, Status
from embodied_mem.records.decisions import Act
from embodied_mem.records.episodes import Reflection
from embodied_mem.records.queries import Query
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store import MemoryStore
from embodied_mem.testing.key_door import KeyDoorWorld
from tests.embodied_mem.agent.hostile_parts import GO, HostilePlanner, HostileWorld, Panic

PARTS = "tests.embodied_mem.agent.hostile_parts"
PLANNER = Recipe(f"{PARTS}:HostilePlanner")
LIMITS = Limits(max_steps=8, max_calls=20)


@pytest.fixture
def store(tmp_path: Any) -> Iterator[MemoryStore]:
    with MemoryStore.open(tmp_path) as store:
        yield store


@pytest.fixture(scope="module")
def process() -> Iterator[EpisodeProcess]:
    process = EpisodeProcess(is_quiet=True)
    yield process
    process.close()


def only(store: MemoryStore) -> Experience:
    [experience] = store.experiences()
    return experience


def world_of(fault: str) -> Recipe:
    return Recipe(f"{PARTS}:HostileWorld", {"fault": fault})


@pytest.mark.parametrize("is_isolated", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("observes nothing", "EpisodeError: world.observe gave None; expected an Observation"),
        ("is nowhere", "InvalidRecord: position_m is nan; expected a finite number or None"),
        ("shows an object", "InvalidRecord: observation.images['front'] is array([<object"),
        ("shows a list", "InvalidRecord: observation.images is list; expected a mapping"),
        ("says too much", "InvalidRecord: observation.text has 16,777,217 characters"),
        ("has no skills", "EpisodeError: world.skills gave None; expected a list of Skill"),
        ("starts nothing", "EpisodeError: world.start gave None; expected an Execution"),
        ("raises the unprintable", "Unprintable"),
        ("", ""),
    ],
)
def test_what_a_world_does_wrong_is_the_recorded_end_of_the_episode(
    store: MemoryStore, process: EpisodeProcess, fault: str, error: str, is_isolated: bool
) -> None:
    agent = Agent(planner=PLANNER.make(), memory=store.memory(), limits=LIMITS)
    trace = agent.run_episode(world_of(fault).make(), seed=0, isolate=process if is_isolated else False).trace
    assert (trace.ended_by, trace.error[: len(error)]) == ("error" if fault else "max_steps", error)
    assert only(store).outcome.status is (Status.TRUNCATED if fault else Status.TIMEOUT)
    if not fault:
        assert (trace.goal_reached, trace.first.pose, only(store).position_m) == (False, (1, 2), (1, 2))


@pytest.mark.parametrize(("world", "planner"), [("panics", ""), ("", "panics")])
def test_a_panic_is_raised_after_the_episode_was_recorded(
    store: MemoryStore, world: str, planner: str
) -> None:
    agent = Agent(planner=HostilePlanner(planner), memory=store.memory(), limits=LIMITS)
    with pytest.raises(Panic):
        agent.run_episode(HostileWorld(world), seed=0)
    assert "raised Panic: index out of bounds" in only(store).outcome.explanation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("exits", "the process of the episode ended with exit status 3"),
        ("reads input", "EOFError: EOF when reading a line"),
        ("prints bytes", ""),
        ("forks and dies", "the process of the episode ended with exit status 5"),
        ("starts a program", ""),
        ("panics", "Panic: index out of bounds"),
    ],
)
def test_what_a_simulator_does_to_its_process_stays_there(
    store: MemoryStore, process: EpisodeProcess, fault: str, error: str
) -> None:
    agent = Agent(planner=PLANNER, memory=store.memory(), limits=LIMITS)
    began_s = time.monotonic()
    trace = agent.run_episode(world_of(fault), seed=0, isolate=process).trace
    assert time.monotonic() - began_s < 30
    assert (trace.ended_by, trace.error) == ("error" if error else "max_steps", error)
    assert only(store).outcome.steps == trace.steps >= 1


def has_ended(group: int) -> bool:
    for _ in range(100):  # until the system has noticed
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_what_a_simulator_started_ends_with_its_process() -> None:
    process = EpisodeProcess(is_quiet=True)
    Agent(planner=PLANNER, limits=LIMITS).run_episode(world_of("starts a program"), seed=0, isolate=process)
    group = process.running()._process.pid
    os.killpg(group, 0)  # it is there
    process.close()
    assert has_ended(group)


@pytest.mark.slow
def test_a_process_that_died_between_episodes_is_replaced(process: EpisodeProcess) -> None:
    agent = Agent(planner=PLANNER, limits=LIMITS)
    for _ in range(2):
        trace = agent.run_episode(world_of(""), seed=np.int64(0), isolate=process).trace  # type: ignore[arg-type]
        assert (trace.ended_by, trace.error, trace.seed) == ("max_steps", "", 0)
        child = process.running()._process
        child.kill()
        child.wait()


@pytest.mark.slow
def test_a_cancelled_isolated_episode_is_recorded_and_its_process_ended(store: MemoryStore) -> None:
    agent = Agent(planner=PLANNER, memory=store.memory(), limits=Limits(max_calls=10**9, max_steps=None))

    async def main() -> None:
        world = Recipe(f"{PARTS}:KeyDoorWorld")
        await agent.run_episode_async(world, seed=0, isolate=True)
        task = asyncio.create_task(agent.run_episode_async(world_of(""), seed=0, isolate=process))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    process = EpisodeProcess()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    agent.close()
    assert process._process is None
    assert [each.outcome.status for each in store.experiences()][1:] == [Status.CANCELLED]


@pytest.mark.slow
def test_a_reflection_that_hangs_is_ended_after_the_episode_was_recorded(
    store: MemoryStore, process: EpisodeProcess
) -> None:
    planner = Recipe(f"{PARTS}:HostilePlanner", {"fault": "hangs"})
    agent = Agent(planner=planner, memory=store.memory(), limits=Limits(max_steps=8, max_seconds=0.2))
    with pytest.raises(EpisodeError, match=r"the planner's reflection took longer than limits.max_seconds"):
        agent.run_episode(world_of(""), seed=0, isolate=process)
    assert only(store).outcome.steps == 8


@pytest.mark.parametrize("is_isolated", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("answer", "error"), [(ValueError("no line"), "no line"), (None, "Agent.answer answered None")]
)
def test_who_cannot_answer_a_question_ends_the_episode(
    store: MemoryStore, process: EpisodeProcess, answer: Any, error: str, is_isolated: bool
) -> None:
    def reply(question: str, observation: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    planner = Recipe(f"{PARTS}:HostilePlanner", {"fault": "asks"})
    agent = Agent(planner=planner.make(), memory=store.memory(), answer=reply, limits=LIMITS)
    with pytest.raises((ValueError, EpisodeError), match=error):
        agent.run_episode(world_of("").make(), seed=0, isolate=process if is_isolated else False)
    assert "the answer raised" in only(store).outcome.explanation
    assert error in only(store).outcome.explanation


class Recalling(HostilePlanner):
    def decide(self, context: Any) -> Any:
        context.recall(Query(task=context.task))
        return Act(plan=(GO,))


@pytest.mark.parametrize("is_isolated", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("found", [None, "hits", [3]])
def test_a_memory_that_recalls_something_else_is_named(
    store: MemoryStore, process: EpisodeProcess, found: Any, is_isolated: bool
) -> None:
    class Odd(type(store.memory())):  # type: ignore[misc]
        def recall(self, *query: Any, **fields: Any) -> Any:
            return found

    memory = store.memory()
    memory.__class__ = Odd
    planner = Recipe("tests.embodied_mem.agent.test_hostile_parts:Recalling")
    agent = Agent(planner=planner.make(), memory=memory, limits=LIMITS)
    with pytest.raises(EpisodeError, match=r"memory recalled .*; expected a list of Recalled"):
        agent.run_episode(world_of("").make(), seed=0, isolate=process if is_isolated else False)
    assert "EpisodeError: memory recalled" in only(store).outcome.explanation


class Answering:
    """A judge and a reflector with one answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def judge(self, trace: Any) -> Any:
        return self.answer

    def reflect(self, trace: Any, outcome: Any) -> Any:
        return self.answer


@pytest.mark.parametrize(("part", "said"), [("judge", "an Outcome"), ("reflector", "a Reflection")])
def test_a_judge_or_reflector_that_answers_something_else_is_named(
    store: MemoryStore, part: str, said: str
) -> None:
    parts: dict[str, Any] = {part: Answering(3)}
    agent = Agent(planner=HostilePlanner(), memory=store.memory(), limits=LIMITS, **parts)
    with pytest.raises(EpisodeError, match=f"the {part} answered 3; expected {said}"):
        agent.run_episode(KeyDoorWorld(), seed=0)
    assert only(store).outcome.steps == 8


@pytest.mark.parametrize("calls", [{"seed": -1}, {"seed": "a"}, {"attempt": 3}, {"episode": -1}])
def test_what_could_not_be_recorded_is_refused_before_the_episode(store: MemoryStore, calls: Any) -> None:
    world = KeyDoorWorld()
    world.env.reset = lambda **given: pytest.fail("it was played")  # type: ignore[method-assign]
    with pytest.raises(InvalidRecord, match=f"{next(iter(calls))} is"):
        Agent(planner=HostilePlanner(), memory=store.memory()).run_episode(world, **calls)
    assert not list(store.experiences())


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("judge", Outcome()),
        ("reflector", 3),
        ("limits", {"max_steps": 3}),
        ("scope", "kitchen"),
        ("answer", "yes"),
        ("short_term", []),
        ("policies", ["wait"]),
        ("planner", HostilePlanner),
    ],
)
def test_a_part_of_the_wrong_type_is_refused_at_once(part: str, value: Any) -> None:
    with pytest.raises(EpisodeError, match=r"is (the class )?\w+; expected"):
        Agent(**{"planner": HostilePlanner(), part: value})


def test_a_limit_of_no_steps_takes_none() -> None:
    agent = Agent(planner=HostilePlanner(), limits=Limits(max_steps=0))
    trace = agent.run_episode(KeyDoorWorld(), seed=0).trace
    assert (trace.ended_by, trace.steps, trace.decisions) == ("max_steps", 0, ())


class Teaching(HostilePlanner):
    """Learns two lessons; of the second, the vector is in a space of its own."""

    def __init__(self, *dimensions: int) -> None:
        super().__init__()
        self.dimensions = dimensions

    def reflect(self, trace: Any, outcome: Any) -> Reflection:
        return Reflection(experiences=tuple(map(lesson, self.dimensions)))


def lesson(dimension: int) -> Experience:
    space = Space(name=f"of {dimension}", version="1", dimension=dimension)
    vector = FieldVector(field="v", space=space, values=np.ones(dimension, np.float32))
    return Experience(task="go", kind="lesson", vectors=(vector,))


def test_an_episode_and_its_calls_are_one_transaction_and_its_lessons_another(store: MemoryStore) -> None:
    memory = store.memory()
    batches: list[list[str]] = []
    append = memory.backend.append

    def noted(entries: Any) -> Any:
        batches.append([entry.id for entry in entries])
        return append(entries)

    memory.backend.append = noted  # type: ignore[method-assign]
    agent = Agent(planner=Teaching(2, 2), memory=memory, limits=LIMITS, record_decisions=True)
    episode = agent.run_episode(KeyDoorWorld(), seed=0, attempt="e")
    n = len(episode.trace.calls)
    expected = ["e/0", *(f"e/decision/{at}" for at in range(n)), f"e/{n + 1}", f"e/{n + 2}"]
    assert batches == [expected[:-2], expected[-2:]]
    assert list(episode.recorded) == [each.id for each in store.experiences()] == expected


def test_a_lesson_that_cannot_be_stored_costs_nothing_else(store: MemoryStore) -> None:
    agent = Agent(planner=Teaching(2, 3), memory=store.memory(), limits=LIMITS)
    with pytest.raises(UnknownSpace):
        agent.run_episode(KeyDoorWorld(), seed=0, attempt="e")
    assert [each.id for each in store.experiences()] == ["e/0", "e/1"]
