import json
import multiprocessing
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem import failpoints
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import ConflictingId, InvalidQuery, InvalidRecord, UnknownName, UnknownSpace
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.modes import with_mode
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.records import Experience, Outcome, Scope, SkillCall, Task
from embodied_mem.records.answers import EVERY_FIELD
from embodied_mem.records.filters import Equals, where
from embodied_mem.records.queries import Query, observation_vector
from embodied_mem.records.spaces import FieldVector, Space

DEEPEST = json.loads(64 * '{"x":' + "0" + 64 * "}")


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        yield backend


@pytest.fixture
def memory(backend):
    return ExperienceMemory(backend, embedder=HashedEmbedder(), clock=lambda: 1234.5)


def tried(task, status="success", **fields):
    return Experience(task=Task(task), outcome=Outcome(status=status), **fields)


def ids(hits):
    return [hit.experience.id for hit in hits]


class TestRecording:
    def test_what_is_left_open_is_filled_in(self, backend):
        memory = ExperienceMemory(backend, scope=Scope(agent="me", world="home"), clock=lambda: 99.0)
        memory.record(tried("look", id="x", scope=Scope(world="lab")))
        [hit] = memory.recall("look")
        assert hit.experience.scope == Scope(agent="me", world="lab")
        assert hit.experience.happened_at_s == 99.0

    def test_a_time_that_is_given_is_kept(self, memory):
        memory.record(tried("look", happened_at_s=5.0))
        assert memory.recall("look")[0].experience.happened_at_s == 5.0

    def test_a_retry_after_the_clock_went_on_is_the_same_experience(self, backend):
        ticks = iter(range(100))
        memory = ExperienceMemory(backend, clock=lambda: float(next(ticks)))
        first = memory.record(tried("look", id="x"))
        again = memory.record(tried("look", id="x"))
        assert (again.sequence, again.is_duplicate) == (first.sequence, True)
        assert len(memory.recall(k=10)) == 1

    def test_a_retry_with_other_content_is_refused(self, memory):
        memory.record(tried("look", id="x"))
        with pytest.raises(ConflictingId):
            memory.record(tried("look away", id="x"))
        with pytest.raises(ConflictingId):
            memory.record(tried("look", id="x", happened_at_s=7.0))

    def test_recalled_and_recorded_again_it_is_no_new_experience(self, memory):
        """A planner that stores what it remembers must not fill the memory with copies (mem0 #4573)."""
        memory.record(tried("look"))
        for _ in range(3):
            receipt = memory.record(memory.recall("look")[0].experience)
            assert receipt.is_duplicate
        assert len(memory.recall(k=10)) == 1

    @pytest.mark.parametrize("nested", [{"metadata": DEEPEST}, {"plan": [SkillCall("go", DEEPEST)]}])
    def test_what_is_nested_as_deeply_as_an_experience_may_be_is_kept(self, memory, nested):
        memory.record(tried("look", id="x", happened_at_s=5.0, **nested))
        assert memory.recall("look")[0].experience.replace(vectors=()) == tried(
            "look", id="x", happened_at_s=5.0, **nested
        )

    def test_metadata_changed_after_the_experience_was_made_is_converted_or_refused(self, memory):
        experience = tried("look", metadata={"n": 1})
        experience.metadata["n"] = float("nan")
        with pytest.raises(InvalidRecord, match=r"payload\.metadata\.n is nan"):
            memory.record(experience)
        experience.metadata["n"] = experience.metadata
        with pytest.raises(InvalidRecord, match="deeper than 64 levels"):
            memory.record(experience)
        experience.metadata["n"] = np.float32(0.5)
        memory.record(experience)
        assert memory.recall("look")[0].experience.metadata == {"n": 0.5}

    def test_metadata_of_numpy_is_kept_as_numbers(self, memory):
        """Other libraries drop the record without a word when its metadata holds a numpy number."""
        memory.record(
            tried("look", metadata={"score": np.float32(0.5), "n": np.int64(3), "xy": np.arange(2)})
        )
        [hit] = memory.recall("look", where=where(metadata__n=3))
        assert hit.experience.metadata == {"score": 0.5, "n": 3, "xy": [0, 1]}

    def test_a_vector_of_ones_own_is_kept_in_place_of_the_memorys(self, memory):
        own = FieldVector(
            field="text", space=Space(name="own", version="1", dimension=2), values=np.ones(2, np.float32)
        )
        memory.record(tried("look", vectors=(own,)))
        assert memory.backend.changes_since(0)[0].entry.vectors == (own,)

    def test_an_experience_without_words_has_no_vector(self, memory):
        memory.record(tried(""))
        assert memory.backend.changes_since(0)[0].entry.vectors == ()

    def test_a_vector_of_another_dimension_is_refused_with_both_dimensions(self, memory):
        small, large = (Space(name="net", version="1", dimension=d) for d in (2, 3))
        memory.record(
            tried("a", vectors=(FieldVector(field="image", space=small, values=np.ones(2, np.float32)),))
        )
        with pytest.raises(UnknownSpace, match=r"2-d.*3-d"):
            memory.record(
                tried("b", vectors=(FieldVector(field="image", space=large, values=np.ones(3, np.float32)),))
            )
        assert len(memory.recall(k=10)) == 1

    def test_a_store_made_with_another_embedder_is_refused_with_both_names(self, memory, backend):
        memory.record(tried("look"))
        other = ExperienceMemory(backend, embedder=HashedEmbedder(64))
        with pytest.raises(UnknownSpace, match=r"512-d.*64-d"):
            other.record(tried("look again"))
        with pytest.raises(UnknownSpace, match=r"512-d.*64-d"):
            other.recall("look")

    @pytest.mark.parametrize("thing", [None, "look", {"task": "look"}])
    def test_what_is_no_experience_is_refused(self, memory, thing):
        with pytest.raises(InvalidRecord, match="expected an Experience"):
            memory.record(thing)

    def test_the_embedder_is_asked_for_the_texts_alone(self, backend):
        """A store that embeds the whole record instead of the declared text finds the wrong things."""

        asked = []

        class Noting(HashedEmbedder):
            def embed(self, inputs):
                asked.extend(inputs)
                return super().embed(inputs)

        memory = ExperienceMemory(backend, embedder=Noting())
        memory.record(tried("look", state="dark", metadata={"secret": "x"}))
        memory.recall(task="look")
        assert asked == ["look dark", "look"]


