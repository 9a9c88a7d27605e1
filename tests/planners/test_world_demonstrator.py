"""A teacher that follows the calls that a world knows to win."""

import pytest

from embodied_mem import Agent, MemoryStore
from embodied_mem.errors import EpisodeError
from embodied_mem.planners.demonstrators.of_world import WorldDemonstrator
from embodied_mem.records import SkillCall
from embodied_mem.records.filters import where
from embodied_mem.testing import KeyDoorWorld


class KnowsTheWay(KeyDoorWorld):
    """Says which calls open the door and reach the chest."""

    def demonstration(self):
        colour = self.door.split()[0]
        things = (("take", f"{colour} key"), ("open", f"{colour} door"), ("go_to", "chest"))
        return [SkillCall(name, {"object": thing}) for name, thing in things]


def test_it_wins_by_what_the_world_says_and_leaves_examples(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        agent = Agent(planner=WorldDemonstrator(), memory=memory, record_decisions=True)
        episode = agent.run_episode(KnowsTheWay(), seed=3)
        assert episode.outcome.is_success
        assert len(memory.recall(where=where(kind="decision", outcome="success"), k=9)) == 3


def test_it_stops_where_the_demonstration_fails():
    class Wrong(KnowsTheWay):
        def demonstration(self):
            take, _, go = super().demonstration()
            return [take, go, go]

    episode = Agent(planner=WorldDemonstrator()).run_episode(Wrong(), seed=3)
    assert episode.trace.ended_by == "planner"
    assert "call 2 of the demonstration failed" in episode.trace.decisions[-1].reason


def test_a_world_that_demonstrates_nothing_is_named():
    with pytest.raises(EpisodeError, match="KeyDoorWorld has no demonstration to follow"):
        Agent(planner=WorldDemonstrator()).run_episode(KeyDoorWorld(), seed=3)
