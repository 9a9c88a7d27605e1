"""Tests that every `Planner` must pass."""

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any

import pytest

from embodied_mem.agent.agent import Agent
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.contracts import Planner, PlansEpisodes
from embodied_mem.records.decisions import Context, Decision
from embodied_mem.records.episodes import Episode, Trace
from embodied_mem.records.experience import Experience, Recalled, Receipt
from embodied_mem.records.json_values import JsonObject, to_json_object
from embodied_mem.records.limits import Limits
from embodied_mem.records.queries import Query
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld


class ReadOnlyMemory:
    """An empty memory that notes every write; planners must not write."""

    def __init__(self) -> None:
        self.writes: list[str] = []

    def record(self, experience: Experience) -> Receipt:
        """Note the write."""
        self.writes.append(experience.id)
        return Receipt(experience.id)

    def recall(self, query: Query, /) -> list[Recalled]:
        """Return no hits."""
        return []

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Note the write."""
        self.writes.append(experience_id)


class SlowMemory:
    """The same behind a network: an empty memory whose every answer is awaited."""

    async def record(self, experience: Experience) -> Receipt:
        """Acknowledge the experience."""
        await asyncio.sleep(0)
        return Receipt(experience.id)

    async def recall(self, query: Query, /) -> list[Recalled]:
        """Return no hits."""
        await asyncio.sleep(0)
        return []

    async def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Do nothing."""
        await asyncio.sleep(0)


class Yielding:
    """Lets other episodes go on before each decision of a planner."""

    def __init__(self, inner: Planner) -> None:
        self._inner = inner

    def for_episode(self) -> "Yielding":
        """Return the same for one episode."""
        inner = self._inner
        return Yielding(inner.for_episode() if isinstance(inner, PlansEpisodes) else inner)

    async def decide(self, context: Context) -> Decision:
        """Wait for a turn, then decide as the planner does."""
        await asyncio.sleep(0)
        answer: Decision | Awaitable[Decision] = self._inner.decide(context)
        return await answer if inspect.isawaitable(answer) else answer

    def describe(self) -> JsonObject:
        """Describe the planner."""
        return self._inner.describe()


class PlannerContract:
    """Subclass it and define a `planner` fixture; the tests play short episodes of `KeyDoorWorld`.

    The planner may answer with an awaitable; one that recalls then awaits `context.arecall`. A planner that
    keeps state in an episode is a `PlansEpisodes` if it is to play several at once.
    """

    @pytest.fixture
    def planner(self) -> Planner:
        """The planner to test."""
        raise NotImplementedError("override the fixture `planner`")

    def test_it_is_a_planner(self, planner: Planner) -> None:
        """It has both methods."""
        assert isinstance(planner, Planner)

    def test_its_description_is_json_and_names_it(self, planner: Planner) -> None:
        """`describe` is stored in the origin of every experience."""
        description = to_json_object(planner.describe(), field="description")
        assert description.get("name"), "describe() must give a name"

    def test_every_call_it_plans_can_be_made(self, planner: Planner) -> None:
        """Calls use only skills that the context offered, with valid arguments."""
        refused = [call for call in _play(planner, seed=3).trace.calls if call.result.obstacle == "invalid"]
        assert not refused, f"planned calls that cannot be made: {[str(call.call) for call in refused]}"

    def test_equal_seeds_give_equal_episodes(self, planner: Planner) -> None:
        """All randomness comes from `context.rng`, and no state is kept between episodes."""
        first = _steps(_play(planner, seed=5).trace)
        _play(planner, seed=6)
        assert _steps(_play(planner, seed=5).trace) == first

    def test_it_leaves_memory_to_the_loop(self, planner: Planner) -> None:
        """With memory frozen nothing is written: a planner must not learn on its own."""
        memory = ReadOnlyMemory()
        _play(planner, seed=7, memory=memory)
        assert not memory.writes

    def test_it_only_acts_on_what_it_was_given(self, planner: Planner) -> None:
        """`shown` and `acted_on` name experiences that memory returned in this episode."""
        episode = _play(planner, seed=8, memory=ReadOnlyMemory())
        returned = {hit.experience_id for decision in episode.trace.decisions for hit in decision.recalled}
        for decision in episode.trace.decisions:
            assert set(decision.shown) | set(decision.acted_on) <= returned

    def test_it_plays_over_a_memory_that_is_awaited(self, planner: Planner) -> None:
        """An `async` planner awaits `context.arecall`; a plain one may call `context.recall`."""
        trace = _play(planner, seed=9, memory=SlowMemory()).trace
        assert trace.decisions, trace.error
        assert not trace.error

    def test_two_episodes_at_once_do_not_disturb_each_other(self, planner: Planner) -> None:
        """Each goes as it goes alone, whatever the order of their decisions."""
        if not isinstance(planner, PlansEpisodes):
            pytest.skip("this planner plays one episode at a time")
        alone = [_steps(_play(planner, seed=seed).trace) for seed in (5, 6)]
        together = run_awaitable(_play_together(planner, seeds=(5, 6)))
        assert [_steps(episode.trace) for episode in together] == alone


def _play(planner: Planner, *, seed: int, memory: Any = None) -> Episode:
    return _agent(planner, memory).run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=40)), seed=seed)


async def _play_together(planner: Planner, *, seeds: tuple[int, ...]) -> list[Episode]:
    agent = _agent(Yielding(planner), memory=None)
    worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=40)) for _ in seeds]
    episodes = zip(worlds, seeds, strict=True)
    return await asyncio.gather(*(agent.run_episode_async(world, seed=seed) for world, seed in episodes))


def _agent(planner: Planner, memory: Any) -> Agent:
    return Agent(
        planner=planner, memory=memory, mode="frozen", limits=Limits(max_calls=40, max_decisions=100)
    )


def _steps(trace: Trace) -> list[tuple[str, str]]:
    return [(str(record.call), record.result.reason) for record in trace.calls]