class TestRecall:
    def test_the_nearest_task_comes_first_and_says_why(self, memory):
        memory.record(tried("open the fridge", id="fridge"))
        memory.record(tried("go to the red ball", id="ball"))
        best, *_ = memory.recall(task="walk to the crimson ball")
        assert best.experience.id == "ball"
        assert best.reason.startswith("best match, mostly by task")
        assert set(best.parts) == {"task", "embedding"}

    def test_parts_are_there_for_what_was_asked_alone(self, memory):
        memory.record(tried("look", state="dark"))
        assert set(memory.recall(task="look")[0].parts) == {"task", "embedding"}
        assert set(memory.recall(state="dark")[0].parts) == {"state", "embedding"}
        assert set(memory.recall("dark", task="look")[0].parts) == {"text", "task", "embedding"}
        assert memory.recall()[0].parts == {}

    def test_unless_an_embedder_is_given_words_alone_count(self, backend):
        memory = ExperienceMemory(backend)
        memory.record(tried("look"))
        [hit] = memory.recall(task="look")
        assert hit.parts == {"task": pytest.approx(1.0)}

    def test_free_text_finds_what_went_wrong(self, memory):
        memory.record(tried("go left", id="a"))
        memory.record(
            Experience(task="go right", id="b", outcome=Outcome(explanation="the corridor was flooded"))
        )
        assert ids(memory.recall("flooded corridor"))[0] == "b"

    def test_nothing_to_match_by_gives_the_newest(self, memory):
        for name in "abc":
            memory.record(tried(name, id=name))
        memory.feedback("c", helped=False)
        assert ids(memory.recall(k=2)) == ["c", "b"]

    def test_a_minimum_lets_recall_come_back_empty(self, memory):
        memory.record(tried("go to the red ball"))
        assert memory.recall(task="bake a cake", min_score=0.3) == []
        assert memory.recall(task="go to the red ball", min_score=0.9)

    def test_scores_of_different_queries_can_be_compared(self, memory):
        for n in range(20):
            memory.record(tried(f"go to the {'red' if n % 2 else 'blue'} ball"))
        exact = memory.recall(task="go to the red ball")[0].score
        partial = memory.recall(task="go to the zorp ball")[0].score
        nothing = memory.recall(task="bake bread")[0].score
        assert exact > 0.95
        assert 0.3 < partial < 0.9
        assert nothing < 0.1

    def test_an_observation_finds_its_like(self, memory):
        for n in range(5):
            memory.record(tried("balance", id=str(n), vectors=(observation_vector([n, 0.0, -n]),)))
        best = memory.recall(observation=np.array([2.9, 0.1, -3.0]))[0]
        assert best.experience.id == "3"
        assert set(best.parts) == {"observation/3"}

    def test_an_observation_in_an_empty_memory_finds_nothing(self, memory):
        assert memory.recall(observation=[1.0, 2.0]) == []

    def test_an_observation_of_another_shape_is_like_nothing(self, memory):
        """Environments with arrays of several shapes may share a memory."""
        memory.record(tried("balance", vectors=(observation_vector([1, 2, 3]),)))
        memory.record(tried("steer", vectors=(observation_vector([1, 2]),)))
        best, other = memory.recall(observation=[1, 2])
        assert (best.experience.task.text, best.score, other.score) == ("steer", 1.0, 0.0)

    def test_a_vector_named_like_a_text_is_a_part_of_its_own(self, memory):
        space = Space(name="net", version="1", dimension=2)
        vector = FieldVector(field="task", space=space, values=np.ones(2, np.float32))
        memory.record(tried("look", vectors=(vector,)))
        [hit] = memory.recall(task="look", vectors=(vector,))
        assert {"task", "vector task"} < set(hit.parts)

    def test_an_observation_that_is_not_finite_is_refused(self, memory):
        with pytest.raises(InvalidRecord, match="nan"):
            memory.recall(observation=[1.0, float("nan")])

    def test_a_query_and_keywords_together_are_refused(self, memory):
        with pytest.raises(InvalidQuery, match="set them in the Query"):
            memory.recall(Query(), k=3)

    def test_a_filter_that_passes_one_in_five_hundred_finds_it(self, memory):
        """Filtering after fetching finds 11 % of these in other libraries."""
        for n in range(500):
            memory.record(tried("go to the red ball", id=str(n), metadata={"n": n}))
        hits = memory.recall(task="go to the red ball", where=Equals("metadata.n", 7), k=5)
        assert ids(hits) == ["7"]

    def test_more_candidates_than_the_pool_still_give_the_best(self, memory):
        for n in range(1100):
            memory.record(tried("wash the dishes", id=str(n)))
        memory.record(tried("go to the red ball", id="ball"))
        for n in range(60):
            memory.record(tried("go to the door", id=f"door {n}"))
        assert ids(memory.recall(task="go to the red ball", k=1)) == ["ball"]

    def test_threads_may_share_a_memory(self, memory):
        failed = []

        def work(name):
            try:
                for n in range(10):
                    memory.record(tried("look", id=f"{name}{n}"))
                    memory.feedback(f"{name}{n}", helped=True)
                    assert memory.recall(task="look")[0].parts["trust"] > 0
            except Exception as error:  # a thread's error must reach the test
                failed.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(memory.recall(k=100)) == 40


