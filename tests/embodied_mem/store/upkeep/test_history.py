import pytest

from embodied_mem.errors import UnknownName
from embodied_mem.store.upkeep.archiving import archive, restore
from embodied_mem.store.upkeep.history import ChangeKind, history
from embodied_mem.store.upkeep.purge import purge


def told(kitchen, name="cup"):
    return [(change.kind, change.reason or change.by) for change in history(kitchen.backend, name)]


def test_everything_that_happened_is_told_in_order(kitchen):
    kitchen.record("cup")
    kitchen.record("mug", recalled=("cup",))
    kitchen.memory.feedback("cup", helped=True)
    archive(kitchen.backend, ["cup"], reason="rarely used", at_s=7.0)
    restore(kitchen.backend, ["cup"], reason="asked for", at_s=8.0)
    kitchen.memory.feedback("cup", helped=False)
    assert told(kitchen) == [
        ("recorded", ""),
        ("used", "mug"),
        ("feedback", "it helped"),
        ("archived", "rarely used"),
        ("restored", "asked for"),
        ("feedback", "it did not help"),
    ]


def test_each_change_has_its_place_and_time(kitchen):
    kitchen.record("cup")
    archive(kitchen.backend, ["cup"], at_s=7.0)
    recorded, archived = history(kitchen.backend, "cup")
    assert (recorded.sequence, archived.sequence) == (1, 2)
    assert recorded.at_s == kitchen.backend.recorded_at(1)
    assert archived.at_s == 7.0


def test_a_withdrawal_is_told_and_marks_what_it_took(kitchen):
    kitchen.record("cup")
    horizon = kitchen.memory.horizon()
    kitchen.record("attempt", recalled=("cup",))
    kitchen.memory.feedback("cup", helped=True)
    kitchen.memory.withdraw(horizon)
    assert [(c.kind, c.is_withdrawn) for c in history(kitchen.backend, "cup")] == [
        ("recorded", False),
        ("used", True),
        ("feedback", True),
    ]
    assert [(c.kind, c.is_withdrawn) for c in history(kitchen.backend, "attempt")] == [
        ("recorded", True),
        ("withdrawn", False),
    ]


def test_of_a_purged_experience_the_purge_is_told(kitchen):
    kitchen.record("cup")
    kitchen.record("mug", recalled=("cup",))
    purge(kitchen.backend, kitchen.path, ["cup"], at_s=9.0)
    changes = history(kitchen.backend, "cup")
    assert [change.kind for change in changes] == [ChangeKind.USED, ChangeKind.PURGED]
    assert changes[-1].at_s == 9.0


def test_an_id_that_was_never_here_is_unknown(kitchen):
    kitchen.record("cup")
    with pytest.raises(UnknownName, match="did you mean 'cup'"):
        history(kitchen.backend, "cap")
