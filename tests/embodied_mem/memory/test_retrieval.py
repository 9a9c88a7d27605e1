import dataclasses
import math
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery, StoreError
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.modes import with_mode
from embodied_mem.memory.scoring import RankingWeights, outcome_value, utility_of
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.filters import EVERYTHING, Equals, In, Near, Not, after, before, matches, where
from embodied_mem.records.log import Entry, EntryKind
from embodied_mem.records.queries import Query

PRIORS = ("recency", "outcome", "surprise", "utility", "trust")


class Clock:
    """Seconds that stand still until they are set."""

    def __init__(self, now_s=1_000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def backend(tmp_path, clock):
    with SqliteBackend(tmp_path / "log.sqlite", clock=clock) as backend:
        yield backend


@pytest.fixture
def memory(backend, clock):
    return ExperienceMemory(backend, clock=clock)


def with_weights(memory, **weights):
    return ExperienceMemory(memory.backend, weights=RankingWeights(**weights), clock=memory._clock)


def tried(task="open the fridge", status="success", **fields):
    return Experience(task=Task(task), outcome=Outcome(status=status), **fields)


def archive(memory, *names, kind=EntryKind.ARCHIVE):
    for name in names:
        n = memory.horizon()
        payload = {"experience_id": name, "reason": "old", "at_s": 0.0}
        memory.backend.append([Entry(id=f"{kind} {name} {n}", kind=kind, payload=payload)])


def ids(hits):
    return [hit.experience.id for hit in hits]


class TestRecollection:
    def test_it_says_how_many_passed_the_filter(self, memory):
        for n in range(9):
            memory.record(tried(id=str(n), metadata={"n": n % 3}))
        hits = memory.recall(task="open the fridge", where=Equals("metadata.n", 1), k=2)
        assert (len(hits), hits.n_candidates, hits.is_exact) == (2, 3, True)
        assert memory.recall(k=1).n_candidates == 9

    def test_a_frozen_memory_says_it_too(self, memory):
        memory.record(tried())
        assert with_mode(memory, "frozen").recall(Query(text="fridge")).n_candidates == 1

    def test_what_is_asked_often_is_fetched_once(self, memory, monkeypatch):
        for n in range(3):
            memory.record(tried(id=str(n)))
        fetched = []
        get = memory.backend.get

        def noted(keys):
            fetched.append(list(keys))
            return get(keys)

        monkeypatch.setattr(memory.backend, "get", noted)
        for _ in range(3):
            assert ids(memory.recall(task="open the fridge")) == ["2", "1", "0"]
        assert fetched == [[3, 2, 1]]

    def test_what_was_purged_is_not_remembered(self, memory):
        memory.record(tried(id="a"))
        memory.record(tried(id="b"))
        assert ids(memory.recall("fridge")) == ["b", "a"]
        memory.backend.delete([2])
        assert ids(memory.recall("fridge")) == ["a"]


class TestPriors:
    def test_they_are_off_unless_they_have_a_weight(self, memory):
        memory.record(tried(id="a"))
        assert set(memory.recall("fridge")[0].parts) == {"text"}

    @pytest.mark.parametrize("name", PRIORS)
    def test_each_can_be_switched_on_alone(self, memory, name):
        memory.record(tried(id="a"))
        memory.record(tried(id="b", recalled=("a",)))
        memory.feedback("a", helped=True)
        weights = {**dict.fromkeys(PRIORS, 0.0), name: 0.5}
        [hit] = with_weights(memory, **weights).recall("fridge", where=where(id="a"))
        assert set(hit.parts) == {"text", name}
        assert 0 <= hit.parts[name] <= 0.5

    def test_nothing_asked_gives_the_newest_whatever_they_say(self, memory):
        for n, status in enumerate(["success", "failure"]):
            memory.record(tried(status=status, id=str(n)))
        assert ids(with_weights(memory, outcome=9.0).recall()) == ["1", "0"]

    def test_the_newer_of_two_alike_comes_first_though_written_earlier(self, memory):
        """Generative Agents' code prefers the oldest."""
        memory.record(tried(id="newer", happened_at_s=900.0))
        memory.record(tried(id="older", happened_at_s=100.0))
        assert ids(memory.recall("fridge")) == ["older", "newer"]
        hits = with_weights(memory, recency=0.2, half_life_s=100.0).recall("fridge")
        assert ids(hits) == ["newer", "older"]
        assert hits[0].parts["recency"] == pytest.approx(0.2 * 0.5)

    def test_a_clock_that_goes_backwards_leaves_everything_recent(self, memory, clock):
        memory.record(tried(id="a"))
        clock.now_s = 5.0
        memory.record(tried(id="b"))
        hits = with_weights(memory, recency=0.2).recall("fridge")
        assert [hit.parts["recency"] for hit in hits] == [0.2, 0.2]

    def test_success_comes_before_unjudged_and_that_before_failure(self, memory):
        for status in ("success", "unverified", "failure"):
            memory.record(tried(status=status, id=status))
        hits = with_weights(memory, outcome=0.2).recall("fridge")
        assert ids(hits) == ["success", "unverified", "failure"]

    def test_the_rare_outcome_of_a_kind_of_task_is_remembered(self, memory):
        for n in range(9):
            memory.record(tried(id=str(n), status="failure" if n == 4 else "success"))
        assert ids(with_weights(memory, surprise=0.2).recall("fridge"))[0] == "4"

    def test_what_was_used_and_helped_comes_first(self, memory):
        for name in "abc":
            memory.record(tried(id=name))
        memory.record(tried("look", id="d", recalled=("a", "b")))
        memory.feedback("a", helped=True)
        hits = with_weights(memory, utility=0.2, trust=0.0).recall("open the fridge", k=3)
        assert ids(hits) == ["a", "b", "c"]
        assert hits[0].parts["utility"] == pytest.approx(0.2 * utility_of(1, 1, 0))

    def test_every_candidate_counts_and_not_a_pool_of_the_most_alike(self, memory):
        memory.record(tried("open the fridge door", id="trusted"))
        for n in range(1_100):
            memory.record(tried("open the fridge", id=str(n)))
        for _ in range(20):
            memory.feedback("trusted", helped=True)
        hits = with_weights(memory, trust=3.0).recall(task="open the fridge", k=1)
        assert ids(hits) == ["trusted"]

    @given(st.data())
    @settings(max_examples=40)
    def test_the_top_k_is_that_of_scoring_everything(self, tmp_path_factory, data):
        weights = {name: data.draw(st.sampled_from([0.0, 0.3, 2.0])) for name in PRIORS}
        statuses = data.draw(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=12))
        with SqliteBackend(tmp_path_factory.mktemp("top") / "log.sqlite") as backend:
            memory = ExperienceMemory(backend, weights=RankingWeights(**weights), clock=lambda: 20.0)
            for n, status in enumerate(statuses):
                task = data.draw(st.sampled_from(["open the fridge", "open the red door", "look"]))
                memory.record(tried(task, status, id=str(n), happened_at_s=n, recalled=[str(max(0, n - 2))]))
                if data.draw(st.booleans()):
                    memory.feedback(
                        data.draw(st.sampled_from([str(i) for i in range(n + 1)])), helped=bool(n % 2)
                    )
            every = memory.recall(task="open the fridge", k=99, min_score=-math.inf)
            few = memory.recall(task="open the fridge", k=3, min_score=-math.inf)
        assert len(every) == len(statuses)
        assert [(hit.experience.id, hit.score) for hit in every[:3]] == [
            (hit.experience.id, hit.score) for hit in few
        ]
        for hit in every:
            assert hit.score == pytest.approx(math.fsum(hit.parts.values()))
            if weights["outcome"]:
                outcome = weights["outcome"] * outcome_value(hit.experience.outcome.status)
                assert hit.parts["outcome"] == pytest.approx(outcome)