class TestHorizon:
    def test_it_follows_every_kind_of_entry(self, memory):
        assert memory.horizon() == 0
        memory.record(tried("look", id="a"))
        assert memory.horizon() == 1
        memory.feedback("a", helped=True)
        assert memory.horizon() == 2
        memory.withdraw(2)
        assert memory.horizon() == memory.horizon() == 3

    def test_it_sees_what_another_handle_wrote(self, memory, backend):
        assert memory.horizon() == 0
        with SqliteBackend(backend.path) as other:
            ExperienceMemory(other).record(tried("look"))
        assert memory.horizon() == 1


class TestPickling:
    def test_a_copy_reads_and_writes_the_same_log(self, memory):
        memory.record(tried("look", id="a"))
        memory = ExperienceMemory(memory.backend, scope=Scope(agent="me"))
        copy = pickle.loads(pickle.dumps(memory))
        with copy.backend:
            assert ids(copy.recall("look")) == ["a"]
            copy.record(tried("look", id="b"))
        assert memory.recall(k=1)[0].experience.scope.agent == "me"

    def test_it_may_be_sent_to_a_spawned_process(self, backend):
        memory = ExperienceMemory(backend)
        child = multiprocessing.get_context("spawn").Process(
            target=ExperienceMemory.record, args=(memory, tried("look", id="a"))
        )
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert ids(memory.recall()) == ["a"]


