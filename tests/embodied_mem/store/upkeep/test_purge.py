"""A purge: what it takes, what it leaves, and what it says of it. Its bytes: `test_purge_bytes.py`."""

import dataclasses
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitchen import Kitchen

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidQuery, StoreError, UnknownName
from embodied_mem.records import Origin, Scope
from embodied_mem.records.filters import Between, Equals, Not, Or, all_of, where
from embodied_mem.records.log import Search
from embodied_mem.store.upkeep.archiving import archive
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.purge import UNREACHED, finish_purges, preview, purge, unfinished_purges
from embodied_mem.store.upkeep.purged import purges


def purged(kitchen, selector):
    return purge(kitchen.backend, kitchen.path, selector, at_s=9_000.0)


def test_a_purged_experience_is_gone_with_everything_about_it(kitchen):
    for name in ("cup", "mug"):
        kitchen.record(name)
        kitchen.memory.feedback(name, helped=True)
        archive(kitchen.backend, [name], at_s=1.0)
    report = purged(kitchen, ["cup"])
    assert (report.purged, report.n_entries_about) == (("cup",), 2)
    assert kitchen.backend.get(["cup"]) == [None]
    assert kitchen.backend.entries_about("cup") == []
    assert kitchen.ids() == ["mug"]
    assert len(kitchen.backend.entries_about("mug")) == 2


@pytest.mark.parametrize(
    "selector", [["cup"], ["cup", "shared"], where(task__text="bring the cup"), where(scope__person="nobody")]
)
def test_a_preview_says_what_the_purge_then_says_and_changes_nothing(kitchen, selector):
    files = AttachmentStore(kitchen.path / "attachments")
    own, shared = (files.put(data, role="image", media_type="image/png") for data in (b"own", b"shared"))
    kitchen.record("cup", attachments=(own, shared))
    kitchen.record("shared", attachments=(shared,))
    kitchen.record("lesson", sources=("cup",))
    kitchen.record("later", recalled=("cup",), task="look")
    kitchen.memory.feedback("lesson", helped=True)
    archive(kitchen.backend, ["cup"], at_s=1.0)
    (kitchen.path / "notes.txt").write_text("?")

    last = kitchen.backend.last_sequence()
    with SqliteBackend(kitchen.backend.path, read_only=True) as reader:
        said = preview(reader, kitchen.path, selector)
    assert (kitchen.backend.last_sequence(), sorted(files)) == (last, sorted((own.digest, shared.digest)))
    assert said.is_dry_run
    assert dataclasses.replace(said, is_dry_run=False) == purged(kitchen, selector)


def test_a_preview_refuses_what_a_purge_refuses(kitchen):
    kitchen.record("cup")
    with pytest.raises(UnknownName, match="did you mean 'cup'"):
        preview(kitchen.backend, kitchen.path, ["cups"])
    with pytest.raises(InvalidQuery, match="all would be purged"):
        preview(kitchen.backend, kitchen.path, where())


@pytest.mark.parametrize(
    ("selector", "gone"),
    [
        (where(scope__run="r1"), ["e0", "e1"]),
        (where(scope__agent="a"), ["e0", "e2"]),
        (where(scope__person="Ada"), ["e1"]),
        (where(scope__place="hall"), ["e2"]),
        (Between("happened_at_s", 1_001, 1_003), ["e1", "e2"]),
        (all_of(where(scope__run="r1"), Not(Equals("scope.agent", "a"))), ["e1"]),
        (where(id="e3"), ["e3"]),
    ],
)
def test_a_filter_chooses_by_run_agent_person_place_or_time(kitchen, selector, gone):
    scopes = [
        Scope(run="r1", agent="a"),
        Scope(run="r1", person="Ada"),
        Scope(run="r2", agent="a", place="hall"),
        Scope(run="r11", agent="ab", person="Adam"),
    ]
    for number, scope in enumerate(scopes):
        kitchen.record(f"e{number}", scope=scope)
    assert list(purged(kitchen, selector).purged) == gone
    assert kitchen.ids() == [name for name in ("e0", "e1", "e2", "e3") if name not in gone]


def test_archived_and_withdrawn_experiences_are_purged_too(kitchen):
    kitchen.record("archived")
    archive(kitchen.backend, ["archived"], at_s=1.0)
    horizon = kitchen.memory.horizon()
    kitchen.record("withdrawn")
    kitchen.memory.withdraw(horizon)
    assert purged(kitchen, where(kind="episode")).purged == ("archived", "withdrawn")
    assert kitchen.ids() == []


