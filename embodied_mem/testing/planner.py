"""Tests that every `Planner` must pass."""

from typing import Any

import pytest

from embodied_mem.agent.agent import Agent
from embodied_mem.contracts import Planner
from embodied_mem.records.episodes import Episode, Trace
from embodied_mem.records.experience import Experience, Recalled, Receipt
from embodied_mem.records.json_values import to_json_object
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


class PlannerContract:
    """Subclass it and define a `planner` fixture; the tests play short episodes of `KeyDoorWorld`."""

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


def _play(planner: Planner, *, seed: int, memory: Any = None) -> Episode:
    agent = Agent(
        planner=planner, memory=memory, mode="frozen", limits=Limits(max_calls=40, max_decisions=100)
    )
    return agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=40)), seed=seed)


def _steps(trace: Trace) -> list[tuple[str, str]]:
    return [(str(record.call), record.result.reason) for record in trace.calls]