class TestScope:
    @settings(max_examples=60)
    @given(
        st.lists(st.text(alphabet="a1.b ", max_size=3), min_size=1, max_size=6),
        st.text(alphabet="a1.b ", max_size=3),
    )
    def test_names_that_begin_alike_are_never_mixed(self, tmp_path_factory, agents, asked):
        with SqliteBackend(tmp_path_factory.mktemp("scope") / "log.sqlite") as backend:
            memory = ExperienceMemory(backend, embedder=None)
            for agent in agents:
                memory.record(tried("look", scope=Scope(agent=agent)))
            hits = memory.recall(task="look", where=Equals("scope.agent", asked), k=50)
        assert [hit.experience.scope.agent for hit in hits] == [asked] * agents.count(asked)


class TestContrast:
    @pytest.fixture
    def memory(self, memory):
        for n in range(4):
            memory.record(tried("open the red door", id=f"won {n}"))
        memory.record(tried("open the red box", status="timeout", id="near failure"))
        memory.record(tried("wash the dishes", status="failure", id="far failure"))
        memory.record(tried("open the red door", status="unverified", id="unjudged"))
        return memory

    def test_some_places_go_to_the_opposite_outcome(self, memory):
        hits = memory.recall(
            task="open the red door", k=3, contrast=1, where=where(outcome=["success", "timeout"])
        )
        assert ids(hits) == ["won 3", "won 2", "near failure"]
        assert hits[-1].reason.startswith("contrast: a failure of a similar task")

    def test_without_contrast_the_best_come_alone(self, memory):
        assert "near failure" not in ids(memory.recall(task="open the red door", k=3))

    def test_an_unjudged_best_match_has_no_opposite(self, memory):
        assert ids(memory.recall(task="open the red door", k=3, contrast=1))[0] == "unjudged"
        assert "near failure" not in ids(memory.recall(task="open the red door", k=3, contrast=1))

    def test_a_failed_best_match_is_set_against_a_success(self, memory):
        hits = memory.recall(task="open the red box", k=2, contrast=1)
        assert hits[0].experience.id == "near failure"
        assert hits[1].reason.startswith("contrast: a success of a similar task")

    def test_the_only_place_stays_with_the_best(self, memory):
        hits = memory.recall(task="open the red box", k=1, contrast=1)
        assert ids(hits) == ["near failure"]

    def test_contrast_keeps_to_the_filter_and_the_minimum(self, memory):
        only = where(outcome="success")
        assert "near failure" not in ids(memory.recall(task="open the red door", k=3, contrast=2, where=only))
        hits = memory.recall(
            task="open the red door", k=5, contrast=2, min_score=0.5, where=where(id=["won 1", "far failure"])
        )
        assert ids(hits) == ["won 1"]


class TestFeedback:
    def test_what_helped_rises_and_what_did_not_sinks(self, memory):
        for name in "abc":
            memory.record(tried("look", id=name))
        memory.feedback("a", helped=True)
        memory.feedback("c", helped=False)
        hits = memory.recall(task="look")
        assert ids(hits) == ["a", "b", "c"]
        assert hits[0].parts["trust"] == pytest.approx(RankingWeights().trust * (2 / 3 - 1 / 2))
        assert "trust" not in hits[1].parts
        assert hits[2].parts["trust"] < 0

    def test_another_process_feedback_counts(self, memory, backend):
        memory.record(tried("look", id="a"))
        memory.recall(task="look")
        with SqliteBackend(backend.path) as other:
            ExperienceMemory(other).feedback("a", helped=True)
        assert memory.recall(task="look")[0].parts["trust"] > 0

    def test_an_id_of_feedback_is_no_experience(self, memory):
        memory.record(tried("look", id="a"))
        memory.feedback("a", helped=True)
        feedback_id = memory.backend.changes_since(1)[0].entry.id
        with pytest.raises(UnknownName, match="No experience"):
            memory.feedback(feedback_id, helped=True)

    def test_feedback_on_a_hit_instead_of_its_id_says_what_to_give(self, memory):
        memory.record(tried("look"))
        with pytest.raises(UnknownName, match=r"recalled\.experience\.id"):
            memory.feedback(memory.recall("look")[0], helped=True)

    def test_feedback_after_the_horizon_does_not_count(self, memory):
        memory.record(tried("look", id="a"))
        horizon = memory.horizon()
        memory.feedback("a", helped=True)
        assert "trust" not in memory.recall(task="look", as_of=horizon)[0].parts
        assert "trust" in memory.recall(task="look")[0].parts