def test_everything_derived_goes_with_its_source(kitchen):
    kitchen.record("episode")
    kitchen.record("other")
    kitchen.record("lesson", kind="lesson", sources=("other", "episode"))
    kitchen.record("rule", kind="lesson", sources=("lesson",))
    kitchen.record("unrelated", sources=("other",))
    kitchen.memory.feedback("rule", helped=True)
    report = purged(kitchen, ["episode"])
    assert report.derived == ("lesson", "rule")
    assert report.n_entries_about == 1
    assert kitchen.ids() == ["other", "unrelated"]


def test_records_that_still_list_a_purged_id_are_named(kitchen):
    kitchen.record("cup")
    kitchen.record("mug", recalled=("cup",))
    report = purged(kitchen, ["cup"])
    assert report.mentioned_by == ("mug",)
    assert kitchen.backend.get(["mug"])[0].entry.payload["recalled"] == ["cup"]


def test_an_attachment_goes_with_the_last_that_refers_to_it(kitchen):
    files = AttachmentStore(kitchen.path / "attachments")
    shared, own, stray = (
        files.put(data, role="image", media_type="image/png") for data in (b"1", b"2", b"3")
    )
    kitchen.record("cup", attachments=(shared, own))
    kitchen.record("mug", attachments=(shared,))
    assert purged(kitchen, ["cup"]).attachments == (own.digest,)
    assert sorted(files) == sorted([shared.digest, stray.digest])  # the stray may be recorded in a moment
    assert purged(kitchen, ["mug"]).attachments == (shared.digest,)
    assert list(files) == [stray.digest]


def test_the_log_says_that_a_purge_happened_and_not_what_was_in_it(kitchen):
    kitchen.record("cup", scope=Scope(person="Ada Lovelace"))
    purged(kitchen, Or((where(scope__person="Ada Lovelace"), where(id="cup"))))
    begun, done = (e.entry.payload for e in kitchen.backend.changes_since(0) if e.entry.kind == "purge")
    assert begun["selector"] == {"paths": ["id", "scope.person"]}
    assert (begun["stage"], begun["n"], begun["at_s"]) == ("begun", 1, 9_000.0)
    assert (done["stage"], done["n"], done["of"]) == ("done", 1, purges(kitchen.backend)[0].sequence)
    assert "Ada" not in str([begun, done])
    assert "cup" not in str([begun, done])


def test_a_purged_id_can_be_known_again_and_others_cannot(kitchen):
    kitchen.record("cup")
    purged(kitchen, ["cup"])
    [tale] = purges(kitchen.backend)
    assert "cup" in tale.ids
    assert "mug" not in tale.ids
    assert tale.is_done


def test_purging_what_was_purged_does_nothing(kitchen):
    kitchen.record("cup")
    purged(kitchen, ["cup"])
    last = kitchen.backend.last_sequence()
    assert purged(kitchen, ["cup"]).purged == ()
    assert kitchen.backend.last_sequence() == last


def test_a_filter_that_matches_nothing_removes_nothing(kitchen):
    kitchen.record("cup")
    assert purged(kitchen, where(scope__person="nobody")).purged == ()
    assert kitchen.backend.last_sequence() == 1


def test_delete_all_takes_all_and_delete_one_takes_one(kitchen):
    """mem0 #6627 and #3928: a delete-all that stopped at a page, and a delete that took others along."""
    names = [kitchen.record(f"e{number}") for number in range(600)]
    assert purged(kitchen, ["e1"]).purged == ("e1",)
    assert kitchen.ids() == [name for name in names if name != "e1"]
    assert len(purged(kitchen, where(kind="episode")).purged) == 599
    assert kitchen.ids() == []


def test_an_unknown_id_is_refused_and_nothing_is_removed(kitchen):
    kitchen.record("cup")
    with pytest.raises(UnknownName, match="did you mean 'cup'"):
        purged(kitchen, ["cup", "cap"])
    assert kitchen.ids() == ["cup"]


def test_a_reader_cannot_purge(kitchen):
    kitchen.record("cup")
    with (
        SqliteBackend(kitchen.backend.path, read_only=True) as reader,
        pytest.raises(StoreError, match="open for reading only"),
    ):
        purge(reader, kitchen.path, ["cup"], at_s=1.0)
    assert kitchen.ids() == ["cup"]


