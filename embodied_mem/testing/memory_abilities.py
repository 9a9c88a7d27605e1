"""Tests of what a memory may be able to do besides: keep experiences on disk, take a batch, be closed."""

from typing import Any

import pytest

from embodied_mem.contracts import CanClose, CanRecordAll, Memory
from embodied_mem.errors import ConflictingId
from embodied_mem.records.experience import Receipt
from embodied_mem.testing.example_experiences import ask, example_experience, record_many


class MemoryAbilities:
    """Tests of optional abilities; part of `MemoryContract`."""

    is_exhaustive = True

    def reopen(self, memory: Any) -> Memory:
        """Open the storage of a memory again, as another process would after a kill: without closing it.

        Override this for a memory that keeps what it acknowledged.
        """
        pytest.skip("this memory does not claim to be durable; if it is, override reopen")

    def test_what_was_acknowledged_is_there_when_opened_again(self, memory: Memory) -> None:
        """Content, order and refusals are those from before."""
        given = record_many(memory, 5)
        for experience in given:
            memory.record(experience).wait()
        memory.feedback("experience-3", helped=True)
        before = ask(memory, task=given[2].task, k=5)
        again = self.reopen(memory)
        assert ask(again, task=given[2].task, k=5) == before
        assert len(before) == 5 or not self.is_exhaustive
        assert again.record(given[4]).is_duplicate
        with pytest.raises(ConflictingId):
            again.record(example_experience(4, state="other"))

    def test_a_batch_gives_a_receipt_each_in_order(self, memory: Memory) -> None:
        """What is stored already is a duplicate; an empty batch is allowed."""
        batching = _batching(memory)
        first, second = example_experience(1), example_experience(2)
        assert batching.record_all([]) == []
        assert _names(batching.record_all([second])) == [("experience-2", False)]
        receipts = batching.record_all([first, second])
        assert _names(receipts) == [("experience-1", False), ("experience-2", True)]
        assert len(ask(memory, k=10)) == 2 or not self.is_exhaustive

    def test_a_batch_is_stored_whole_or_not_at_all(self, memory: Memory) -> None:
        """One conflicting id rejects all."""
        batching = _batching(memory)
        memory.record(example_experience(1))
        with pytest.raises(ConflictingId, match="experience-1"):
            batching.record_all([example_experience(0), example_experience(1, state="other")])
        assert [hit.experience.id for hit in ask(memory, k=10)] == ["experience-1"]

    def test_closing_twice_is_allowed(self, memory: Memory) -> None:
        """The second call does nothing."""
        if not isinstance(memory, CanClose):
            pytest.skip("this memory cannot be closed")
        memory.record(example_experience())
        memory.close()
        memory.close()


def _batching(memory: Memory) -> CanRecordAll:
    if not isinstance(memory, CanRecordAll):
        pytest.skip("this memory takes no batches")
    return memory


def _names(receipts: list[Receipt]) -> list[tuple[str, bool]]:
    return [(receipt.experience_id, receipt.is_duplicate) for receipt in receipts]