class TestArchive:
    @pytest.fixture
    def memory(self, memory):
        for name in "abc":
            memory.record(tried(id=name))
        archive(memory, "b")
        return memory

    @pytest.mark.parametrize("asked", [{"task": "open the fridge"}, {}])
    def test_what_is_archived_is_left_out_unless_asked_for(self, memory, asked):
        assert ids(memory.recall(**asked)) == ["c", "a"]
        assert ids(memory.recall(**asked, include_archived=True)) == ["c", "b", "a"]
        assert ids(memory.recall(**asked, where=In("id", ("a", "b")))) == ["b", "a"]
        assert memory.recall(**asked).n_candidates == 2

    def test_it_is_still_there_as_of_before_it_was_archived(self, memory):
        assert ids(memory.recall("fridge", as_of=3)) == ["c", "b", "a"]
        assert ids(memory.recall("fridge", as_of=4)) == ["c", "a"]

    def test_what_is_restored_is_recalled_again(self, memory):
        archive(memory, "b", kind=EntryKind.RESTORE)
        assert ids(memory.recall("fridge")) == ["c", "b", "a"]
        archive(memory, "b")
        assert ids(memory.recall("fridge")) == ["c", "a"]

    def test_an_archiving_that_was_withdrawn_does_not_count(self, memory):
        memory.withdraw(3)
        assert ids(memory.recall("fridge")) == ["c", "b", "a"]

    def test_it_is_no_contrast_either(self, memory):
        memory.record(tried(status="failure", id="failed"))
        assert "failed" in ids(memory.recall(task="open the fridge", contrast=1, k=2))
        archive(memory, "failed")
        assert "failed" not in ids(memory.recall(task="open the fridge", contrast=1, k=2))