def test_sequence_numbers_of_the_purged_are_not_given_again(kitchen):
    kitchen.record("cup")
    purged(kitchen, ["cup"])
    kitchen.record("mug")
    [mug] = kitchen.backend.get(["mug"])
    assert mug.sequence == 4  # cup, begun, done, mug


def test_a_search_does_not_find_it_in_any_open_handle(kitchen):
    kitchen.record("cup", state="the gold cup")
    with SqliteBackend(kitchen.backend.path) as other:
        assert other.search(Search()).n_candidates == 1
        purged(kitchen, ["cup"])
        assert other.search(Search()).n_candidates == 0
    assert kitchen.memory.recall("gold cup") == []


def test_the_report_says_what_it_cannot_reach(kitchen):
    kitchen.record("cup")
    aside = kitchen.path / "damaged" / "experiences.sqlite"
    aside.parent.mkdir()
    aside.write_bytes(b"a copy")
    report = purged(kitchen, ["cup"])
    assert report.unreached == UNREACHED
    assert report.other_files == (aside,)
    for place in ("exports", "branches", "merged", "backups", "other processes", "trackers", "run folders"):
        assert place in " ".join(UNREACHED)


def test_snapshots_of_the_index_are_deleted(kitchen):
    kitchen.record("cup")
    snapshot = kitchen.path / "index" / "episode" / "texts.snapshot"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_bytes(b"words")
    assert purged(kitchen, ["cup"]).other_files == ()
    assert not snapshot.exists()


