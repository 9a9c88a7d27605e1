"""Several stores put into one."""

import sqlite3
from itertools import chain

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from embodied_mem import failpoints
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import StoreError, UnknownSpace
from embodied_mem.records import Experience
from embodied_mem.store import FILE_NAME, MemoryStore
from embodied_mem.store.transfer import merge as merge_module


@pytest.fixture
def stores(tmp_path):
    opened = {name: MemoryStore.open(tmp_path / name) for name in ("into", "a", "b")}
    yield opened
    for store in opened.values():
        store.close()


def learn(store, *names, **options):
    memory = store.memory(clock=lambda: 1.0, **options)
    for name in names:
        memory.record(Experience(task=f"fetch {name}", id=name))
    return memory


def ids(store):
    return [experience.id for experience in store.experiences()]


def test_the_order_of_sources_gives_the_order_of_the_log(stores):
    learn(stores["a"], "a1", "a2")
    learn(stores["b"], "b1")
    learn(stores["into"], "own")
    assert stores["into"].merge(stores["a"]).n_added == 2
    assert stores["into"].merge(stores["b"].path).n_added == 1
    assert ids(stores["into"]) == ["own", "a1", "a2", "b1"]
    assert stores["into"].check().is_clean


def test_what_is_merged_counts_as_recorded_when_this_store_came_to_know_it(tmp_path):
    now_s = [1000.0]
    with (
        MemoryStore.open(tmp_path / "a", clock=lambda: now_s[0]) as worker,
        MemoryStore.open(tmp_path / "into", clock=lambda: now_s[0]) as into,
    ):
        learn(worker, "a1")
        now_s[0] = 2000.0
        learn(into, "own")
        now_s[0] = 3000.0
        into.merge(worker)
        assert [into.backend.recorded_at(n) for n in (1, 2)] == [2000.0, 3000.0]
        assert [hit.experience.id for hit in into.memory().recall("fetch", as_of_s=2500.0)] == ["own"]
        assert [(change.kind, change.at_s) for change in into.history("a1")] == [("recorded", 3000.0)]


def test_merging_again_changes_nothing(stores):
    learn(stores["a"], "a1", "a2").feedback("a1", helped=True)
    learn(stores["b"], "b1")
    for name in ("a", "b"):
        stores["into"].merge(stores[name])
    before = stores["into"].stats()
    report = stores["into"].merge(stores["a"])
    assert (report.n_added, report.n_known) == (0, 3)
    assert stores["into"].stats().last_sequence == before.last_sequence


def test_other_content_under_the_same_id_is_listed_and_the_first_kept(stores):
    learn(stores["into"], "same").feedback("same", helped=True)
    memory = stores["a"].memory()
    memory.record(Experience(task="something else", id="same"))
    memory.feedback("same", helped=False)  # on the other content
    memory.record(Experience(task="fetch a1", id="a1"))
    report = stores["into"].merge(stores["a"])
    assert report.conflicts == ("same",)
    assert (report.n_added, report.n_left) == (1, 1)
    assert [experience.task.text for experience in stores["into"].experiences()] == ["fetch same", "fetch a1"]
    assert stores["into"].stats().n_feedback == 1


def test_what_is_withdrawn_there_stays_behind(stores):
    memory = learn(stores["a"], "a1", "a2")
    memory.withdraw(after=1)
    report = stores["into"].merge(stores["a"])
    assert (ids(stores["into"]), report.n_withdrawn) == (["a1"], 1)


def test_what_is_withdrawn_here_stays_hidden_and_is_said(stores):
    learn(stores["into"], "a1").withdraw(after=0)
    learn(stores["a"], "a1")
    assert stores["into"].merge(stores["a"]).hidden == ("a1",)
    assert ids(stores["into"]) == []


def test_feedback_and_archiving_travel(stores):
    learn(stores["a"], "a1", "a2").feedback("a2", helped=True)
    stores["a"].archive(["a1"], reason="old")
    stores["into"].merge(stores["a"])
    stats = stores["into"].stats()
    assert (stats.n_feedback, stats.n_archived) == (1, 1)


def test_what_was_purged_here_does_not_come_back(stores):
    learn(stores["a"], "a1", "a2").feedback("a1", helped=True)
    stores["into"].merge(stores["a"])
    stores["into"].purge(["a1"])
    report = stores["into"].merge(stores["a"])
    assert (ids(stores["into"]), report.purged, report.n_left) == (["a2"], ("a1",), 1)


def test_another_space_is_refused_before_anything_is_added(stores):
    learn(stores["into"], "own", embedder=HashedEmbedder(16))
    learn(stores["a"], "a1", embedder=HashedEmbedder(32))
    with pytest.raises(UnknownSpace, match=r"16-d.*32-d.*memory reembed"):
        stores["into"].merge(stores["a"])
    assert ids(stores["into"]) == ["own"]