class TestTime:
    @pytest.fixture
    def memory(self, memory, clock):
        for name, time_s in {"late": 300.0, "early": 100.0, "middle": 200.0}.items():
            clock.now_s += 10
            memory.record(tried(id=name, happened_at_s=time_s))
        memory.record(tried("bake bread", id="bread", happened_at_s=150.0))
        return memory

    def test_first_and_last_go_by_time_among_what_fits(self, memory):
        fitting = {"task": "open the fridge", "min_score": 0.5, "k": 2}
        assert ids(memory.recall(**fitting, order="first")) == ["early", "middle"]
        assert ids(memory.recall(**fitting, order="last")) == ["late", "middle"]
        assert ids(memory.recall(order="first", k=2)) == ["early", "bread"]

    def test_they_say_why(self, memory):
        hits = memory.recall(task="open the fridge", min_score=0.5, order="first", k=2)
        assert [hit.reason.partition(",")[0] for hit in hits] == ["earliest", "next in time"]
        assert memory.recall(order="last")[0].reason == "latest"

    def test_before_and_after_are_filters(self, memory):
        assert ids(memory.recall("fridge", where=before(200.0), min_score=0.5)) == ["early"]
        assert set(ids(memory.recall("fridge", where=after(200.0)))) == {"late", "middle"}

    def test_as_of_a_time_only_what_was_written_by_then_is_seen(self, memory):
        assert ids(memory.recall(k=9, as_of_s=1_019.9)) == ["late"]
        assert ids(memory.recall(k=9, as_of_s=1_020.0)) == ["early", "late"]
        assert memory.recall(k=9, as_of_s=0.0) == []
        assert ids(memory.recall(k=9, as_of_s=1e9, as_of=1)) == ["late"]

    def test_ages_are_counted_up_to_that_time(self, memory):
        weighted = with_weights(memory, recency=1.0, half_life_s=100.0)
        [hit] = weighted.recall("fridge", as_of_s=1_010.0)
        assert hit.parts["recency"] == pytest.approx(0.5 ** (710 / 100))

    def test_a_back_end_that_keeps_no_times_says_what_to_give_instead(self, memory):
        class Timeless:
            def __init__(self, inner):
                self.append, self.get, self.search = inner.append, inner.get, inner.search
                self.changes_since, self.close = inner.changes_since, inner.close

        with pytest.raises(InvalidQuery, match="use as_of with a sequence number instead"):
            ExperienceMemory(Timeless(memory.backend)).recall("fridge", as_of_s=1.0)

    EVENTS = st.lists(
        st.tuples(st.sampled_from(["open the fridge", "look"]), st.integers(0, 9)), min_size=1, max_size=12
    )

    @given(EVENTS, st.integers(0, 9), st.sampled_from(["first", "last"]), st.integers(0, 4))
    @settings(max_examples=60)
    def test_it_is_what_a_list_of_events_gives(self, tmp_path_factory, events, bound, order, k):
        with SqliteBackend(tmp_path_factory.mktemp("time") / "log.sqlite") as backend:
            memory = ExperienceMemory(backend)
            for n, (task, time_s) in enumerate(events):
                memory.record(tried(task, id=str(n), happened_at_s=time_s))
            hits = memory.recall(
                task="open the fridge", min_score=0.5, order=order, k=k, where=before(float(bound))
            )
        fitting = [
            (time_s, n)
            for n, (task, time_s) in enumerate(events)
            if task == "open the fridge" and time_s < bound
        ]
        expected = sorted(fitting, reverse=order == "last")[:k]
        assert ids(hits) == [str(n) for _, n in expected]


