"""Tests that a memory answers the fields of a query that it declares, and rejects the others by name."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from embodied_mem.contracts import DeclaresAnswers, HasHorizon, Memory
from embodied_mem.errors import UnanswerableQuery
from embodied_mem.records.answers import EVERY_FIELD
from embodied_mem.records.experience import Experience, Outcome, Recalled, Status, Task
from embodied_mem.records.filters import Equals
from embodied_mem.records.queries import Query
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.testing.example_experiences import ANY_SCORE, example_experience, record_many

_SPACE = Space(name="example", version="1", dimension=2)


class QueryFieldTests:
    """Tests of the fields of a query; part of `MemoryContract`, for a memory that declares `answers`."""

    is_exhaustive = True

    def archive(self, memory: Any, experience_id: str) -> None:
        """Archive an experience; override this for a memory that answers `include_archived`."""
        pytest.skip("to test include_archived, override archive")

    def test_what_it_declares_are_fields_of_a_query(self, memory: Memory) -> None:
        """A memory with a horizon answers `as_of`, which the agent loop sets."""
        answers = _declared(memory)
        assert not answers - EVERY_FIELD
        assert "as_of" in answers or not isinstance(memory, HasHorizon)

    @pytest.mark.parametrize("field", sorted(EVERY_FIELD))
    def test_a_field_that_it_answers_changes_or_bounds_the_result(self, memory: Memory, field: str) -> None:
        """A field that makes no difference would be ignored silently."""
        if field not in _declared(memory):
            pytest.skip(f"this memory does not answer {field!r}")
        if not self.is_exhaustive:
            pytest.skip("this memory may forget the experiences that the test compares")
        if field == "include_archived":
            record_many(memory, 3)
            self.archive(memory, "experience-1")
            assert "experience-1" not in _ids(_recall(memory, k=9))
            assert "experience-1" in _ids(_recall(memory, k=9, include_archived=True))
        else:
            _CHECKS[field](memory)

    def test_a_field_that_it_does_not_answer_is_rejected_by_name(self, memory: Memory) -> None:
        """Otherwise a planner would act on an answer to another question."""
        memory.record(example_experience())
        for field in sorted(EVERY_FIELD - _declared(memory)):
            with pytest.raises(UnanswerableQuery, match=rf"\b{field}\b"):
                memory.recall(Query(**{field: _ASKING[field]}))


_ASKING: Mapping[str, Any] = {
    "text": "tool",
    "task": Task("bring tool 1 to the bench"),
    "state": "tool 1 lies in drawer 8",
    "vectors": (FieldVector(field="meaning", space=_SPACE, values=np.ones(2, np.float32)),),
    "where": Equals("kind", "repair"),
    "min_score": 0.5,
    "min_similarity": {"task": 0.5},
    "weights": {"task": 0.5},
    "contrast": 1,
    "as_of": 1,
    "as_of_s": 1.0,
    "order": "last",
    "diversity": 0.5,
    "distinct": True,
    "include_archived": True,
}


def _check_text(memory: Memory) -> None:
    _check_likeness(memory, lambda number: {"text": f"bring tool {number} to the bench"})


def _check_task(memory: Memory) -> None:
    _check_likeness(memory, lambda number: {"task": Task(f"bring tool {number} to the bench")})


def _check_state(memory: Memory) -> None:
    _check_likeness(memory, lambda number: {"state": f"tool {number} lies in drawer {number + 7}"})


def _check_vectors(memory: Memory) -> None:
    for number in range(4):
        memory.record(example_experience(number, vectors=(_vector(number),)))
    assert _scores(_recall(memory, vectors=(_vector(0),))) != _scores(_recall(memory, vectors=(_vector(3),)))


def _check_likeness(memory: Memory, asked: Callable[[int], dict[str, Any]]) -> None:
    record_many(memory, 4)
    assert _scores(_recall(memory, **asked(0))) != _scores(_recall(memory, **asked(3)))


def _check_where(memory: Memory) -> None:
    record_many(memory, 4)
    assert _ids(_recall(memory, where=Equals("metadata.floor", 2))) == {"experience-2"}


def _check_k(memory: Memory) -> None:
    record_many(memory, 4)
    assert [len(_recall(memory, k=k)) for k in (0, 1, 3)] == [0, 1, 3]


def _check_min_score(memory: Memory) -> None:
    record_many(memory, 4)
    assert _recall(memory)
    assert _recall(memory, min_score=math.inf) == []


def _check_min_similarity(memory: Memory) -> None:
    record_many(memory, 4)
    query = _matched(memory, "bring tool 0 to the bench")
    [part] = query or pytest.fail("a memory that answers min_similarity answers task or text")
    assert len(_recall(memory, k=9, **query)) == 4
    assert _ids(_recall(memory, k=9, min_similarity={part: 0.999}, **query)) == {"experience-0"}


def _check_weights(memory: Memory) -> None:
    record_many(memory, 4)
    query = _matched(memory, "bring tool 0 to the bench")
    [part] = query or pytest.fail("a memory that answers weights answers task or text")
    plain, doubled = (
        _recall(memory, k=1, weights={part: weight}, **query)[0].parts[part] for weight in (1.0, 2.0)
    )
    assert doubled == pytest.approx(2 * plain)


def _check_contrast(memory: Memory) -> None:
    _record(memory, "failed", "bring the hammer", status=Status.FAILURE)
    for number in range(4):
        _record(memory, f"done {number}", "bring the hammer to the bench", status=Status.SUCCESS)
    query = _matched(memory, "bring the hammer to the bench")
    assert "failed" not in _ids(_recall(memory, k=2, **query))
    assert "failed" in _ids(_recall(memory, k=2, contrast=1, **query))


def _check_as_of(memory: Memory) -> None:
    sequences = [memory.record(example_experience(number)).wait() for number in range(4)]
    assert None not in sequences, "a memory that answers as_of gives each record a sequence number"
    assert _ids(_recall(memory, as_of=sequences[1], k=9)) == {"experience-0", "experience-1"}
    assert _recall(memory, as_of=0) == []


def _check_as_of_s(memory: Memory) -> None:
    record_many(memory, 4)
    assert len(_recall(memory, as_of_s=1e15, k=9)) == 4
    assert _recall(memory, as_of_s=-1.0) == []


def _check_order(memory: Memory) -> None:
    for number in (2, 0, 3, 1):
        memory.record(example_experience(number))
    earliest, latest = (_recall(memory, order=order, k=9) for order in ("first", "last"))
    assert [hit.experience.id for hit in earliest] == [f"experience-{n}" for n in range(4)]
    assert [hit.experience.id for hit in latest] == [f"experience-{n}" for n in (3, 2, 1, 0)]


def _check_diversity(memory: Memory) -> None:
    _record_alike(memory)
    query = _matched(memory, "sweep the floor of the hall")
    assert "other" not in _ids(_recall(memory, k=2, **query))
    assert "other" in _ids(_recall(memory, k=2, diversity=1.0, **query))


def _check_distinct(memory: Memory) -> None:
    _record_alike(memory)
    assert len(_recall(memory, k=9)) == 5
    assert len(_recall(memory, k=9, distinct=True)) == 2


_CHECKS: Mapping[str, Callable[[Memory], None]] = {
    "text": _check_text,
    "task": _check_task,
    "state": _check_state,
    "vectors": _check_vectors,
    "where": _check_where,
    "k": _check_k,
    "min_score": _check_min_score,
    "min_similarity": _check_min_similarity,
    "weights": _check_weights,
    "contrast": _check_contrast,
    "as_of": _check_as_of,
    "as_of_s": _check_as_of_s,
    "order": _check_order,
    "diversity": _check_diversity,
    "distinct": _check_distinct,
}


def _declared(memory: Memory) -> frozenset[str]:
    if not isinstance(memory, DeclaresAnswers):
        pytest.skip("this memory does not declare which fields of a query it answers")
    return frozenset(memory.answers) | {"k"}


def _recall(memory: Memory, **fields: Any) -> list[Recalled]:
    return memory.recall(Query(**{"min_score": ANY_SCORE, **fields}))


def _matched(memory: Memory, task: str) -> dict[str, Any]:
    """Return a field to match by, so that there are best matches; none if the memory answers none."""
    answers = _declared(memory)
    return {"task": Task(task)} if "task" in answers else {"text": task} if "text" in answers else {}


def _record(memory: Memory, name: str, task: str, *, status: Status) -> None:
    outcome = Outcome(status=status)
    memory.record(Experience(id=name, task=Task(task), state="a hammer", outcome=outcome, happened_at_s=1.0))


def _record_alike(memory: Memory) -> None:
    """Record one experience and four near duplicates of another."""
    _record(memory, "other", "water the plants", status=Status.SUCCESS)
    for number in range(4):
        _record(memory, f"alike {number}", "sweep the floor of the hall", status=Status.SUCCESS)


def _vector(number: int) -> FieldVector:
    values = np.array([1.0, number], np.float32)
    return FieldVector(field="meaning", space=_SPACE, values=values)


def _ids(hits: list[Recalled]) -> set[str]:
    return {hit.experience.id for hit in hits}


def _scores(hits: list[Recalled]) -> list[tuple[str, float]]:
    return [(hit.experience.id, hit.score) for hit in hits]
