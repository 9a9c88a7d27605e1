"""The engine over a real log: against brute force, across processes, removals, compaction and snapshots."""

import multiprocessing
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite.reembedding import exchange_vectors
from embodied_mem.index import engine as engine_module
from embodied_mem.index import exact_ranking as ranking
from embodied_mem.index import part_files as snapshot
from embodied_mem.index import vector_column
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.records.filters import Between, Equals, In, Not, Or, matches
from embodied_mem.records.log import PriorLeg, Search, Span, TextLeg, VectorLeg
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store.upkeep.staged_vectors import StagedVectors
from embodied_mem.testing.backend import FILTERS, example_entry
from tests.embodied_mem.random_where import combinations

D = 16
SPACE = Space(name="s", version="1", dimension=D)
WORDS = ["red", "blue", "green", "ball", "box", "key", "door", "open", "close", "go", "pick", "drop"]
COMPRESSED = IndexOptions(compression="always", snapshot_rows=10)
EXACT = IndexOptions(compression="never", snapshot_rows=10)


@cache
def vector(seed):
    centre = np.random.default_rng(seed % 7).normal(size=D)
    values = (centre + 0.5 * np.random.default_rng(1000 + seed).normal(size=D)).astype(np.float32)
    values.setflags(write=False)
    return values


@cache
def payload(number):
    return entry(number).payload


def field_vector(values):
    return FieldVector(field="v", space=SPACE, values=values)


def entry(number, **changes):
    words = np.random.default_rng(number).choice(WORDS, 4)
    given = {
        "texts": {"task": " ".join(words)} if number % 9 else {},
        "vectors": (field_vector(vector(number)),) if number % 5 else (),
    }
    return example_entry(number, **{**given, **changes})


def entries(first, last):
    return [entry(number) for number in range(first, last)]