def test_another_space_is_refused_even_where_the_first_entries_have_no_vector(stores, monkeypatch):
    monkeypatch.setattr(merge_module, "BATCH", 1)
    learn(stores["into"], "own", embedder=HashedEmbedder(16))
    learn(stores["a"], "a1")
    learn(stores["a"], "a2", embedder=HashedEmbedder(32))
    with pytest.raises(UnknownSpace, match=r"16-d.*32-d.*memory reembed"):
        stores["into"].merge(stores["a"])
    assert ids(stores["into"]) == ["own"]


def when_first_added(monkeypatch, action):
    """Do something once the first entry of a merge is in; each entry is a batch of its own."""
    places = []

    def listener(place):
        places.append(place)
        if place == "merge:batch-added" and places.count(place) == 1:
            action()

    monkeypatch.setattr(merge_module, "BATCH", 1)
    monkeypatch.setattr(failpoints, "listener", listener)


def test_what_is_purged_here_while_the_merge_runs_does_not_come_back(stores, monkeypatch):
    learn(stores["a"], "a1", "a2", "a3")
    stores["into"].merge(stores["a"])
    when_first_added(monkeypatch, lambda: stores["into"].purge(["a3"]))
    assert stores["into"].merge(stores["a"]).purged == ("a3",)
    assert ids(stores["into"]) == ["a1", "a2"]


def test_what_is_recorded_there_while_the_merge_runs_is_left_for_the_next(stores, monkeypatch):
    learn(stores["a"], "a1", "a2")
    when_first_added(monkeypatch, lambda: learn(stores["a"], "late"))
    report = stores["into"].merge(stores["a"])
    assert (report.n_added, report.n_withdrawn) == (2, 0)
    assert ids(stores["into"]) == ["a1", "a2"]
    assert stores["into"].merge(stores["a"]).n_added == 1


def test_a_damaged_store_is_refused_because_its_content_would_get_new_hashes(stores):
    learn(stores["a"], "a1", "a2")
    with sqlite3.connect(stores["a"].path / FILE_NAME) as db:
        db.execute("UPDATE contents SET payload = replace(payload, 'fetch a2', 'break a2')")
    db.close()
    with pytest.raises(StoreError, match=r"1 entries.*the first is 2.*memory check --repair .*a"):
        stores["into"].merge(stores["a"])
    assert ids(stores["into"]) == []


def test_attachments_are_copied_and_missing_ones_said(stores):
    here = stores["a"].attachments.put(b"pixels", role="image", media_type="image/png")
    gone = stores["a"].attachments.put(b"depths", role="depth", media_type="image/png")
    stores["a"].memory().record(Experience(task="look", attachments=(here, gone)))
    stores["a"].attachments.remove([gone.digest])
    report = stores["into"].merge(stores["a"])
    assert stores["into"].attachments.get(here.digest) == b"pixels"
    assert report.missing_attachments == (gone.digest,)


def test_a_folder_without_a_store_is_refused_and_left_as_it_is(stores, tmp_path):
    with pytest.raises(StoreError, match=r"holds no experiences\.sqlite"):
        stores["into"].merge(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_merging_a_store_into_itself_changes_nothing(stores):
    learn(stores["into"], "own")
    assert stores["into"].merge(stores["into"]).n_added == 0
    assert ids(stores["into"]) == ["own"]


def test_an_interrupted_merge_leaves_whole_batches_and_a_second_one_completes_it(stores, monkeypatch):
    monkeypatch.setattr(merge_module, "BATCH", 4)
    learn(stores["a"], *(f"a{n}" for n in range(10)))
    places = []

    def stop(place):
        places.append(place)
        if places.count("merge:batch-added") == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "listener", stop)
    with pytest.raises(KeyboardInterrupt):
        stores["into"].merge(stores["a"])
    monkeypatch.setattr(failpoints, "listener", None)
    assert ids(stores["into"]) == [f"a{n}" for n in range(8)]
    assert stores["into"].merge(stores["a"]).n_added == 2
    assert ids(stores["into"]) == ids(stores["a"])


@settings(max_examples=15)
@given(
    shares=st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=3),
    again=st.integers(0, 2),
)
def test_a_merged_store_holds_each_id_once_in_the_order_of_the_sources(tmp_path_factory, shares, again):
    folder = tmp_path_factory.mktemp("merge")
    with MemoryStore.open(folder / "into") as into:
        for n, share in enumerate(shares):
            with MemoryStore.open(folder / str(n)) as source:
                learn(source, *map(str, dict.fromkeys(share)))
                into.merge(source)
        into.merge(folder / str(again % len(shares)))
        assert ids(into) == [str(name) for name in dict.fromkeys(chain(*shares))]