class TestWithdrawal:
    def test_what_is_withdrawn_is_kept_and_never_recalled(self, memory):
        memory.record(tried("look", id="kept"))
        horizon = memory.horizon()
        memory.record(tried("look", id="gone"))
        memory.withdraw(horizon)
        memory.record(tried("look", id="new"))
        assert ids(memory.recall(task="look", k=9)) == ["new", "kept"]
        assert ids(memory.recall(k=9)) == ["new", "kept"]
        assert memory.backend.get(["gone"]) != [None]

    def test_withdrawn_feedback_does_not_count(self, memory):
        memory.record(tried("look", id="a"))
        horizon = memory.horizon()
        memory.feedback("a", helped=True)
        memory.withdraw(horizon)
        assert "trust" not in memory.recall(task="look")[0].parts

    def test_a_view_from_before_the_withdrawal_still_sees_it(self, memory):
        memory.record(tried("look", id="a"))
        memory.withdraw(0)
        assert ids(memory.recall(k=9, as_of=1)) == ["a"]
        assert memory.recall(k=9) == []

    def test_a_withdrawn_id_is_not_acknowledged_again(self, memory):
        """It would be kept where nobody ever sees it."""
        memory.record(tried("look", id="a"))
        memory.withdraw(0)
        with pytest.raises(ConflictingId, match="'a' was withdrawn; record it again under a new id"):
            memory.record(tried("look", id="a"))
        with pytest.raises(UnknownName):
            memory.feedback("a", helped=True)

    @pytest.mark.parametrize("after", [-1, 1.5, True, None])
    def test_what_is_no_sequence_number_is_refused(self, memory, after):
        with pytest.raises(InvalidQuery, match="after is"):
            memory.withdraw(after)

    def test_withdrawing_what_is_not_written_yet_hides_nothing(self, memory):
        memory.record(tried("look", id="a"))
        memory.withdraw(50)
        memory.record(tried("look", id="b"))
        assert ids(memory.recall(k=9)) == ["b", "a"]

    def test_nor_does_it_show_what_came_after_the_moment_that_is_asked_for(self, memory):
        memory.record(tried("look", id="a"))
        memory.withdraw(50)
        memory.record(tried("look", id="b"))
        memory.record(tried("look", id="c"))
        assert ids(memory.recall(k=9, as_of=3)) == ["b", "a"]

    def test_a_resumed_attempt_recalls_what_an_unbroken_one_does(self, tmp_path):
        """The words of a killed attempt must not even change how rare a word is."""

        def play(memory, first, last):
            seen = []
            for n in range(first, last):
                hits = memory.recall(task=f"open the {['red', 'blue', 'grey'][n % 3]} door {n % 5}", k=4)
                seen.append([(hit.experience.id, hit.score, dict(hit.parts), hit.reason) for hit in hits])
                memory.record(
                    tried(
                        f"open the {['red', 'blue', 'grey'][n % 3]} door {n % 5}", id=f"{n}", happened_at_s=n
                    )
                )
                if hits:
                    memory.feedback(hits[0].experience.id, helped=n % 3 > 0)
            return seen

        with SqliteBackend(tmp_path / "unbroken.sqlite") as backend:
            unbroken = play(ExperienceMemory(backend), 0, 20)
        with SqliteBackend(tmp_path / "broken.sqlite") as backend:
            memory = ExperienceMemory(backend)
            seen = play(memory, 0, 9)
            horizon = memory.horizon()
            for n in range(7):
                memory.record(tried("open the red red red grey door", id=f"lost {n}"))
                memory.feedback("3", helped=False)
            memory = ExperienceMemory(backend)
            memory.withdraw(horizon)
            assert [*seen, *play(memory, 9, 20)] == unbroken