@pytest.fixture
def open_store(tmp_path):
    opened = []

    def make(options=EXACT, **arguments):
        backend = SqliteBackend(tmp_path / "store" / "experiences.sqlite", index=options, **arguments)
        opened.append(backend)
        return backend

    yield make
    for backend in opened:
        backend.close()


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The same 900 entries behind an exact and a compressed index."""
    made = []
    for options in (EXACT, COMPRESSED):
        folder = tmp_path_factory.mktemp("engine")
        backend = SqliteBackend(folder / "experiences.sqlite", index=options)
        backend.append(entries(0, 900))
        made.append(backend)
    yield made
    for backend in made:
        backend.close()


LEAVES = st.one_of(
    st.sampled_from(FILTERS),
    st.sampled_from(["a", "a1", "", "b"]).map(lambda agent: Equals("scope.agent", agent)),
    st.tuples(st.integers(0, 900), st.integers(0, 900)).map(lambda ends: Between("happened_at_s", *ends)),
    st.sets(st.integers(0, 900), max_size=5).map(lambda ids: In("id", tuple(f"entry-{n}" for n in ids))),
)
WHERES = combinations(LEAVES)
SPANS = st.one_of(
    st.just((Span(),)),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 400)), max_size=3).map(
        lambda pairs: tuple(Span(first, first + n) for first, n in pairs)
    ),
)
WITHOUT = st.one_of(
    st.none(), st.sets(st.integers(1, 950), max_size=30).map(lambda some: np.array(sorted(some), np.int64))
)


def is_candidate(number, search):
    """Entry n has sequence number n + 1 here."""
    sequence = number + 1
    in_span = any(span.first <= sequence <= (span.last or 10**9) for span in search.spans)
    left_out = search.without is not None and sequence in search.without.tolist()
    return in_span and not left_out and matches(search.where, payload(number))


def brute_force(search, n=900):
    """Sequence numbers and vector similarities by comparing everything, one by one."""
    [leg] = search.legs
    query = leg.vector.values / np.linalg.norm(leg.vector.values.astype(np.float64))
    rows = []
    for number in range(n):
        if is_candidate(number, search):
            own = vector(number).astype(np.float64)
            similarity = float(own @ query / np.linalg.norm(own)) if number % 5 else 0.0
            rows.append((number + 1, similarity))
    return rows


@settings(max_examples=40, deadline=None)
@given(WHERES, SPANS, WITHOUT, st.integers(0, 40), st.integers(0, 50))
def test_a_search_gives_what_brute_force_gives(stores, where, spans, without, k, seed):
    leg = VectorLeg("v", field_vector(vector(seed)))
    search = Search(legs=(leg,), where=where, spans=spans, without=without, k=k)
    expected = dict(brute_force(search))
    answers = [backend.search(search) for backend in stores]
    assert answers[0] == answers[1]
    found = answers[0]
    assert found.is_exact
    assert found.n_candidates == len(expected)
    assert len(found.sequences) == min(k, len(expected))
    got = dict(zip(found.sequences, found.similarities["v"], strict=True))
    assert got == pytest.approx({sequence: expected[sequence] for sequence in got}, abs=2e-6)
    left_out = [value for sequence, value in expected.items() if sequence not in got]
    assert k == 0 or max(left_out, default=-1) <= min(got.values(), default=1) + 2e-6
    keys = [(-value, -sequence) for sequence, value in got.items()]
    assert keys == sorted(keys)


@settings(max_examples=30, deadline=None)
@given(WHERES, SPANS, WITHOUT, st.integers(0, 950))
def test_without_legs_the_newest_come_first(stores, where, spans, without, k):
    search = Search(where=where, spans=spans, without=without, k=k)
    expected = [number + 1 for number in range(900) if is_candidate(number, search)]
    found = stores[0].search(search)
    assert found.n_candidates == len(expected)
    assert list(found.sequences) == expected[::-1][:k]


def several_legs(seed):
    sequences = np.arange(1, 901, 3)
    values = np.random.default_rng(seed).normal(size=len(sequences))
    return (
        TextLeg("t", " ".join(np.random.default_rng(seed).choice(WORDS, 3)), ("task",), 0.7),
        VectorLeg("v", field_vector(vector(seed)), 0.9),
        PriorLeg("p", sequences, values, 0.2),
    )


@pytest.mark.parametrize("seed", range(10))
def test_several_legs_add_up_and_compression_changes_nothing(stores, seed):
    search = Search(legs=several_legs(seed), where=Not(Equals("scope.agent", "a")), k=900)
    found = stores[0].search(search)
    assert found.is_exact
    assert found == stores[1].search(search)
    sums = (
        0.7 * np.array(found.similarities["t"])
        + 0.9 * np.array(found.similarities["v"])
        + 0.2 * np.array(found.similarities["p"])
    )
    order = np.lexsort((-np.array(found.sequences), -sums))
    assert order.tolist() == list(range(len(sums)))
    few = Search(legs=search.legs, where=search.where, k=7)
    for backend in stores:
        assert backend.search(few).sequences == found.sequences[:7]


@settings(max_examples=60, deadline=None)
@given(
    WHERES,
    SPANS,
    WITHOUT,
    st.integers(1, 60),
    st.integers(0, 50),
    st.sampled_from([(0, 1, 2), (1,), (1, 2), (0, 1)]),
    st.sampled_from([1, 20, 4_096]),
)
def test_bounds_prove_what_comparing_every_one_gives(stores, where, spans, without, k, seed, which, at_once):
    some = tuple(several_legs(seed)[number] for number in which)
    search = Search(legs=some, where=where, spans=spans, without=without, k=k)
    expected = stores[0].search(search)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_column, "SMALL", 0)
        patch.setattr(ranking, "AT_ONCE", at_once)
        assert [backend.search(search) for backend in stores] == [expected, expected]


@pytest.mark.parametrize("weight", [1e-46, 1e39, 1e300])
@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_that_float32_has_no_room_for_changes_no_order(stores, weight, which, monkeypatch):
    monkeypatch.setattr(vector_column, "SMALL", 0)
    leg = several_legs(4)[which]
    for backend in stores:
        expected = backend.search(Search(legs=(leg,), k=5))
        found = backend.search(Search(legs=(replace(leg, weight=weight),), k=5))
        assert (found.sequences, found.is_exact) == (expected.sequences, True)


@pytest.mark.parametrize("options", [COMPRESSED, EXACT])
def test_asking_for_none_counts_the_candidates(open_store, options):
    backend = open_store(options)
    backend.append(entries(0, 300))
    found = backend.search(Search(legs=several_legs(0), where=Equals("scope.agent", "a"), k=0))
    assert (found.sequences, found.n_candidates) == ((), 100)
    assert found.similarities == {"t": (), "v": (), "p": ()}


def test_vectors_of_another_nature_are_coded_anew_and_found(open_store):
    backend = open_store(COMPRESSED)
    flat = np.ones(D, np.float32)

    def near(number):
        noise = np.random.default_rng(number).normal(size=D).astype(np.float32)
        return (field_vector(flat + (0.01 if number < 400 else 5.0) * noise),)

    backend.append([entry(n, vectors=near(n), texts={}) for n in range(400)])
    [query] = near(700)
    search = Search(legs=(VectorLeg("v", query),), k=5)
    assert backend.search(search).is_exact
    backend.append([entry(n, vectors=near(n), texts={}) for n in range(400, 2500)])
    found = backend.search(search)
    assert found.sequences[0] == 701
    assert found.is_exact
    with SqliteBackend(backend.path, index=IndexOptions(compression="never")) as exact:
        assert exact.search(search) == found


def test_kinds_are_searched_together_where_none_is_named(open_store):
    backend = open_store()
    backend.append([entry(n, kind=("experience", "feedback")[n % 2]) for n in range(100)])
    legs = (VectorLeg("v", field_vector(vector(7))),)
    both = backend.search(Search(legs=legs, kind=None, k=100))
    assert both.n_candidates == 100
    assert both.sequences[0] == 8
    apart = [backend.search(Search(legs=legs, kind=kind, k=100)) for kind in ("experience", "feedback")]
    values = {s: v for found in apart for s, v in zip(found.sequences, found.similarities["v"], strict=True)}
    assert dict(zip(both.sequences, both.similarities["v"], strict=True)) == values


def test_a_filter_seen_before_takes_in_what_was_written_since(open_store):
    backend = open_store()
    where = Equals("scope.agent", "a")
    for last in (30, 31, 60):
        backend.append(entries(backend.last_sequence(), last))
        assert backend.search(Search(where=where, k=100)).n_candidates == (last + 2) // 3


def test_one_is_not_true_in_a_filter_seen_before(open_store):
    backend = open_store()
    backend.append([entry(0, payload={"metadata": {"n": 1}}), entry(1, payload={"metadata": {"n": True}})])
    assert backend.search(Search(where=Equals("metadata.n", 1))).sequences == (1,)
    assert backend.search(Search(where=Equals("metadata.n", True))).sequences == (2,)
    assert backend.search(Search(where=Equals("metadata.n", 1.0))).sequences == (1,)


def append_in_child(path, first, last):
    with SqliteBackend(path) as backend:
        backend.append(entries(first, last))


def test_what_another_process_writes_is_found_at_the_next_search(open_store):
    backend = open_store()
    backend.append(entries(0, 50))
    search = Search(
        legs=(VectorLeg("v", field_vector(vector(77))), TextLeg("t", "red ball", ("task",))), k=100
    )
    assert backend.search(search).n_candidates == 50
    child = multiprocessing.get_context("spawn").Process(target=append_in_child, args=(backend.path, 50, 100))
    child.start()
    child.join()
    found = backend.search(search)
    assert found.n_candidates == 100
    with SqliteBackend(backend.path) as fresh:
        assert fresh.search(search) == found


class TestRemoval:
    SEARCH = Search(
        legs=(VectorLeg("v", field_vector(vector(33))), TextLeg("t", "red ball", ("task",))),
        where=Not(Equals("scope.agent", "a1")),
        k=1000,
    )

    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    @pytest.mark.parametrize("removed", [[34], [600], [1], [5, 17, 300], list(range(1, 400))], ids=str)
    def test_what_was_removed_is_as_if_it_had_never_been(self, open_store, options, removed):
        backend, other = open_store(options), open_store(options)
        backend.append(entries(0, 600))
        for each in (backend, other):
            assert each.search(self.SEARCH).n_candidates == 400
        backend.delete(removed)
        backend.append(entries(600, 620))
        found = backend.search(self.SEARCH)
        assert not set(found.sequences) & set(removed)
        with SqliteBackend(backend.path, index=options) as fresh:
            assert fresh.search(self.SEARCH) == found
        assert other.search(self.SEARCH) == found

    def test_one_removal_does_not_read_the_vectors_again(self, open_store, monkeypatch):
        backend = open_store()
        backend.append(entries(0, 300))
        backend.search(self.SEARCH)
        monkeypatch.setattr(
            vector_column.VectorColumn, "extend", lambda *_: pytest.fail("vectors were read again")
        )
        backend.delete([34])
        assert 34 not in backend.search(self.SEARCH).sequences

    def test_when_a_fifth_is_dead_it_is_made_anew(self, open_store, monkeypatch):
        backend = open_store()
        backend.append(entries(0, 100))
        backend.search(self.SEARCH)
        reached = []
        monkeypatch.setattr(failpoints, "listener", reached.append)
        backend.delete(range(1, 15))
        backend.search(self.SEARCH)
        assert backend.index_report()["experience"]["n_dead"] == 14
        assert not any("compaction" in place for place in reached)
        backend.delete(range(15, 25))
        backend.search(self.SEARCH)
        assert (
            backend.index_report()["experience"] | {"n_rows": 76, "n_dead": 0}
            == backend.index_report()["experience"]
        )
        assert {"compaction:before", "compaction:after"} <= set(reached)

    def test_no_snapshot_holds_what_was_removed(self, open_store):
        backend = open_store()
        secret = entry(7, texts={"task": "zanzibar"})
        backend.append([*entries(0, 7), secret, *entries(8, 50)])
        backend.search(self.SEARCH)
        backend.delete([8])
        backend.save_index()
        kept = [file.read_bytes() for file in (backend.path.parent / "index").iterdir()]
        assert len(kept) == 2
        assert not any(b"zanzibar" in each for each in kept)
        norm = np.linalg.norm(vector(7).astype(np.float64))
        unit = (vector(7) / norm).astype(np.float32)
        assert not any(unit.tobytes()[:32] in each for each in kept)


class TestSnapshots:
    SEARCH = TestRemoval.SEARCH

    @pytest.fixture
    def is_loaded(self, monkeypatch):
        """Part -> whether its snapshot was used."""
        used = {}
        load = snapshot.load

        def watched(folder, part, made_of):
            arrays = load(folder, part, made_of)
            used[part.split("\n")[1].removeprefix("uncompressed ")] = arrays is not None
            return arrays

        monkeypatch.setattr(snapshot, "load", watched)
        return used

    @pytest.fixture(params=[EXACT, COMPRESSED], ids=["exact", "compressed"])
    def options(self, request):
        return request.param

    def saved(self, open_store, options, n=400):
        with open_store(options) as backend:
            backend.append(entries(0, n))
            expected = backend.search(self.SEARCH)
            backend.save_index()
        return expected

    def test_a_saved_index_is_loaded_and_answers_the_same(self, open_store, options, is_loaded):
        expected = self.saved(open_store, options)
        assert open_store(options).search(self.SEARCH) == expected
        assert is_loaded == {"vectors": True, "texts": True}

    def test_what_was_written_since_is_read_from_the_log(self, open_store, options, is_loaded):
        self.saved(open_store, options)
        with open_store(options) as writer:
            writer.append(entries(400, 450))
        found = open_store(options).search(self.SEARCH)
        assert is_loaded == {"vectors": True, "texts": True}
        with SqliteBackend(open_store().path, index=IndexOptions()) as fresh:
            for file in (fresh.path.parent / "index").iterdir():
                file.unlink()
            assert fresh.search(self.SEARCH) == found

    @pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "garbage"])
    def test_a_damaged_one_is_made_anew(self, open_store, options, damage, is_loaded):
        expected = self.saved(open_store, options)
        for file in (open_store().path.parent / "index").iterdir():
            data = bytearray(file.read_bytes())
            middle = len(data) // 2
            data[middle] ^= 1
            file.write_bytes(
                {"truncated": data[:-5], "flipped": data, "empty": b"", "garbage": b"EMIX" + bytes(999)}[
                    damage
                ]
            )
        assert open_store(options).search(self.SEARCH) == expected
        assert True not in is_loaded.values()

    def test_one_of_another_life_of_the_log_is_made_anew(self, open_store, options, is_loaded):
        self.saved(open_store, options)
        open_store(options).delete([3])
        assert 3 not in open_store(options).search(self.SEARCH).sequences
        assert True not in is_loaded.values()

    def test_one_of_another_log_is_made_anew(self, open_store, options, tmp_path, is_loaded):
        self.saved(open_store, options)
        with SqliteBackend(tmp_path / "other" / "experiences.sqlite", index=options) as other:
            other.append(entries(1000, 1400))
            (tmp_path / "store" / "index").rename(tmp_path / "other" / "index")
            found = other.search(self.SEARCH)
            assert True not in is_loaded.values()
        with SqliteBackend(tmp_path / "other" / "experiences.sqlite", index=options) as again:
            assert again.search(self.SEARCH) == found
        assert is_loaded == {"vectors": True, "texts": True}  # its own, which replaced the other's

    def test_texts_of_a_field_whose_part_was_never_written_are_found(self, open_store, monkeypatch):
        backend = open_store()
        backend.append([entry(n, texts={"task": "go", "state": f"zanzibar {n}"}) for n in range(20)])
        search = Search(legs=(TextLeg("t", fields=("task", "state"), text="zanzibar"),), k=3)
        expected = backend.search(search)
        saved = []

        def die(place):
            if place == "snapshot:renamed":
                saved.append(place)
                if len(saved) == 2:  # the vectors and one field
                    raise KeyboardInterrupt

        monkeypatch.setattr(failpoints, "listener", die)
        with pytest.raises(KeyboardInterrupt):
            backend.save_index()
        monkeypatch.setattr(failpoints, "listener", None)
        kept = snapshot.parts_in(backend.path.parent / "index", "")
        assert sum("texts" in name for name in kept) == 1
        assert open_store().search(search) == expected

    def test_one_of_another_life_is_replaced_at_closing(self, open_store, is_loaded):
        self.saved(open_store, EXACT)
        with open_store(EXACT) as backend:
            backend.delete([3])
            backend.search(self.SEARCH)
        assert True not in is_loaded.values()
        open_store(EXACT).search(self.SEARCH)
        assert is_loaded == {"vectors": True, "texts": True}

    def test_one_of_another_space_is_made_anew(self, open_store, options, is_loaded):
        self.saved(open_store, options)
        backend = open_store(options)
        other = Space(name="s", version="2", dimension=D)
        folder = backend.path.parent
        with StagedVectors(folder, "v", other, generation=backend.generation()) as staged:
            staged.add([(n, vector(n).tobytes(), b"") for n in range(1, 200)])
            exchange_vectors(
                backend.path, staged.path, "v", other, staged_at=backend.generation(), late=tuple
            )
        leg = VectorLeg("v", FieldVector(field="v", space=other, values=vector(9)))
        assert open_store(options).search(Search(legs=(leg,), k=1)).sequences == (9,)
        assert not is_loaded.get("vectors", False)

    def test_a_store_that_is_closed_saves_what_is_new(self, open_store, options, is_loaded):
        with open_store(options) as backend:
            backend.append(entries(0, 300))
            expected = backend.search(self.SEARCH)
        assert open_store(options).search(self.SEARCH) == expected
        assert is_loaded == {"vectors": True, "texts": True}

    def test_a_store_that_is_closed_saves_nothing_for_a_few_entries(self, open_store):
        with open_store(IndexOptions()) as backend:
            backend.append(entries(0, 300))
            backend.search(self.SEARCH)
        assert not (backend.path.parent / "index").exists()

    def test_one_that_is_compressed_is_not_used_where_nothing_is_to_be_compressed(self, open_store):
        self.saved(open_store, COMPRESSED)
        backend = open_store(EXACT)
        backend.search(self.SEARCH)
        assert backend.index_report()["experience"]["vectors"]["v"]["kept"] == "exact"

    @pytest.mark.parametrize("how", ["saved", "closed"])
    def test_one_saved_while_entries_are_removed_does_not_stay(self, open_store, options, how, monkeypatch):
        """A purge removes the snapshots that it sees; this one comes into being after it."""
        backend, other = open_store(options), open_store(options)
        backend.append(entries(0, 300))
        backend.search(self.SEARCH)
        folder = backend.path.parent / "index"

        save, removed = snapshot.save, []

        def purge_and_save(*given):
            if not removed:
                other.delete([3])
                snapshot.remove_all(folder)
                removed.append(3)
            save(*given)

        monkeypatch.setattr(snapshot, "save", purge_and_save)
        if how == "saved":
            backend.save_index()
        else:
            backend.close()
        assert removed
        assert list(folder.iterdir()) == []

    def test_a_handle_that_only_writes_leaves_them_alone(self, open_store, options):
        backend = open_store(options)
        backend.append(entries(0, 300))
        backend.delete([3])
        backend.search(self.SEARCH)
        backend.save_index()
        kept = sorted((backend.path.parent / "index").iterdir())
        with open_store(options) as writer:
            writer.append(entries(300, 301))
        assert kept
        assert sorted((backend.path.parent / "index").iterdir()) == kept

    def test_a_reader_saves_nothing(self, open_store, options):
        with open_store(options) as backend:
            backend.append(entries(0, 300))
        with open_store(options, read_only=True) as reader:
            reader.search(self.SEARCH)
        assert not (backend.path.parent / "index").exists()


def test_only_what_a_leg_asks_for_is_read(open_store, monkeypatch):
    backend = open_store()
    backend.append(entries(0, 50))
    monkeypatch.setattr(engine_module.KindIndex, "_catch_up_texts", lambda *_: pytest.fail("texts were read"))
    backend.search(Search(legs=(VectorLeg("v", field_vector(vector(3))),)))
    monkeypatch.undo()
    monkeypatch.setattr(engine_module.KindIndex, "_column_of", lambda *_: pytest.fail("vectors were read"))
    backend.search(Search(legs=(TextLeg("t", "ball", ("task",)),)))


def test_rows_and_filters_take_little_memory(open_store):
    backend = open_store()
    backend.append([entry(n, texts={}, vectors=()) for n in range(3000)])
    for number in range(50):
        where = Or((Equals("scope.agent", "a"), Equals("task.kind", f"kind {number}")))
        backend.search(Search(where=where, k=1))
    [report] = backend.index_report().values()
    assert report["rows_bytes"] <= 2**20 + 3000 * (8 + 4 + 4 + 16) * 1.2