class TestDistinct:
    @pytest.fixture
    def memory(self, memory):
        for n in range(5):
            memory.record(tried(id=f"copy {n}", metadata={"n": n}))
        memory.record(tried("open the fridge slowly", id="other"))
        memory.record(tried(id="failed", status="failure"))
        return memory

    def test_near_duplicates_come_once_as_the_first_of_them(self, memory):
        hits = memory.recall(task="open the fridge", distinct=True)
        assert ids(hits) == ["failed", "copy 0", "other"]
        assert [hit.reason.endswith("; one of 5 near duplicates") for hit in hits] == [False, True, False]
        assert hits.n_candidates == 3

    def test_they_are_given_one_by_one_unless_asked_for(self, memory):
        assert len(memory.recall(task="open the fridge", k=9)) == 7

    def test_the_first_that_passes_the_filter_stands_for_those_that_pass(self, memory):
        hits = memory.recall("fridge", distinct=True, where=In("metadata.n", (2, 3)))
        assert ids(hits) == ["copy 2"]
        assert hits[0].reason.endswith("; one of 2 near duplicates")

    def test_the_first_that_is_not_archived_or_withdrawn_does(self, memory):
        archive(memory, "copy 0")
        assert ids(memory.recall(task="open the fridge", distinct=True, k=2)) == ["failed", "copy 1"]
        memory.withdraw(1)
        memory.record(tried(id="new"))
        memory.record(tried(id="newer"))
        assert ids(memory.recall(task="open the fridge", distinct=True, include_archived=True)) == ["copy 0"]

    def test_only_what_was_seen_then_is_counted(self, memory):
        [hit] = memory.recall("fridge", distinct=True, as_of=3)
        assert hit.reason.endswith("; one of 3 near duplicates")

    def test_it_goes_with_nothing_asked_and_with_time(self, memory):
        assert ids(memory.recall(distinct=True)) == ["failed", "other", "copy 0"]
        assert ids(memory.recall(distinct=True, order="last", k=2)) == ["failed", "other"]

    @given(st.lists(st.sampled_from(["red", "blue", "green"]), max_size=12), st.integers(1, 5))
    @settings(max_examples=40)
    def test_each_group_is_there_once(self, tmp_path_factory, states, k):
        with SqliteBackend(tmp_path_factory.mktemp("distinct") / "log.sqlite") as backend:
            memory = ExperienceMemory(backend)
            for n, state in enumerate(states):
                memory.record(tried(state=state, id=str(n)))
            hits = memory.recall("fridge", distinct=True, k=k)
        assert len({hit.experience.state for hit in hits}) == len(hits) == min(k, len(set(states)))
        for hit in hits:
            assert int(hit.experience.id) == states.index(hit.experience.state)


