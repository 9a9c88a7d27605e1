import pytest

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting import (
    ARCHIVE_BELOW,
    Ebbinghaus,
    Fifo,
    KeepAll,
    Lfu,
    Lru,
    Utility,
    WTinyLfu,
)
from embodied_mem.records import Scope, Task
from embodied_mem.records.filters import Equals
from embodied_mem.store.upkeep.archiving import archive, archived_ids, restore
from embodied_mem.store.upkeep.forget import forget, tell


def names(n):
    return [f"e{i}" for i in range(n)]


def forgotten(kitchen, policy, **options):
    return forget(kitchen.backend, policy, at_s=9_000.0, **options)


def test_the_weakest_are_archived_until_few_enough_are_left(kitchen):
    for name in names(5):
        kitchen.record(name)
    assert forgotten(kitchen, Fifo(), keep=2) == ["e0", "e1", "e2"]
    assert archived_ids(kitchen.backend) == ["e0", "e1", "e2"]
    assert kitchen.kinds().experience == 5  # nothing is purged


def test_forgetting_again_archives_nothing_more(kitchen):
    for name in names(5):
        kitchen.record(name)
    forgotten(kitchen, Lru(), keep=2)
    assert forgotten(kitchen, Lru(), keep=2) == []


def test_the_same_log_and_policy_let_go_of_the_same(kitchen, tmp_path):
    policies = [Fifo, Lru, Lfu, Ebbinghaus, Utility, lambda: WTinyLfu(4)]
    for number, name in enumerate(names(12)):
        kitchen.record(name, fails=number % 3 == 0, recalled=(f"e{number // 2}",))
        kitchen.memory.feedback(f"e{number // 2}", helped=number % 2 == 0)
    for make in policies:
        gone = forgotten(kitchen, make(), keep=4)
        restore(kitchen.backend, gone, at_s=0.0)
        kitchen.memory.withdraw(24)  # as if it had not been done
        assert forgotten(kitchen, make(), keep=4) == gone
        assert len(gone) == 8
        kitchen.memory.withdraw(24)


def test_what_a_later_experience_recalled_was_used(kitchen):
    kitchen.record("a")
    kitchen.record("b")
    kitchen.record("c", recalled=("a",))
    assert forgotten(kitchen, Lru(), keep=2) == ["b"]


def test_feedback_is_told_with_whether_it_helped(kitchen):
    for name in names(3):
        kitchen.record(name)
    kitchen.memory.feedback("e0", helped=True)
    kitchen.memory.feedback("e2", helped=False)
    assert forgotten(kitchen, Utility(), keep=1) == ["e2", "e1"]


def test_failures_fade_more_slowly_under_ebbinghaus(kitchen):
    kitchen.record("failure", fails=True)
    kitchen.record("success")
    kitchen.record("last")
    # exp(-2) is 0.14 for the success; exp(-3 / 2) is 0.22 for the failure, though it is one episode older.
    assert forgotten(kitchen, Ebbinghaus(), keep=2) == ["success"]


def test_a_threshold_archives_what_is_below_it(kitchen):
    for name in names(4):
        kitchen.record(name, fails=name == "e2")
    # Ages 4, 3, 2 and 1 episodes; the failure's exp(-2/2) is above 0.3.
    assert forgotten(kitchen, Ebbinghaus(), below=ARCHIVE_BELOW) == ["e0", "e1"]


def test_a_number_and_a_threshold_hold_together(kitchen):
    for name in names(4):
        kitchen.record(name)
    assert forgotten(kitchen, Ebbinghaus(), below=ARCHIVE_BELOW, keep=0) == names(4)


def test_what_does_not_end_an_episode_does_not_age_the_rest(kitchen):
    kitchen.record("episode")
    for name in names(5):
        kitchen.record(name, kind="note")
    assert forgotten(kitchen, Ebbinghaus(), below=ARCHIVE_BELOW) == []


def test_only_what_is_in_question_is_counted_and_archived(kitchen):
    for name in names(4):
        kitchen.record(name, kind="note" if name in ("e0", "e1") else "episode")
    kitchen.record("other", scope=Scope(agent="b"))
    assert forgotten(kitchen, Fifo(), keep=1, kind="episode", where=Equals("scope.agent", "")) == ["e2"]


def test_uses_by_experiences_that_are_not_in_question_count(kitchen):
    kitchen.record("a")
    kitchen.record("b")
    kitchen.record("note", kind="note", recalled=("a",))
    assert forgotten(kitchen, Lru(), keep=1, kind="episode") == ["b"]


def test_none_forgets_nothing(kitchen):
    for name in names(4):
        kitchen.record(name)
    assert forgotten(kitchen, KeepAll(), keep=0) == []


def test_the_archived_are_not_counted_and_the_restored_are_new(kitchen):
    for name in names(4):
        kitchen.record(name)
    archive(kitchen.backend, ["e3", "e0"], at_s=0.0)
    restore(kitchen.backend, ["e0"], at_s=0.0)
    assert forgotten(kitchen, Fifo(), keep=2) == ["e1"]


def test_the_withdrawn_neither_counts_nor_is_a_use(kitchen):
    for name in names(3):
        kitchen.record(name)
    horizon = kitchen.memory.horizon()
    kitchen.record("attempt", recalled=("e0",))
    kitchen.memory.feedback("e1", helped=True)
    kitchen.memory.withdraw(horizon)
    assert forgotten(kitchen, Lru(), keep=2) == ["e0"]


@pytest.mark.parametrize(("unit", "end"), [("episodes", 3.0), ("entries", 4.0), ("seconds", 1_002.0)])
def test_times_are_in_the_unit_that_is_stated(kitchen, unit, end):
    policy = Fifo()
    for name in names(3):
        kitchen.record(name)
    kitchen.record("note", kind="note", happened_at_s=5.0)  # the clock went back, and counts as standing
    assert tell(kitchen.backend, policy, unit=unit) == end
    at = list(policy.retention(at=end).values())
    assert (
        at == {"episodes": [0, 1, 2, 3], "entries": [1, 2, 3, 4], "seconds": [1000, 1001, 1002, 1002]}[unit]
    )


def test_in_seconds_retention_is_asked_for_now(kitchen):
    kitchen.record("cup")
    hour_s = Ebbinghaus(initial_strength=3_600.0)
    assert forgotten(kitchen, hour_s, below=ARCHIVE_BELOW, unit="seconds", now=1_000.0 + 4_000) == []
    hour_s = Ebbinghaus(initial_strength=3_600.0)
    assert forgotten(kitchen, hour_s, below=ARCHIVE_BELOW, unit="seconds") == ["cup"]


def test_surprising_outcomes_are_worth_more_before_they_are_used(kitchen):
    for name in names(6):
        kitchen.record(name)
    kitchen.record("surprise", fails=True)
    kitchen.record("other kind", task=Task("sing", kind="Sing-v0"))
    gone = forgotten(kitchen, Utility(), keep=0)
    assert gone.index("surprise") > gone.index("e5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither keep nor below"),
        ({"keep": -1}, "keep is -1"),
        ({"keep": True}, "keep is True"),
        ({"keep": 1, "unit": "days"}, "unit is 'days'; expected one of episodes"),
        ({"below": float("nan")}, "below is nan"),
    ],
)
def test_what_means_nothing_is_refused(kitchen, options, message):
    with pytest.raises(InvalidQuery, match=message):
        forgotten(kitchen, Fifo(), **options)
