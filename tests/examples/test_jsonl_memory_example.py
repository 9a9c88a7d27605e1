"""examples/jsonl_memory.py passes its contract, survives a kill, and is what docs/write-a-memory.md shows."""

import re
from pathlib import Path

import pytest
from jsonl_memory import JsonlMemory
from test_jsonl_memory import TestJsonlMemory  # noqa: F401 - its tests are run here

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.queries import Query
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.testing.memory import example_experience

ROOT = Path(__file__).parents[2]
MAX_CODE_LINES = 100
VECTOR = FieldVector(field="x", space=Space(name="x", version="1", dimension=1, config_hash=""), values=[1.0])
ASKED = {"vectors": (VECTOR,), "order": "last", "diversity": 0.5, "distinct": True, "include_archived": True}


def test_what_was_recorded_is_there_after_reopening(tmp_path):
    memory = JsonlMemory(tmp_path / "notes" / "a.jsonl")
    memory.record(example_experience(1))
    memory.feedback("experience-1", helped=True)
    again = JsonlMemory(tmp_path / "notes" / "a.jsonl")
    [hit] = again.recall(Query())
    assert hit.experience == example_experience(1)
    assert hit.parts["votes"] > 0


def test_a_line_that_a_kill_has_torn_is_dropped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    JsonlMemory(path).record(example_experience(1))
    with path.open("a") as file:
        file.write('{"id": "experience-2", "ta')
    JsonlMemory(path).record(example_experience(3))
    found = JsonlMemory(path).recall(Query())
    assert {hit.experience.id for hit in found} == {"experience-1", "experience-3"}


@pytest.mark.parametrize("name", ASKED)
def test_a_field_that_it_cannot_answer_is_refused_by_name(tmp_path, name):
    with pytest.raises(InvalidQuery, match=name):
        JsonlMemory(tmp_path / "a.jsonl").recall(Query(**{name: ASKED[name]}))


def test_the_page_shows_the_file_and_stays_short():
    page = (ROOT / "docs" / "write-a-memory.md").read_text("utf-8")
    assert (ROOT / "examples" / "jsonl_memory.py").read_text("utf-8") in page
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    assert sum(bool(line.strip()) for block in blocks for line in block.splitlines()) < MAX_CODE_LINES