class TestDiversity:
    @pytest.fixture
    def memory(self, memory):
        for n in range(4):
            memory.record(tried("open the fridge", id=f"same {n}"))
        memory.record(tried("open the fridge in the kitchen", id="kitchen"))
        return memory

    def test_what_repeats_a_better_match_gives_way(self, memory):
        assert ids(memory.recall(task="open the fridge", k=2)) == ["same 3", "same 2"]
        hits = memory.recall(task="open the fridge", k=2, diversity=0.5)
        assert ids(hits) == ["same 3", "kitchen"]
        assert hits[1].reason.startswith("unlike the better matches, mostly by task")
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    def test_the_minimum_still_holds(self, memory):
        best = memory.recall(task="open the fridge")[0].score
        assert "kitchen" not in ids(memory.recall(task="open the fridge", diversity=0.9, min_score=best))

    def test_vectors_tell_how_alike_they_are_where_there_are_some(self, backend, clock):
        memory = ExperienceMemory(backend, embedder=HashedEmbedder(), clock=clock)
        for n, task in enumerate(["open the fridge", "open the fridges", "open the red door"]):
            memory.record(tried(task, id=str(n)))
        assert ids(memory.recall(task="open the fridge", k=2, diversity=0.7)) == ["1", "2"]

    def test_it_goes_with_contrast(self, memory):
        memory.record(tried("open the fridge now", status="failure", id="failed"))
        hits = memory.recall(task="open the fridge", k=3, diversity=0.5, contrast=1)
        assert set(ids(hits)) >= {"same 3", "failed"}
        assert len(hits) == 3


class TestExperiencesWithoutVectors:
    def test_are_told_of_once_with_the_way_out(self, memory, caplog):
        for n in range(3):
            memory.record(tried("open the fridge", id=f"before {n}"))
        embedding = ExperienceMemory(memory.backend, embedder=HashedEmbedder(16))
        embedding.record(tried("open the door", id="after"))
        assert "before 2" in ids(embedding.recall(task="open the fridge"))
        assert "3 experiences have no vector of the embedder hashed" in caplog.text
        assert "embodied-mem memory reembed" in caplog.text
        caplog.clear()
        embedding.recall(task="open the fridge")
        assert caplog.text == ""

    def test_are_told_of_where_nothing_was_ever_embedded(self, memory, caplog):
        memory.record(tried("open the fridge"))
        ExperienceMemory(memory.backend, embedder=HashedEmbedder(16)).recall("fridge")
        assert "1 experiences have no vector" in caplog.text

    def test_are_not_told_of_where_there_are_none_or_nothing_is_embedded(self, memory, caplog):
        embedding = ExperienceMemory(memory.backend, embedder=HashedEmbedder(16))
        for n in range(4):
            embedding.record(tried("open the fridge", id=str(n)))
        memory.backend.delete([1, 2])
        embedding.recall("fridge")
        memory.recall("fridge")
        assert caplog.text == ""


PLACES = st.lists(
    st.none() | st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(tuple), min_size=1, max_size=8
)


