import numpy as np
import pytest

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting import KeepAll, Lru
from embodied_mem.records import Experience, Task
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.json_values import canonical
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store.upkeep.archiving import archive, archived_ids
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.retention import Retention, apply_retention


def names(n):
    return [f"e{i}" for i in range(n)]


def applied(kitchen, *rules, now_s=1_100.0, **options):
    return apply_retention(kitchen.backend, kitchen.path, rules, now_s=now_s, **options)


@pytest.fixture
def five(kitchen):
    """Five episodes of seconds 1,000 to 1,004, and a note."""
    for name in names(5):
        kitchen.record(name)
    kitchen.record("note", kind="note")
    return kitchen


def test_beyond_the_count_the_oldest_are_archived(five):
    report = applied(five, Retention(kind="episode", max_count=3))
    assert report.gone == ("e0", "e1")
    assert dict(report.kinds[0].because) == {"e0": "count", "e1": "count"}
    assert (report.kinds[0].n_before, report.action, report.purge) == (5, "archive", None)
    assert archived_ids(five.backend) == ["e0", "e1"]
    assert len(five.ids()) == 6


def test_the_policy_says_which_go(five):
    five.record("late", recalled=("e0", "e1"))
    assert applied(five, Retention(kind="episode", max_count=3), policy=Lru).gone == ("e2", "e3", "e4")


def test_what_is_too_old_goes_whatever_the_policy_says(five):
    rule = Retention(kind="episode", max_age_s=98.0)
    report = applied(five, rule, policy=KeepAll)
    assert report.gone == ("e0", "e1")  # 100 and 99 seconds old; exactly 98 may stay
    assert set(report.kinds[0].because.values()) == {"age"}


def test_none_lets_go_of_nothing_by_count_or_size(five):
    assert applied(five, Retention(kind="episode", max_count=0, max_bytes=0), policy=KeepAll).gone == ()


def test_applying_it_again_changes_nothing(five):
    rules = [Retention(kind="episode", max_count=3, max_age_s=97.0), Retention(kind="note", max_count=0)]
    assert applied(five, *rules).gone == ("e0", "e1", "e2", "note")
    assert applied(five, *rules).gone == ()


def test_other_kinds_are_left_alone(five):
    assert applied(five, Retention(kind="note", max_count=0)).gone == ("note",)


def test_the_size_is_that_of_payload_texts_vectors_and_attachments(kitchen):
    file = AttachmentStore(kitchen.path / "attachments").put(b"x" * 700, role="image", media_type="image/png")
    vector = FieldVector(field="v", space=Space(name="s", version="1", dimension=50), values=np.ones(50))
    given = Experience(
        id="größe",
        task=Task("täsk"),
        state="state",
        vectors=(vector,),
        attachments=(file, file.__class__(role="depth", digest=file.digest, media_type="image/png")),
        happened_at_s=1.0,
    )
    kitchen.memory.record(given)
    [report] = applied(kitchen, Retention(kind="episode")).kinds
    payload = len(canonical(experience_to_document(given)).encode())
    assert report.bytes_before == payload + len("täskstate".encode()) + 50 * 4 + 700
    assert report.bytes_after == report.bytes_before


def test_beyond_the_bytes_the_first_go_until_the_rest_fits(five):
    [whole] = applied(five, Retention(kind="episode")).kinds
    one = whole.bytes_before // 5
    [report] = applied(five, Retention(kind="episode", max_bytes=whole.bytes_before - one - 1)).kinds
    assert report.gone == ("e0", "e1")
    assert set(report.because.values()) == {"bytes"}
    assert report.bytes_after == pytest.approx(3 * one, abs=5)


def test_a_shared_file_is_counted_once_and_freed_with_its_last(kitchen):
    file = AttachmentStore(kitchen.path / "attachments").put(
        b"x" * 5_000, role="image", media_type="image/png"
    )
    for name in names(3):
        kitchen.record(name, attachments=(file,))
    [report] = applied(kitchen, Retention(kind="episode", max_bytes=4_999)).kinds
    assert 5_000 < report.bytes_before < 10_000
    assert report.gone == ("e0", "e1", "e2")
    assert report.bytes_after == 0


def test_the_archived_are_not_counted(five):
    archive(five.backend, ["e4"], at_s=1.0)
    assert applied(five, Retention(kind="episode", max_count=3)).gone == ("e0",)


def test_purging_takes_the_archived_and_the_withdrawn_first(five):
    archive(five.backend, ["e4"], at_s=1.0)
    horizon = five.memory.horizon()
    five.record("attempt")
    five.memory.withdraw(horizon)
    report = applied(five, Retention(kind="episode", max_count=3), action="purge")
    assert report.gone == ("e4", "attempt", "e0")
    assert report.purge.purged == report.gone
    assert five.ids() == ["e1", "e2", "e3", "note"]


def test_purging_within_the_limits_writes_nothing(five):
    last = five.backend.last_sequence()
    assert applied(five, Retention(kind="episode", max_count=5), action="purge").purge is None
    assert five.backend.last_sequence() == last


@pytest.mark.parametrize("limit", [{"max_count": -1}, {"max_age_s": float("nan")}, {"max_bytes": "1 MB"}])
def test_a_limit_that_means_nothing_is_refused(limit):
    with pytest.raises(InvalidQuery, match="of 'episode' is"):
        Retention(kind="episode", **limit)


def test_two_rules_for_a_kind_are_refused(five):
    rule = Retention(kind="note", max_count=0)
    with pytest.raises(InvalidQuery, match="note has more than one rule"):
        applied(five, rule, rule)
    assert applied(five).gone == ()


def test_an_unknown_action_is_refused(five):
    with pytest.raises(InvalidQuery, match="action is 'delete'; expected one of archive, purge"):
        applied(five, Retention(kind="note", max_count=0), action="delete")
