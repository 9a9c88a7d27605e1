"""Tests that every `Memory` must pass; they require no particular ranking."""

import math

import numpy as np
import pytest

from embodied_mem.contracts import CanWithdraw, HasHorizon, KeepsImages, Memory
from embodied_mem.errors import ConflictingId, UnknownName
from embodied_mem.records.answers import answers_of
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Recalled, Scope, Task
from embodied_mem.records.filters import (
    Between,
    Equals,
    In,
    Near,
    Not,
    Or,
    Where,
    after,
    all_of,
    before,
    join_path,
    matches,
)
from embodied_mem.testing.example_experiences import ANY_SCORE as ANY_SCORE
from embodied_mem.testing.example_experiences import ask as ask
from embodied_mem.testing.example_experiences import example_experience as example_experience
from embodied_mem.testing.example_experiences import record_many
from embodied_mem.testing.memory_abilities import MemoryAbilities
from embodied_mem.testing.query_fields import QueryFieldTests


class MemoryContract(QueryFieldTests, MemoryAbilities):
    """Subclass it and define a fixture `memory` that makes an empty one.

    A memory that declares `answers` (see `contracts.DeclaresAnswers`) is tested on each field of a query that
    it answers, and must reject the others. A durable one is tested if `reopen` is overridden.

    Attributes:
        is_exhaustive: Whether every recorded experience can be recalled. Set it to False for a memory that
            forgets or searches only a part; its hits are still tested.
    """

    is_exhaustive = True

    @pytest.fixture
    def memory(self) -> Memory:
        """An empty memory; override this."""
        raise NotImplementedError("define a fixture `memory` that makes an empty one")

    def test_is_a_memory(self, memory: Memory) -> None:
        """It has the three methods."""
        assert isinstance(memory, Memory)

    def test_an_empty_memory_recalls_nothing(self, memory: Memory) -> None:
        """Without records there are no hits."""
        assert ask(memory, task=Task("bring tool 1")) == []

    def test_a_receipt_names_the_experience(self, memory: Memory) -> None:
        """An experience is stored under its own id."""
        receipt = memory.record(example_experience())
        assert receipt.experience_id == "experience-0"
        assert not receipt.is_duplicate

    def test_what_was_recorded_comes_back_whole(self, memory: Memory) -> None:
        """Every field is equal, types and order included."""
        given = example_experience(3, sources=("x",), recalled=("y",), facts={"held": None}, kind="repair")
        memory.record(given)
        [hit] = ask(memory, task=given.task, state=given.state)
        for name in ("id", "task", "state", "plan", "outcome", "state_after", "kind", "facts", "metadata"):
            assert getattr(hit.experience, name) == getattr(given, name), name
        assert (hit.experience.sources, hit.experience.recalled) == (("x",), ("y",))
        assert hit.experience.scope == given.scope
        assert hit.experience.happened_at_s == given.happened_at_s

    @pytest.mark.parametrize("text", ["", "\x00", "größe 家 🙂 \u202e", "a\n" * 500_000])
    def test_odd_texts_come_back_unchanged(self, memory: Memory, text: str) -> None:
        """Empty texts, a megabyte, control characters and emoji are stored unchanged."""
        memory.record(example_experience(task=Task(text), state=text, metadata={"note": text}))
        [hit] = ask(memory)
        assert (hit.experience.task.text, hit.experience.state) == (text, text)
        assert hit.experience.metadata == {"note": text}

    @pytest.mark.parametrize("k", [0, 1, 3])
    def test_recall_gives_at_most_k(self, memory: Memory, k: int) -> None:
        """`k` is an upper limit, 0 included."""
        record_many(memory, 5)
        assert len(ask(memory, task=Task("bring tool"), k=k)) <= k
        assert len(ask(memory, k=k)) <= k

    def test_recall_gives_a_list(self, memory: Memory) -> None:
        """The result is a list, possibly of a subclass, and equals its copy."""
        memory.record(example_experience())
        found = ask(memory)
        assert isinstance(found, list)
        assert found == list(found)

    def test_parts_add_up_to_the_score(self, memory: Memory) -> None:
        """The parts explain every score."""
        record_many(memory, 5)
        hits = ask(memory, task=Task("bring tool 2 to the bench"), state="tool 2 lies in drawer 9")
        assert all(hit.score == pytest.approx(math.fsum(hit.parts.values())) for hit in hits)

    def test_a_query_with_nothing_to_match_by_is_answered(self, memory: Memory) -> None:
        """An empty query returns experiences."""
        memory.record(example_experience())
        assert [hit.experience.id for hit in ask(memory)] == ["experience-0"]

    @pytest.mark.parametrize("number", range(13))
    def test_nothing_outside_the_filter_comes_back(self, memory: Memory, number: int) -> None:
        """Hits agree with `filters.matches`, the definition."""
        _skip_without(memory, "where")
        documents = {
            experience.id: experience_to_document(experience) for experience in record_many(memory, 30)
        }
        where = _filters()[number]
        found = {hit.experience.id for hit in ask(memory, task=Task("bring tool 4"), where=where, k=40)}
        expected = {name for name, document in documents.items() if matches(where, document)}
        assert found <= expected
        if self.is_exhaustive:
            assert found == expected

    def test_the_filter_comes_before_the_choice(self, memory: Memory) -> None:
        """One old experience passes among many better matches; filtering after the top k would lose it."""
        _skip_without(memory, "where")
        if not self.is_exhaustive:
            pytest.skip("this memory may forget the experience that the test looks for")
        memory.record(example_experience(0, metadata={"rare": True}))
        for number in range(1, 60):
            memory.record(example_experience(number, task=Task("sweep the floor")))
        hits = ask(memory, task=Task("sweep the floor"), where=Equals("metadata.rare", True), k=2)
        assert [hit.experience.id for hit in hits] == ["experience-0"]

    def test_scopes_are_compared_whole(self, memory: Memory) -> None:
        """The scope `a` matches neither `a1` nor `a.b`."""
        _skip_without(memory, "where")
        for number, agent in enumerate(["a", "a1", "a.b", ""]):
            memory.record(example_experience(number, scope=Scope(agent=agent)))
        found = ask(memory, where=Equals("scope.agent", "a"), k=10)
        assert all(hit.experience.scope.agent == "a" for hit in found)
        assert len(found) == 1 or not self.is_exhaustive

    def test_the_best_come_first_with_their_reasons(self, memory: Memory) -> None:
        """Scores are finite and descending, and every hit has a reason."""
        record_many(memory, 5)
        hits = ask(memory, task=Task("bring tool 2 to the bench"), state="tool 2 lies in drawer 9")
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert all(math.isfinite(score) for score in scores)
        assert all(hit.reason for hit in hits)

    def test_no_experience_comes_twice(self, memory: Memory) -> None:
        """A contrast that is also a good match is returned once."""
        record_many(memory, 5)
        ids = [hit.experience.id for hit in ask(memory, task=Task("bring tool"), contrast=2, k=5)]
        assert len(ids) == len(set(ids))

    def test_scores_below_the_minimum_are_left_out(self, memory: Memory) -> None:
        """`min_score` may leave no hits."""
        _skip_without(memory, "min_score")
        record_many(memory, 5)
        all_hits = ask(memory, task=Task("bring tool 2"), k=5)
        bound = all_hits[0].score
        assert all(hit.score >= bound for hit in ask(memory, task=Task("bring tool 2"), k=5, min_score=bound))
        assert ask(memory, task=Task("bring tool 2"), k=5, min_score=math.inf) == []

    def test_recording_twice_keeps_one(self, memory: Memory) -> None:
        """A retry after a lost acknowledgement must not duplicate an experience."""
        memory.record(example_experience())
        again = memory.record(example_experience())
        assert again.experience_id == "experience-0"
        assert len(ask(memory, k=10)) == 1

    def test_what_was_recalled_is_not_new_when_recorded_again(self, memory: Memory) -> None:
        """Recording a recalled experience again adds nothing."""
        memory.record(example_experience())
        [hit] = ask(memory)
        memory.record(hit.experience)
        assert len(ask(memory, k=10)) == 1

    def test_an_id_with_other_content_is_refused(self, memory: Memory) -> None:
        """The first content stays: recorded experience is never rewritten."""
        memory.record(example_experience(state="first"))
        with pytest.raises(ConflictingId, match="experience-0"):
            memory.record(example_experience(state="second"))
        assert [hit.experience.state for hit in ask(memory, k=10)] == ["first"]

    def test_feedback_on_what_was_recorded_is_taken(self, memory: Memory) -> None:
        """Positive and negative feedback are accepted, and neither becomes an experience."""
        memory.record(example_experience())
        memory.feedback("experience-0", helped=True)
        memory.feedback("experience-0", helped=False)
        assert len(ask(memory, k=10)) == 1

    def test_feedback_on_what_was_never_recorded_is_refused(self, memory: Memory) -> None:
        """Feedback on an unknown id must not be dropped silently."""
        memory.record(example_experience())
        with pytest.raises(UnknownName):
            memory.feedback("experience-9", helped=True)

    def test_what_comes_after_the_horizon_is_not_seen(self, memory: Memory) -> None:
        """Later entries are not hits and do not affect the scores of other hits."""
        if not isinstance(memory, HasHorizon):
            pytest.skip("this memory has no horizon")
        record_many(memory, 3)
        horizon = memory.horizon()
        before = _summary(ask(memory, task=Task("bring tool 1"), as_of=horizon))
        memory.record(example_experience(1, id="later"))
        memory.record(example_experience(9, task=Task("bring bring bring")))
        memory.feedback("experience-0", helped=False)
        assert _summary(ask(memory, task=Task("bring tool 1"), as_of=horizon)) == before
        assert memory.horizon() > horizon

    def test_what_is_withdrawn_is_neither_recalled_nor_voted_on_nor_acknowledged_again(
        self, memory: Memory
    ) -> None:
        """A receipt or vote for a hidden experience would be lost silently."""
        if not isinstance(memory, HasHorizon) or not isinstance(memory, CanWithdraw):
            pytest.skip("this memory cannot withdraw")
        horizon = memory.horizon()
        memory.record(example_experience())
        memory.withdraw(horizon)
        assert ask(memory, k=10) == []
        with pytest.raises(UnknownName):
            memory.feedback("experience-0", helped=True)
        with pytest.raises(ConflictingId):
            memory.record(example_experience())

    def test_a_kept_image_is_named_by_the_experience_recorded_next(self, memory: Memory) -> None:
        """Equal images have equal digests, and the experience comes back with its attachment."""
        if not isinstance(memory, KeepsImages):
            pytest.skip("this memory keeps no images")
        image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
        attachment = memory.keep_image(image, role="front")
        assert attachment.role == "front"
        assert memory.keep_image(image, role="front") == attachment
        assert memory.keep_image(image + np.uint8(1), role="front").digest != attachment.digest
        memory.record(example_experience(attachments=(attachment,)))
        [hit] = ask(memory)
        assert hit.experience.attachments == (attachment,)

    def test_recalling_writes_nothing(self, memory: Memory) -> None:
        """Recall does not change the log."""
        if not isinstance(memory, HasHorizon):
            pytest.skip("this memory has no horizon")
        record_many(memory, 3)
        horizon = memory.horizon()
        ask(memory, task=Task("bring tool 1"), contrast=1)
        assert memory.horizon() == horizon


def _skip_without(memory: Memory, field: str) -> None:
    if field not in answers_of(memory):
        pytest.skip(f"this memory does not answer {field!r}")


def _summary(hits: list[Recalled]) -> list[tuple[str, float]]:
    return [(hit.experience.id, hit.score) for hit in hits]


def _filters() -> list[Where]:
    return [
        Equals("outcome.status", "success"),
        In("task.kind", ("Bring-v0", "Bring-v2")),
        Between("outcome.steps", 5, 12),
        Not(Equals("scope.place", "room 1")),
        all_of(Equals("outcome.status", "failure"), Equals("metadata.floor", 2)),
        Or((Equals("task.instance", "Bring#7"), Equals("id", "experience-11"))),
        Equals("metadata.is_noisy", True),
        Equals("metadata.is_noisy", 1),
        before(1_012.0),
        after(1_025.0),
        Near("metadata.at_m", (10.0, 1.0), 3.0),
        Equals(join_path(("metadata", "v1.2")), 2),
        In("metadata.tags.*", (4, 7)),
    ]
