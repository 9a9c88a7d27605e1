import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidQuery, StoreError, UnknownName
from embodied_mem.store.upkeep.archiving import archive, archived_ids, restore


def test_what_is_archived_stays_in_the_log_and_is_found_by_its_id(kitchen):
    kitchen.record("cup")
    assert archive(kitchen.backend, ["cup"], reason="too old", at_s=5.0) == ["cup"]
    [entry] = kitchen.backend.entries_about("cup")
    assert entry.entry.payload == {"experience_id": "cup", "reason": "too old", "at_s": 5.0}
    assert kitchen.backend.get(["cup"])[0].entry.id == "cup"
    assert archived_ids(kitchen.backend) == ["cup"]


def test_archiving_twice_writes_once(kitchen):
    kitchen.record("cup")
    kitchen.record("mug")
    archive(kitchen.backend, ["cup", "cup"], at_s=1.0)
    assert archive(kitchen.backend, ["cup", "mug"], at_s=2.0) == ["mug"]
    assert kitchen.kinds().archive == 2
    assert archived_ids(kitchen.backend) == ["cup", "mug"]


def test_restoring_undoes_it_and_it_can_be_archived_again(kitchen):
    kitchen.record("cup")
    assert restore(kitchen.backend, ["cup"], at_s=1.0) == []
    archive(kitchen.backend, ["cup"], at_s=2.0)
    assert restore(kitchen.backend, ["cup"], at_s=3.0) == ["cup"]
    assert archived_ids(kitchen.backend) == []
    assert archive(kitchen.backend, ["cup"], at_s=4.0) == ["cup"]
    assert archived_ids(kitchen.backend) == ["cup"]


@pytest.mark.parametrize("change", [archive, restore])
def test_an_unknown_id_is_refused_with_the_near_ones_and_nothing_is_changed(kitchen, change):
    kitchen.record("kitchen-cup")
    archive(kitchen.backend, ["kitchen-cup"] if change is restore else [], at_s=0.0)
    last = kitchen.backend.last_sequence()
    with pytest.raises(UnknownName, match=r"has id 'kitchen-cap'.* did you mean 'kitchen-cup'"):
        change(kitchen.backend, ["kitchen-cup", "kitchen-cap"], at_s=1.0)
    assert kitchen.backend.last_sequence() == last


def test_the_id_of_feedback_is_no_experience(kitchen):
    kitchen.record("cup")
    kitchen.memory.feedback("cup", helped=True)
    [feedback] = kitchen.backend.entries_about("cup")
    with pytest.raises(UnknownName):
        archive(kitchen.backend, [feedback.entry.id], at_s=1.0)


def test_a_withdrawn_experience_cannot_be_archived(kitchen):
    kitchen.record("cup")
    kitchen.memory.withdraw(0)
    with pytest.raises(UnknownName, match="withdrawn"):
        archive(kitchen.backend, ["cup"], at_s=1.0)


def test_an_archiving_that_was_withdrawn_does_not_count(kitchen):
    kitchen.record("cup")
    horizon = kitchen.memory.horizon()
    archive(kitchen.backend, ["cup"], at_s=1.0)
    kitchen.memory.withdraw(horizon)
    assert archived_ids(kitchen.backend) == []
    assert archive(kitchen.backend, ["cup"], at_s=2.0) == ["cup"]


def test_a_text_is_not_taken_for_a_list_of_ids(kitchen):
    with pytest.raises(InvalidQuery, match="expected a list of ids"):
        archive(kitchen.backend, "cup", at_s=1.0)


def test_a_reader_cannot_archive(kitchen):
    kitchen.record("cup")
    with (
        SqliteBackend(kitchen.backend.path, read_only=True) as reader,
        pytest.raises(StoreError, match="open for reading only"),
    ):
        archive(reader, ["cup"], at_s=1.0)