@given(
    st.lists(st.tuples(st.sampled_from(["record", "withdraw", "feedback"]), st.integers(0, 12)), max_size=14),
    st.integers(0, 16),
)
@settings(max_examples=80)
def test_the_visible_part_is_what_a_simple_reading_of_the_log_gives(tmp_path_factory, actions, as_of):
    with SqliteBackend(tmp_path_factory.mktemp("visible") / "log.sqlite") as backend:
        memory = ExperienceMemory(backend, embedder=None)
        written, hidden = [], []
        memory.record(tried("look", id="first"))
        written.append("first")
        for n, (action, number) in enumerate(actions):
            if action == "record":
                memory.record(tried("look", id=str(n)))
                written.append(str(n))
            elif action == "withdraw":
                memory.withdraw(number)
                written.append(None)
                hidden.append((number, len(written)))
            elif "first" in ids(memory.recall(k=99)):
                memory.feedback("first", helped=True)
                written.append(None)
        expected = [
            name
            for sequence, name in enumerate(written, start=1)
            if name and sequence <= as_of and not any(a < sequence < at <= as_of for a, at in hidden)
        ]
        assert ids(memory.recall(k=99, as_of=as_of)) == expected[::-1]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.arange(3), ConflictingId, "'a' is already in"),
        (np.float32(0.5), ConflictingId, "'a' is already in"),
        ({1, 2}, ConflictingId, "'a' is already in"),
        (object(), InvalidRecord, "n is object; expected a number"),
        (float("nan"), InvalidRecord, "finite"),
        ({"deep": b"x"}, InvalidRecord, "bytes"),
    ],
)
@pytest.mark.parametrize("call", ["record", "record_all"])
def test_a_stored_id_whose_content_was_changed_to_what_json_lacks_is_a_narrow_error(
    memory, value, error, message, call
):
    experience = Experience(task="look", id="a", metadata={"n": 1})
    memory.record(experience)
    experience.metadata["n"] = value
    with pytest.raises(error, match=message):
        memory.record(experience) if call == "record" else memory.record_all([experience])
    experience.metadata["n"] = np.int64(1)
    assert memory.record(experience).is_duplicate


class TestRecordAll:
    def test_a_batch_is_one_commit(self, memory, monkeypatch):
        places = []
        monkeypatch.setattr(failpoints, "listener", places.append)
        receipts = memory.record_all([Experience(task="look", id=str(n)) for n in range(5)])
        assert [receipt.sequence for receipt in receipts] == [1, 2, 3, 4, 5]
        assert places == ["commit:before", "commit:after"]

    def test_what_is_stored_with_filled_in_defaults_is_a_duplicate(self, backend):
        now_s = iter(range(10))
        memory = ExperienceMemory(backend, scope=Scope(agent="me"), clock=lambda: float(next(now_s)))
        first, second = Experience(task="look", id="1"), Experience(task="go", id="2")
        memory.record(first)
        receipts = memory.record_all(each for each in (second, first, second))
        assert [(receipt.sequence, receipt.is_duplicate) for receipt in receipts] == [
            (2, False),
            (1, True),
            (2, True),
        ]

    def test_an_id_given_twice_with_other_content_is_refused_wherever_it_comes(self, memory):
        same, other = Experience(task="look", id="1"), Experience(task="go", id="1")
        memory.record(same)
        for batch in ([same, other], [other, same], [Experience(task="new", id="2"), other]):
            with pytest.raises(ConflictingId, match="'1'"):
                memory.record_all(batch)
        assert memory.horizon() == 1

    def test_a_withdrawn_id_is_refused_before_anything_is_stored(self, memory):
        memory.record(Experience(task="look", id="1", happened_at_s=1.0))
        memory.withdraw(0)
        with pytest.raises(ConflictingId, match="'1' was withdrawn"):
            memory.record_all([Experience(task="go"), Experience(task="look", id="1", happened_at_s=1.0)])
        assert memory.recall() == []

    def test_what_is_replaced_is_archived_in_the_same_commit(self, memory, monkeypatch):
        memory.record_all([Experience(task="look", id="old"), Experience(task="look", id="other")])
        before = memory.horizon()
        places = []
        monkeypatch.setattr(failpoints, "listener", places.append)
        [receipt] = memory.record_all([Experience(task="look", id="new")], replacing=["old"])
        assert places == ["commit:before", "commit:after"]
        assert receipt.sequence == before + 1
        assert ids(memory.recall("look")) == ["new", "other"]
        assert ids(memory.recall("look", as_of=before)) == ["other", "old"]

    def test_what_is_replaced_has_to_exist(self, memory):
        memory.record(Experience(task="look", id="old"))
        for replaced in ("gone", None):
            with pytest.raises(UnknownName, match="No experience"):
                memory.record_all([Experience(task="look", id="new")], replacing=["old", replaced])
        assert memory.horizon() == 1

    @pytest.mark.parametrize("wrong", [["look"], [None], [Experience(task="look"), {}]])
    def test_what_is_no_experience_is_refused_before_anything_is_stored(self, memory, wrong):
        with pytest.raises(InvalidRecord, match=r"record_all got .*; expected an Experience"):
            memory.record_all(wrong)
        assert memory.horizon() == 0


def test_a_memory_answers_times_only_where_the_log_stores_them(memory):
    assert memory.answers == EVERY_FIELD
    assert ExperienceMemory(InMemoryBackend()).answers == EVERY_FIELD - {"as_of_s"}
    assert with_mode(memory, "frozen").answers == EVERY_FIELD
