"""What a planner sees of memory in one episode: nothing written since its start, never its own problem."""

import pytest

from embodied_mem.agent import Agent
from embodied_mem.agent.episode_recall import EpisodeRecall
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.modes import with_mode
from embodied_mem.records import Experience, Recalled, Task
from embodied_mem.records.decisions import Ask, Stop
from embodied_mem.records.filters import In
from embodied_mem.records.queries import MAX_SEQUENCE, Query
from embodied_mem.testing.key_door import KeyDoorWorld


@pytest.fixture
def memory(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        yield ExperienceMemory(backend, clock=lambda: 1_000.0)


def remember(memory, *names, **task):
    for name in names:
        memory.record(Experience(task=Task("look", **task), id=name))


def start(memory, *, hidden_instance=""):
    return EpisodeRecall(memory, limit=100, hidden_instance=hidden_instance)


def ids(hits):
    return [hit.experience.id for hit in hits]


class TestHorizon:
    """An episode sees the log up to a sequence number fixed at its start (law 4)."""

    @pytest.fixture
    def recall(self, memory):
        """Of an episode that began after a, b and c; d was recorded since."""
        remember(memory, "a", "b", "c")
        recall = start(memory)
        remember(memory, "d")
        return recall

    def test_what_was_recorded_since_the_start_is_not_seen(self, recall):
        assert ids(recall(Query())) == ["c", "b", "a"]

    @pytest.mark.parametrize("as_of", [4, 5, MAX_SEQUENCE])
    def test_a_query_as_of_a_later_moment_sees_no_more(self, recall, as_of):
        assert ids(recall(Query(as_of=as_of))) == ["c", "b", "a"]

    def test_a_query_as_of_a_later_time_sees_no_more(self, recall):
        assert ids(recall(Query(as_of_s=1e12))) == ["c", "b", "a"]
        assert ids(recall(Query(as_of_s=1e12, as_of=MAX_SEQUENCE))) == ["c", "b", "a"]

    @pytest.mark.parametrize(("as_of", "seen"), [(3, ["c", "b", "a"]), (2, ["b", "a"]), (0, [])])
    def test_a_query_as_of_an_earlier_moment_sees_only_what_there_was_then(self, recall, as_of, seen):
        assert ids(recall(Query(as_of=as_of))) == seen

    def test_it_stays_where_it_was_through_all_queries_of_the_episode(self, memory, recall):
        for name in "efg":
            assert ids(recall(Query(as_of=MAX_SEQUENCE))) == ["c", "b", "a"]
            remember(memory, name)
        assert ids(start(memory)(Query(k=3))) == ["g", "f", "e"]

    def test_an_episode_that_began_with_an_empty_log_sees_nothing(self, memory):
        recall = start(memory)
        remember(memory, "a")
        assert recall(Query()) == []
        assert recall(Query(as_of=MAX_SEQUENCE)) == []

    def test_feedback_given_since_the_start_moves_no_score(self, memory, recall):
        before = recall(Query(text="look"))
        memory.feedback("a", helped=True)
        assert recall(Query(text="look", as_of=MAX_SEQUENCE)) == before
        assert ids(memory.recall("look"))[0] == "a"

    def test_what_was_withdrawn_since_the_start_is_seen_still(self, memory, recall):
        memory.withdraw(1)
        assert ids(recall(Query(as_of=MAX_SEQUENCE))) == ["c", "b", "a"]
        assert ids(memory.recall()) == ["a"]

    def test_a_frozen_memory_has_it_too(self, memory):
        remember(memory, "a")
        recall = start(with_mode(memory, "frozen"))
        remember(memory, "b")
        assert ids(recall(Query(as_of=MAX_SEQUENCE))) == ["a"]

    def test_it_is_fixed_before_the_planner_decides_for_the_first_time(self, memory):
        seen = []

        class Planner:
            """Asks twice, each time after somebody recorded."""

            def decide(self, context):
                remember(memory, f"new {len(seen)}")
                seen.append(ids(context.recall(Query(as_of=MAX_SEQUENCE))))
                return Ask("what now?") if len(seen) < 2 else Stop("seen enough")

            def describe(self):
                return {"name": "test"}

        remember(memory, "old")
        Agent(planner=Planner(), memory=memory).run_episode(KeyDoorWorld(), seed=0)
        assert seen == [["old"], ["old"]]


class WithoutHorizon:
    """A stranger's memory, which gives everything whatever is asked."""

    def __init__(self, *experiences):
        self.experiences = experiences
        self.queries = []

    def record(self, experience):
        raise AssertionError

    def feedback(self, experience_id, *, helped):
        raise AssertionError

    def recall(self, query, /):
        self.queries.append(query)
        return [Recalled(experience=e, score=0.0, parts={}, reason="all") for e in self.experiences]


@pytest.mark.parametrize("as_of", [None, 0, 7])
def test_a_memory_without_a_horizon_is_asked_as_the_planner_asked(as_of):
    memory = WithoutHorizon()
    start(memory)(Query(text="look", as_of=as_of))
    assert memory.queries == [Query(text="look", as_of=as_of)]


class TestOwnProblem:
    def test_the_planners_filter_still_holds_where_an_instance_is_hidden(self, memory):
        remember(memory, "a", "b", "c", instance="room#1")
        remember(memory, "d", "e", instance="room#2")
        recall = start(memory, hidden_instance="room#1")
        assert ids(recall(Query(where=In("id", ("c", "d"))))) == ["d"]

    def test_where_none_is_hidden_an_experience_without_an_instance_is_no_leak(self):
        memory = WithoutHorizon(Experience(task="look", id="a"))
        recall = start(memory)
        assert ids(recall(Query())) == ["a"]
        assert not recall.take_records()[0].is_leak
        assert memory.queries == [Query()]