@given(PLACES, st.floats(0, 8))
@settings(max_examples=40)
def test_a_radius_finds_what_lies_within_it(tmp_path_factory, places, radius_m):
    near = Near("position_m", (0.0, 1.0, 2.0), radius_m)
    with SqliteBackend(tmp_path_factory.mktemp("near") / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        for n, place in enumerate(places):
            memory.record(tried(id=str(n), position_m=place))
        within, beyond = memory.recall(where=near, k=99), memory.recall(where=Not(near), k=99)
    expected = [
        str(n)
        for n, place in enumerate(places)
        if place is not None and matches(near, {"position_m": list(place)})
    ]
    assert sorted(ids(within)) == expected
    assert len(beyond) == len(places) - len(expected)


def test_a_query_that_changes_nothing_costs_one_search(memory, monkeypatch):
    memory.record(tried(id="a"))
    memory.recall("fridge")
    searches = []
    search = memory.backend.search

    def noted(asked):
        searches.append(asked)
        return search(asked)

    monkeypatch.setattr(memory.backend, "search", noted)
    memory.recall("fridge", k=3)
    assert [(asked.k, asked.where, asked.without) for asked in searches] == [(3, EVERYTHING, None)]
    memory.recall("fridge", contrast=1)
    assert len(searches) == 3


def test_a_plan_of_many_calls_is_recalled_whole(memory):
    plan = tuple(SkillCall("go", {"to": n}, count=1 + n) for n in range(50))
    memory.record(dataclasses.replace(tried(), plan=plan))
    assert memory.recall("fridge")[0].experience.plan == plan
    assert np.isfinite(memory.recall("fridge")[0].score)


class TestHugeTexts:
    TASK = "open the fridge " * 3
    HUGE = TASK + "stack " * 12_000  # the limit is within a word

    @pytest.mark.parametrize("field", ["task", "state", "text"])
    def test_a_query_that_is_cut_says_so_and_ranks_as_its_beginning(self, memory, field):
        memory.record(tried("stac", id="part", state="stac"))
        memory.record(tried("stack", id="whole", state="stack"))
        hits = memory.recall(**{field: self.HUGE})
        assert ids(hits)[0] == "whole"
        assert all("65,536 characters" in hit.reason for hit in hits)
        shorter = self.HUGE[: self.HUGE[:65_536].rindex(" ")]
        assert [hit.score for hit in memory.recall(**{field: shorter})] == [hit.score for hit in hits]

    def test_nothing_is_said_of_others(self, memory):
        memory.record(tried("look", state=self.HUGE))
        assert "characters" not in memory.recall(state="stack")[0].reason


class TestOneMoment:
    def test_what_is_removed_during_a_recall_is_still_given_or_was_never_found(
        self, memory, backend, monkeypatch
    ):
        for number in range(5):
            memory.record(tried(id=f"i{number}"))
        search = backend.search

        def then_remove(asked):
            found = search(asked)
            with SqliteBackend(backend.path) as other:
                other.delete([2, 3])
            return found

        monkeypatch.setattr(backend, "search", then_remove)
        assert len(memory.recall("open the fridge", k=5)) == 5
        monkeypatch.undo()
        assert ids(memory.recall("open the fridge", k=5)) == ["i4", "i3", "i0"]

    def test_an_embedder_may_use_the_memory_that_asks_it(self, memory, backend):
        class Noting(HashedEmbedder):
            def embed(self, inputs):
                memory.record(tried("note", id=f"{len(memory.recall(k=100))}"))
                return super().embed(inputs)

        asking = ExperienceMemory(backend, embedder=Noting())
        assert ids(asking.recall("note", k=5)) == ["0"]

    def test_a_store_that_is_damaged_says_so_and_is_opened_anew(self, memory, backend, monkeypatch):
        memory.record(tried(id="a"))

        def lost(_):
            with backend._transaction():
                error = sqlite3.DatabaseError("database disk image is malformed")
                error.sqlite_errorname = "SQLITE_CORRUPT"
                raise error

        with monkeypatch.context() as patch:
            patch.setattr(backend, "search", lost)
            with pytest.raises(StoreError, match="malformed; the file is damaged"):
                memory.recall("open the fridge")
        assert ids(memory.recall("open the fridge")) == ["a"]
