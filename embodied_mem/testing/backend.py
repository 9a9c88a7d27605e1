"""Tests that every `Backend` must pass; each back end tests its durability itself."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from embodied_mem.contracts import Backend
from embodied_mem.errors import ConflictingId, InvalidRecord, StoreError, UnknownSpace
from embodied_mem.records.filters import Between, Equals, In, Not, Or, Where, all_of, matches
from embodied_mem.records.log import Entry, EntryKind, Found, Search, Span, TextLeg, VectorLeg
from embodied_mem.records.spaces import FieldVector, Metric, Space, similarities
from embodied_mem.testing.shared_log import SharedLogTests

COSINE = Space(name="example", version="1", dimension=4, config_hash="c")
EUCLIDEAN = Space(name="example", version="1", dimension=3, config_hash="e", metric=Metric.EUCLIDEAN)
OTHER = Space(name="another", version="2", dimension=4, config_hash="c")
TOLERANCE = 1e-4

FILTERS: tuple[Where, ...] = (
    Equals("outcome.status", "success"),
    Not(Equals("outcome.status", "success")),
    In("task.kind", ("kind 0", "kind 2", None)),
    In("task.kind", ()),
    Between("happened_at_s", 3, 6.5),
    Between("outcome.reward", None, 0.5),
    Between("metadata.missing"),
    Equals("metadata.n", 1),
    Equals("metadata.n", True),
    Equals("metadata.n", None),
    Not(Equals("metadata.n", None)),
    Equals("metadata.n", "1"),
    Equals("metadata.deep.x", 2.0),
    Equals("scope.agent", "a"),
    Equals("scope.agent", ""),
    Or((Equals("id", "entry-3"), all_of(Equals("kind", "repair"), Not(Between("metadata.n", 1))))),
    Or(()),
    Equals("metadata.n.*", 1),
    Not(In("metadata.n.*", (1, "x"))),
    Between("metadata.*.x", 3, 9),
)


def example_entry(number: int = 0, **changes: Any) -> Entry:
    """The n-th of a series of distinct entries; `changes` replace fields."""
    scalars: list[Any] = [1, True, None, "1", 1.5, [1], {"x": 1}]
    values: dict[str, Any] = {
        "id": f"entry-{number}",
        "kind": EntryKind.EXPERIENCE,
        "payload": {
            "id": f"entry-{number}",
            "kind": ("episode", "repair")[number % 2],
            "task": {"text": f"sort box {number}", "kind": f"kind {number % 4}"},
            "outcome": {"status": ("success", "failure", "timeout")[number % 3], "reward": number / 10},
            "scope": {"agent": ("a", "a1", "")[number % 3]},
            "metadata": {"n": scalars[number % 7], "deep": {"x": number}} if number % 5 else {},
            "happened_at_s": number if number % 2 else float(number),
        },
        "texts": {"task": f"sort box {number}", "state": f"lid {number} is open"},
        "vectors": (
            example_vector(number),
            FieldVector(field="shape", space=EUCLIDEAN, values=np.array([number, 0, 1], np.float32)),
        ),
    }
    return Entry(**{**values, **changes})


def example_vector(number: int, space: Space = COSINE) -> FieldVector:
    """The n-th of a series of distinct vectors of the field `meaning`."""
    values = np.random.default_rng(number).normal(size=space.dimension).astype(np.float32)
    return FieldVector(field="meaning", space=space, values=values)


class BackendContract(SharedLogTests):
    """Subclass it and define a fixture `backend` that makes an empty one.

    A log that several handles share, such as a file or a server, is tested if `second_handle` is overridden.
    """

    @pytest.fixture
    def backend(self) -> Backend:
        """An empty back end; override this."""
        raise NotImplementedError("define a fixture `backend` that makes an empty one")

    def test_is_a_backend(self, backend: Backend) -> None:
        """It has the five methods."""
        assert isinstance(backend, Backend)

    def test_sequence_numbers_follow_the_order_of_writing(self, backend: Backend) -> None:
        """They start at 1 or above and increase."""
        appended = backend.append([example_entry(n) for n in range(3)]) + backend.append([example_entry(3)])
        assert appended[0].sequence >= 1
        numbers = [item.sequence for item in appended]
        assert numbers == sorted(set(numbers))
        assert not any(item.is_duplicate for item in appended)
        assert backend.append([]) == []

    def test_entries_come_back_whole_and_in_the_order_asked(self, backend: Backend) -> None:
        """`get` returns payload, texts and vectors, and None for an unknown id."""
        backend.append([example_entry(n) for n in range(3)])
        found = backend.get(["entry-2", "nobody", "entry-0", "entry-2"])
        entries = [None if logged is None else logged.entry for logged in found]
        assert entries == [example_entry(2), None, example_entry(0), example_entry(2)]

    def test_changing_a_payload_afterwards_does_not_change_the_log(self, backend: Backend) -> None:
        """The log holds a copy of the entry."""
        entry = example_entry(1)
        backend.append([entry])
        entry.payload["task"] = "changed"
        assert _entries(backend) == [example_entry(1)]

    def test_writing_again_stores_nothing_new(self, backend: Backend) -> None:
        """A retry returns the first sequence number and `is_duplicate`."""
        [first] = backend.append([example_entry()])
        [again, other] = backend.append([example_entry(), example_entry(1)])
        assert (again.sequence, again.is_duplicate) == (first.sequence, True)
        assert not other.is_duplicate
        assert len(_entries(backend)) == 2

    @pytest.mark.parametrize(
        "changes",
        [{"payload": {"a": 1}}, {"texts": {"task": "x"}}, {"vectors": ()}, {"kind": EntryKind.FEEDBACK}],
    )
    def test_an_id_with_other_content_is_refused_and_the_first_kept(
        self, backend: Backend, changes: dict[str, Any]
    ) -> None:
        """Any differing part of the content is a conflict."""
        backend.append([example_entry()])
        with pytest.raises(ConflictingId, match="entry-0"):
            backend.append([example_entry(**changes)])
        assert _entries(backend) == [example_entry()]

    def test_a_batch_is_kept_whole_or_not_at_all(self, backend: Backend) -> None:
        """A rejected batch is neither in the log nor found by a search."""
        backend.append([example_entry(0)])
        with pytest.raises(ConflictingId):
            backend.append([example_entry(1), example_entry(0, texts={})])
        assert backend.get(["entry-1"]) == [None]
        assert _search(backend, legs=(TextLeg("t", "box 1", ("task",)),)).n_candidates == 1

    def test_numbers_of_numpy_are_converted_or_refused_but_never_swallowed(self, backend: Backend) -> None:
        """An entry that cannot be serialized must not count as written."""
        try:
            backend.append([example_entry(payload={"metadata": {"n": np.float32(0.5)}})])
        except InvalidRecord:
            assert _entries(backend) == []
        else:
            assert _entries(backend)[0].payload == {"metadata": {"n": 0.5}}

    def test_changes_come_oldest_first(self, backend: Backend) -> None:
        """`changes_since` starts at any sequence number and respects `limit`."""
        numbers = [item.sequence for item in backend.append([example_entry(n) for n in range(5)])]
        assert [logged.sequence for logged in backend.changes_since(0)] == numbers
        assert [logged.entry for logged in backend.changes_since(numbers[2])] == [
            example_entry(3),
            example_entry(4),
        ]
        assert [logged.sequence for logged in backend.changes_since(numbers[0], limit=2)] == numbers[1:3]
        assert list(backend.changes_since(numbers[-1])) == []

    @pytest.mark.parametrize("number", range(len(FILTERS)))
    def test_a_filter_keeps_what_the_reference_keeps(self, backend: Backend, number: int) -> None:
        """A search agrees with `filters.matches`, the definition."""
        entries = [example_entry(n) for n in range(40)]
        backend.append(entries)
        found = _search(backend, where=FILTERS[number], k=100)
        expected = [entry.id for entry in entries if matches(FILTERS[number], entry.payload)]
        assert _ids(backend, found) == expected[::-1]
        assert found.n_candidates == len(expected)

    def test_a_rare_filter_loses_nothing(self, backend: Backend) -> None:
        """The filter applies before the top k are chosen; filtering afterwards would find nothing here."""
        backend.append([example_entry(n) for n in range(200)])
        legs = (TextLeg("t", "sort box 7", ("task",)), VectorLeg("v", example_vector(7)))
        found = _search(backend, legs=legs, where=In("id", ("entry-3", "entry-190")), k=2)
        assert sorted(_ids(backend, found)) == ["entry-190", "entry-3"]
        assert found.n_candidates == 2

    def test_only_entries_of_the_kind_are_found(self, backend: Backend) -> None:
        """A search for one kind does not return another."""
        backend.append([example_entry(0), example_entry(1, kind=EntryKind.FEEDBACK), example_entry(2)])
        assert _ids(backend, _search(backend, kind=EntryKind.FEEDBACK)) == ["entry-1"]
        assert _search(backend).n_candidates == 2

    def test_no_kind_finds_entries_of_every_kind(self, backend: Backend) -> None:
        """This finds the newest entry of all; with legs, each entry is compared by its own texts."""
        backend.append(
            [example_entry(n, kind=kind) for n, kind in enumerate(["experience", "feedback", "x"])]
        )
        assert _ids(backend, _search(backend, kind=None, k=1)) == ["entry-2"]
        found = _search(backend, kind=None, legs=(TextLeg("t", "sort box 1", ("task",)),))
        assert _ids(backend, found)[0] == "entry-1"
        assert found.n_candidates == 3

    def test_only_the_spans_are_seen(self, backend: Backend) -> None:
        """This holds with and without legs; without spans there are no hits."""
        numbers = [item.sequence for item in backend.append([example_entry(n) for n in range(9)])]
        spans = (Span(numbers[1], numbers[2]), Span(numbers[5], numbers[5]), Span(numbers[8]))
        for legs in ((), (TextLeg("t", "sort", ("task",)),)):
            found = _search(backend, legs=legs, spans=spans, k=20)
            assert [hit.sequence for hit in found.hits] == [numbers[n] for n in (8, 5, 2, 1)]
        assert _search(backend, spans=()).hits == ()
        assert _search(backend, spans=(Span(last=0),)).hits == ()

    def test_the_past_stays_as_it_was(self, backend: Backend) -> None:
        """Otherwise a run resumed from a sequence number would not repeat itself."""
        numbers = [item.sequence for item in backend.append([example_entry(n) for n in range(9)])]
        legs = (TextLeg("t", "sort the open box 4", ("task", "state")), VectorLeg("v", example_vector(3)))
        past = Search(legs=legs, spans=(Span(last=numbers[-1]),), k=20)
        before = backend.search(past)
        backend.append([example_entry(n, texts={"task": "open " * 20}) for n in range(20, 60)])
        assert backend.search(past) == before

    @pytest.mark.parametrize("k", [0, 1, 3, 50, None])
    def test_at_most_k_come_back_newest_first_without_legs(self, backend: Backend, k: int | None) -> None:
        """`n_candidates` counts all candidates; a k of None asks for every hit."""
        backend.append([example_entry(n) for n in range(5)])
        found = _search(backend, k=k)
        assert _ids(backend, found) == ["entry-4", "entry-3", "entry-2", "entry-1", "entry-0"][:k]
        assert found.n_candidates == 5

    def test_equal_hits_come_newest_first(self, backend: Backend) -> None:
        """Equal texts and vectors tie exactly; ties: newest first."""
        vector = example_vector(0)
        same = {"texts": {"task": "sort box"}, "vectors": (vector,)}
        backend.append([example_entry(n, **same) for n in range(6)])
        found = _search(backend, legs=(TextLeg("t", "sort", ("task",)), VectorLeg("v", vector)), k=4)
        assert _ids(backend, found) == ["entry-5", "entry-4", "entry-3", "entry-2"]

    def test_text_similarity_is_1_where_equal_and_0_where_nothing_is_shared(self, backend: Backend) -> None:
        """Texts that share some words score between 0 and 1."""
        texts = ["open the fridge", "open the drawer", "wash dishes", ""]
        backend.append([example_entry(n, texts={"task": text}) for n, text in enumerate(texts)])
        found = _search(backend, legs=(TextLeg("t", "open the fridge", ("task",)),))
        similar = {
            name: hit.similarities["t"] for name, hit in zip(_ids(backend, found), found.hits, strict=True)
        }
        assert similar["entry-0"] == pytest.approx(1.0)
        assert 0 < similar["entry-1"] < 1
        assert (similar["entry-2"], similar["entry-3"]) == (0, 0)

    def test_the_best_of_several_text_fields_counts(self, backend: Backend) -> None:
        """A leg over several fields takes the best similarity among them."""
        backend.append([example_entry(0, texts={"task": "wash dishes", "state": "open the fridge"})])
        found = _search(backend, legs=(TextLeg("t", "open the fridge", ("task", "state", "outcome")),))
        assert found.hits[0].similarities["t"] == pytest.approx(1.0)

    def test_an_empty_text_is_like_nothing(self, backend: Backend) -> None:
        """Its similarity is 0, also to another empty text."""
        backend.append([example_entry(0), example_entry(1, texts={"task": ""})])
        found = _search(backend, legs=(TextLeg("t", "", ("task",)),))
        assert [hit.similarities["t"] for hit in found.hits] == [0, 0]

    @pytest.mark.parametrize("field", ["meaning", "shape"])
    def test_vector_similarity_follows_the_metric(self, backend: Backend, field: str) -> None:
        """Similarities agree with `spaces.similarities`, the definition."""
        entries = [example_entry(n) for n in range(30)]
        vectors = [next(v for v in entry.vectors if v.field == field) for entry in entries]
        numbers = [item.sequence for item in backend.append(entries)]
        found = _search(backend, legs=(VectorLeg("v", vectors[11]),), k=30)
        rows = np.stack([vector.values for vector in vectors])
        expected = similarities(rows, vectors[11].values, vectors[11].space.metric)
        assert {hit.sequence: hit.similarities["v"] for hit in found.hits} == pytest.approx(
            dict(zip(numbers, expected.tolist(), strict=True)), abs=TOLERANCE
        )
        assert _ids(backend, found)[0] == "entry-11"

    @pytest.mark.parametrize("floor", [-math.inf, 0.0])
    def test_hits_are_ordered_by_the_weighted_sum(self, backend: Backend, floor: float) -> None:
        """A similarity counts at least the floor, and a smaller k returns the first hits of a larger one."""
        backend.append([example_entry(n) for n in range(30)])
        legs = (
            TextLeg("t", "sort box 5 with lid 9", ("task", "state"), weight=0.3),
            VectorLeg("v", example_vector(17), weight=2.0, floor=floor),
        )
        found = _search(backend, legs=legs, k=30)
        totals = [0.3 * hit.similarities["t"] + 2.0 * max(hit.similarities["v"], floor) for hit in found.hits]
        assert totals == pytest.approx(sorted(totals, reverse=True))
        assert len(found.hits) == 30
        assert _search(backend, legs=legs, k=None) == found
        few = _search(backend, legs=legs, k=4)
        assert [hit.sequence for hit in few.hits] == [
            hit.sequence for hit in found.hits[:4]
        ] or not few.is_exact

    @pytest.mark.parametrize("n", [3, 40])
    @pytest.mark.parametrize("k", [1, 3])
    def test_vectors_that_are_all_unlike_come_in_order(self, backend: Backend, n: int, k: int) -> None:
        """A cosine below 0 counts as it is; entries without a vector, at 0, come before."""
        asked = FieldVector(field="meaning", space=COSINE, values=np.array([-1, 0, 0, 0], np.float32))
        turns = [np.array([1, turn % 7, 0, 0], np.float32) for turn in range(1, n + 1)]
        vectors = [FieldVector(field="meaning", space=COSINE, values=values) for values in turns]
        backend.append([example_entry(at, vectors=(vector,)) for at, vector in enumerate(vectors)])
        found = _search(backend, legs=(VectorLeg("v", asked),), k=k)
        expected = similarities(np.stack(turns), asked.values, COSINE.metric)
        best = sorted(range(n), key=lambda at: (-round(float(expected[at]), 5), -at))[:k]
        assert _ids(backend, found) == [f"entry-{at}" for at in best]
        backend.append([example_entry(100, vectors=())])
        assert _ids(backend, _search(backend, legs=(VectorLeg("v", asked),), k=1)) == ["entry-100"]

    @pytest.mark.parametrize("minimum", [-1.0, 0.0, 0.4, 1.0, 1.1])
    def test_hits_reach_the_minimum_of_every_leg(self, backend: Backend, minimum: float) -> None:
        """The best `k` of all that reach it come back, however high others score."""
        backend.append([example_entry(n) for n in range(40)])
        legs = (
            TextLeg("t", "sort box 5 with lid 9", ("task", "state"), weight=5.0),
            VectorLeg("v", example_vector(17), weight=0.0),
        )
        everything = _search(backend, legs=legs, k=40)
        limited = (legs[0], dataclasses.replace(legs[1], minimum=minimum))
        found = _search(backend, legs=limited, k=3)
        passing = [hit for hit in everything.hits if hit.similarities["v"] >= minimum]
        assert list(found.hits) == passing[:3]
        assert found.n_candidates == 40
        texts = (dataclasses.replace(legs[0], weight=0.0, minimum=minimum), legs[1])
        found = _search(backend, legs=texts, k=40)
        expected = [hit.sequence for hit in everything.hits if hit.similarities["t"] >= minimum]
        assert sorted(hit.sequence for hit in found.hits) == sorted(expected)

    def test_entries_without_a_vector_are_found_with_similarity_0(self, backend: Backend) -> None:
        """Such entries pass the filter, so they are candidates."""
        backend.append([example_entry(0, vectors=()), example_entry(1)])
        found = _search(backend, legs=(VectorLeg("v", example_vector(1)),))
        assert [hit.similarities["v"] for hit in found.hits] == pytest.approx([1.0, 0.0])

    def test_a_field_without_vectors_is_like_nothing(self, backend: Backend) -> None:
        """A search by a vector before any was stored is not an error."""
        backend.append([example_entry(0, vectors=())])
        assert _search(backend, legs=(VectorLeg("v", example_vector(1)),)).hits[0].similarities == {"v": 0}

    def test_a_vector_of_another_space_is_refused_by_name(self, backend: Backend) -> None:
        """The error names both spaces, and the batch is not stored."""
        backend.append([example_entry(0)])
        with pytest.raises(UnknownSpace, match=r"(?s)example.*another|another.*example"):
            backend.append([example_entry(1), example_entry(2, vectors=(example_vector(2, OTHER),))])
        with pytest.raises(UnknownSpace, match=r"(?s)example.*another|another.*example"):
            _search(backend, legs=(VectorLeg("v", example_vector(2, OTHER)),))
        for kind in (None, "nothing is of this kind"):
            with pytest.raises(UnknownSpace, match=r"(?s)example.*another|another.*example"):
                _search(backend, kind=kind, legs=(VectorLeg("v", example_vector(2, OTHER)),))
        assert len(_entries(backend)) == 1

    def test_a_closed_back_end_refuses_everything_but_closing(self, backend: Backend) -> None:
        """Every other call raises `StoreError`."""
        backend.close()
        backend.close()
        with pytest.raises(StoreError):
            backend.append([example_entry(0)])
        with pytest.raises(StoreError):
            backend.get(["entry-0"])
        with pytest.raises(StoreError):
            backend.changes_since(0)
        with pytest.raises(StoreError):
            _search(backend)


def _search(backend: Backend, **fields: Any) -> Found:
    return backend.search(Search(**fields))


def _entries(backend: Backend) -> list[Entry]:
    return [logged.entry for logged in backend.changes_since(0)]


def _ids(backend: Backend, found: Found) -> Sequence[str]:
    names = {logged.sequence: logged.entry.id for logged in backend.changes_since(0)}
    return [names[hit.sequence] for hit in found.hits]
