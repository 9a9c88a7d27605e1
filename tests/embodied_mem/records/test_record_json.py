import json
from typing import Any

import numpy as np
import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import Experience, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.episodes import DecisionRecord, RecallRecord, Reflection
from embodied_mem.records.filters import And, Between, Equals, In, Near, Not, Or
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.queries import Query, observation_vector
from embodied_mem.records.record_json import record_from_json, record_to_json
from embodied_mem.records.skills import SkillResult, SkillStatus

GO = SkillCall("go_to", {"object": "chest", "fast": True, "path": [1, {"x": None}]}, count=2)
SEEN = ObservationRecord(
    text="a door", facts={"held": None, "visible": ["key"]}, pose=(0.5, 1.0), images={"front": "ab" * 32}
)
CALL = CallRecord(
    call=GO,
    result=SkillResult(status=SkillStatus.FAILURE, reason="locked", obstacle="closed", subjects=("door",)),
    first_step=0,
    last_step=2,
    decision=0,
    before=SEEN,
    after=SEEN,
    reward=None,
)
HIT = RecallRecord(experience_id="m1", score=0.5, parts={"state": 0.5}, reason="best match", is_leak=True)
EXPERIENCE = Experience(task=Task("open", kind="door"), plan=(GO,), outcome=Outcome(status=Status.SUCCESS))
FILTER = And(
    (
        Or((Equals("kind", "repair"), In("outcome.status", ("success", "failure")))),
        Not(Between("happened_at_s", 1.0, None)),
        Near("position_m", (1.0, 2.0), 3.0),
    )
)


@pytest.mark.parametrize(
    "record",
    [
        Task("open the door", kind="door", instance="door#1"),
        GO,
        CALL,
        DecisionRecord(
            index=1,
            step=2,
            trigger="failure",
            plan=(GO,),
            recalled=(HIT,),
            shown=("m1",),
            cost={"usd": 0.5},  # type: ignore[arg-type]
        ),
        Outcome(status=Status.TIMEOUT, reward=-1.5, steps=3, cost={"tokens": 4.0}),
        Reflection(experiences=(EXPERIENCE,), feedback={"m1": False}, cost={"usd": 1.0}),
        Recalled(experience=EXPERIENCE, score=0.25, parts={"task": 0.25}, reason="best match", n_alike=3),
        Query(task=Task("open"), where=FILTER, k=3, min_score=-float("inf"), as_of=7),
        Query(vectors=(observation_vector(np.arange(4.0)),), order="last"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    travelled = json.loads(json.dumps(record_to_json(record)))
    assert record_from_json(type(record), travelled) == record


def test_pixels_come_back_as_they_were() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    again = record_from_json(np.ndarray, json.loads(json.dumps(record_to_json(image))))
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, image)


@pytest.mark.parametrize("document", [None, 3, {"text": "x", "colour": "red"}, {}])
def test_a_document_of_something_else_is_refused(document: Any) -> None:
    with pytest.raises(InvalidRecord, match="not a Task"):
        record_from_json(Task, document)