def test_a_reader_that_takes_long_delays_the_end_and_not_the_beginning(kitchen):
    kitchen.record("cup", state="a secret")
    reader = sqlite3.connect(kitchen.backend.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    with pytest.raises(StoreError, match="let it finish"):
        purged(kitchen, ["cup"])
    assert kitchen.ids() == []
    assert len(unfinished_purges(kitchen.backend)) == 1
    reader.close()
    assert finish_purges(kitchen.backend, kitchen.path) == 1
    assert unfinished_purges(kitchen.backend) == []
    assert b"a secret" not in kitchen.backend.path.read_bytes()


def test_what_is_not_committed_yet_is_purged_as_well(tmp_path):
    kitchen = Kitchen(tmp_path, commit_every=100)
    kitchen.record("cup")
    kitchen.record("lesson", sources=("cup",))
    assert purged(kitchen, ["cup"]).derived == ("lesson",)
    assert kitchen.ids() == []
    kitchen.backend.close()
    with SqliteBackend(tmp_path / "experiences.sqlite") as again:
        assert [entry.entry.kind for entry in again.changes_since(0)] == ["purge", "purge"]


class Killed(BaseException):
    """Ends the purge where a signal would."""


def places_of_a_purge(kitchen, listen):
    """Every place that a purge passes, by name and how often it was passed before."""
    seen = []
    listen(seen.append)
    purged(kitchen, ["warm-up"])
    listen(None)
    return seen


def test_a_purge_stopped_anywhere_is_not_begun_or_is_finished_later(kitchen, listen):
    files = AttachmentStore(kitchen.path / "attachments")
    kitchen.record("warm-up")
    places = places_of_a_purge(kitchen, listen)
    assert {place.split(":")[0] for place in places} >= {"purge", "compaction"}
    assert len([place for place in places if place.startswith("purge:")]) >= 5
    for number in range(len(places)):
        name, file = kitchen.record(f"e{number}"), files.put(b"%d" % number, role="image", media_type="x/y")
        kitchen.record(f"f{number}", attachments=(file,), sources=(name,))
        kitchen.memory.feedback(name, helped=True)
        stop_at(listen, number)
        with pytest.raises(Killed):
            purged(kitchen, [name])
        listen(None)
        was_begun = bool(unfinished_purges(kitchen.backend))
        is_done = not was_begun and name not in kitchen.ids()
        assert finish_purges(kitchen.backend, kitchen.path) == was_begun
        assert unfinished_purges(kitchen.backend) == []
        if was_begun or is_done:
            assert kitchen.ids() == []
            assert list(files) == []
            assert kitchen.backend.entries_about(name) == []
        else:
            assert kitchen.ids() == [name, f"f{number}"]
            assert purged(kitchen, [name]).derived == (f"f{number}",)


def stop_at(listen, number):
    """Stop at the place of this number, counted from 0."""
    passed = []

    def listener(place):
        passed.append(place)
        if len(passed) > number:
            raise Killed(place)

    listen(listener)


def test_a_purge_finishes_the_one_before_it(kitchen, listen):
    kitchen.record("cup")
    kitchen.record("mug")
    stop_at(listen, 3)
    with pytest.raises(Killed):
        purged(kitchen, ["cup"])
    listen(None)
    assert len(unfinished_purges(kitchen.backend)) == 1
    assert purged(kitchen, ["mug"]).purged == ("mug",)
    assert kitchen.ids() == []
    assert unfinished_purges(kitchen.backend) == []


def test_running_a_killed_purge_again_completes_it(kitchen, listen):
    kitchen.record("cup")
    stop_at(listen, 8)
    with pytest.raises(Killed):
        purged(kitchen, ["cup"])
    listen(None)
    assert kitchen.ids() == []
    assert purged(kitchen, ["cup"]).purged == ()
    assert unfinished_purges(kitchen.backend) == []


def test_an_index_that_another_process_saved_meanwhile_is_deleted_too(kitchen, listen):
    kitchen.record("cup")
    snapshot = kitchen.path / "index" / "late.index"

    def save(place):
        if place == "compaction:done":
            snapshot.parent.mkdir(exist_ok=True)
            snapshot.write_bytes(b"words")

    listen(save)
    purged(kitchen, ["cup"])
    assert not snapshot.exists()


def test_a_half_done_reembedding_is_dropped_because_it_holds_vectors(kitchen):
    kitchen.record("cup")
    staged = kitchen.path / "reembedding.sqlite"
    staged.write_bytes(b"vectors")
    assert purged(kitchen, ["cup"]).other_files == ()
    assert not staged.exists()


def reference_purge(records, asked):
    """Names that stay: all but what is asked for and what cites it, however far away."""
    gone = set(asked)
    while more := {name for name, (sources, _) in records.items() if gone & set(sources)} - gone:
        gone |= more
    return set(records) - gone


LINKS = st.lists(st.integers(0, 7), max_size=2)


@settings(max_examples=25)
@given(st.lists(st.tuples(LINKS, LINKS), min_size=1, max_size=8), st.sets(st.integers(0, 7), min_size=1))
def test_what_stays_is_what_the_reference_says(links, asked):
    records = {
        f"e{at}": ([f"e{i}" for i in sources], [f"e{i}" for i in recalled])
        for at, (sources, recalled) in enumerate(links)
    }
    wanted = [f"e{i}" for i in asked if f"e{i}" in records]
    with tempfile.TemporaryDirectory() as folder:
        kitchen = Kitchen(Path(folder))
        for name, (sources, recalled) in records.items():
            kitchen.record(name, sources=sources, recalled=recalled)
            kitchen.memory.feedback(name, helped=True)
        report = purged(kitchen, wanted)
        stays = reference_purge(records, wanted)
        assert set(kitchen.ids()) == stays
        assert {*report.purged, *report.derived} == set(records) - stays
        assert set(report.mentioned_by) == {
            name for name in stays if set(records[name][1]) & (set(records) - stays)
        }
        assert kitchen.kinds().feedback == len(stays) if stays else not hasattr(kitchen.kinds(), "feedback")
        kitchen.backend.close()


def test_names_in_free_json_are_not_kept_as_selector(kitchen):
    """They may be what has to go."""
    kitchen.record("cup", metadata={"friend of Ada": 1}, origin=Origin(versions={"Ada's robot": "1"}))
    purged(kitchen, all_of(Equals("metadata.friend of Ada", 1), Equals("origin.versions.Ada's robot", "1")))
    [begun, _] = kitchen.backend.changes_since(0)
    assert begun.entry.payload["selector"] == {"paths": ["metadata", "origin.versions"]}


def test_a_long_chain_of_citations_is_followed_in_whichever_order_it_was_written(kitchen):
    forward = [kitchen.record(f"f{n}", sources=(f"f{n - 1}",) if n else ()) for n in range(40)]
    backward = [kitchen.record(f"b{n}", sources=(f"b{n + 1}",)) for n in range(40)]
    kitchen.record("b40", sources=("f39",))
    assert purged(kitchen, ["f0"]).derived == (*forward[1:], *backward, "b40")
