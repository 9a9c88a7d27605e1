"""`InMemoryBackend`: the log in a list with the simplest search; the reference for every fast path.

`docs/how-a-recall-works.md` walks one recall through it, and
`tests/embodied_mem/backends/test_same_as_in_memory.py` compares `SqliteBackend` with it.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from embodied_mem.errors import ConflictingId, InvalidRecord, StoreError, UnknownSpace
from embodied_mem.index.vectors import comparable, exact_similarities
from embodied_mem.records.filters import matches
from embodied_mem.records.json_values import canonical, check_text, to_json_object
from embodied_mem.records.log import (
    Appended,
    Entry,
    Found,
    Leg,
    Logged,
    PriorLeg,
    Search,
    Span,
    TextLeg,
    VectorLeg,
    check_search,
)
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.text.lexical import LexicalIndex
from embodied_mem.text.synonyms import Synonyms, default_synonyms

Values: TypeAlias = dict[int, float]  # sequence number -> a leg's value of that entry; 0 if absent


class InMemoryBackend:
    """One append-only log in memory: for tests, short experiments, and as readable reference code.

    Entries are lost when the process ends. Threads may share it, processes may not. A search compares every
    entry in Python: milliseconds for a thousand entries. It has none of the optional capabilities in
    `embodied_mem.backends.capabilities`: no group commit (`commit_every`), no recording times
    (`Query.as_of_s`) and no purge.

    Args:
        synonyms: Synonyms for text search; None: the built-in ones.
    """

    def __init__(self, *, synonyms: Synonyms | None = None) -> None:
        self._synonyms = default_synonyms() if synonyms is None else synonyms
        self._log: list[Logged] = []  # the entry at index n has the sequence number n + 1
        self._by_key: dict[str | int, Logged] = {}  # by id and by sequence number
        self._spaces: dict[str, Space] = {}  # of each field that has vectors
        # (entry kind, field) -> its texts, and the sequence number of each. An absent text is no document.
        self._texts: dict[tuple[str, str], tuple[LexicalIndex, list[int]]] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Append entries in order, all or none; they last as long as this object.

        Raises:
            ConflictingId: An id belongs to different content.
            InvalidRecord: A payload has a value that JSON cannot represent, a text is not a str, or an entry
                has two vectors of one field.
            UnknownSpace: A vector's space differs from its field's space.
        """
        with self._opened():
            new: dict[str, Logged] = {}
            spaces = dict(self._spaces)
            appended = [self._stage(_copy(entry), new, spaces) for entry in entries]
            for logged in new.values():  # all entries are valid
                self._log.append(logged)
                self._by_key[logged.entry.id] = self._by_key[logged.sequence] = logged
                self._add_texts(logged)
            self._spaces = spaces
            return appended

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """Return the entries of these ids (str) or sequence numbers (int), in order; None if not found."""
        with self._opened():
            found = map(self._by_key.get, keys)
            return [None if logged is None else _copy_out(logged) for logged in found]

    def changes_since(self, sequence: int, *, limit: int | None = None) -> list[Logged]:
        """Return the entries after a sequence number, oldest first."""
        with self._opened():
            return list(map(_copy_out, self._log[max(0, sequence) :][:limit]))

    def search(self, search: Search) -> Found:
        """Return the best entries that pass the filter; every one is compared.

        Raises:
            InvalidQuery: The search is inconsistent, for example two legs have the same name.
            UnknownSpace: The space of a leg's vector differs from its field's space.
        """
        check_search(search)
        with self._opened():
            candidates = self._candidates(search)
            values = {leg.name: self._values(leg, search) for leg in search.legs}
        passing = [sequence for sequence in candidates if _reaches_minimums(sequence, search.legs, values)]
        totals = dict.fromkeys(passing, 0.0)
        for leg in search.legs:  # in leg order, because the last bits of a sum depend on the order
            for sequence in passing:
                totals[sequence] += leg.weight * _counted(leg, values[leg.name].get(sequence, 0.0))
        best = sorted(passing, key=lambda sequence: (-totals[sequence], -sequence))[: search.k]
        columns = {name: tuple(each.get(sequence, 0.0) for sequence in best) for name, each in values.items()}
        return Found(tuple(best), columns, len(candidates), is_exact=True)

    def close(self) -> None:
        """Close the log; closing twice is allowed, any other later call raises `StoreError`."""
        self._is_closed = True

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if self._is_closed:
                raise StoreError("this in-memory log is closed; create a new InMemoryBackend")
            yield

    def _candidates(self, search: Search) -> list[int]:
        """Return the sequence numbers of all candidates, ascending."""
        without = frozenset(() if search.without is None else search.without.tolist())
        return [
            logged.sequence
            for logged in self._log
            if search.kind in (None, logged.entry.kind)
            and _is_seen(logged.sequence, search.spans)
            and logged.sequence not in without
            and matches(search.where, logged.entry.payload)
        ]

    def _values(self, leg: Leg, search: Search) -> Values:
        if isinstance(leg, PriorLeg):
            return dict(zip(leg.sequences.tolist(), leg.values.tolist(), strict=True))
        if isinstance(leg, TextLeg):
            return self._text_similarities(leg, search)
        return self._vector_similarities(leg.vector)

    def _text_similarities(self, leg: TextLeg, search: Search) -> Values:
        """Return the best similarity of the leg's fields; word rarity is per kind, over visible entries."""
        best: Values = {}
        for (kind, field), (index, sequences) in self._texts.items():
            if field in leg.fields and search.kind in (None, kind):
                is_seen = np.array([_is_seen(sequence, search.spans) for sequence in sequences])
                similarities = index.similarities(leg.text, is_seen).tolist()
                for sequence, similarity in zip(sequences, similarities, strict=True):
                    best[sequence] = max(best.get(sequence, 0.0), similarity)
        return best

    def _vector_similarities(self, asked: FieldVector) -> Values:
        _check_space(asked, self._spaces)
        metric = asked.space.metric
        found = [
            (logged.sequence, v.values)
            for logged in self._log
            for v in logged.entry.vectors
            if v.field == asked.field
        ]
        rows = np.array([values for _, values in found], np.float32).reshape(-1, asked.space.dimension)
        target = comparable(asked.values[None], metric)[0]
        similarities = exact_similarities(comparable(rows, metric), target, metric).tolist()
        return {sequence: value for (sequence, _), value in zip(found, similarities, strict=True)}

    def _stage(self, entry: Entry, new: dict[str, Logged], spaces: dict[str, Space]) -> Appended:
        """Check an entry, and add it to `new` and the spaces of its vectors to `spaces`."""
        kept = new.get(entry.id) or self._by_key.get(entry.id)
        if kept is not None:
            _check_same(entry, kept.entry)
            return Appended(kept.sequence, is_duplicate=True)
        if len({vector.field for vector in entry.vectors}) < len(entry.vectors):
            raise InvalidRecord(f"entry {entry.id!r} has two vectors of one field; give each field one")
        for vector in entry.vectors:
            _check_space(vector, spaces)
            spaces[vector.field] = vector.space
        new[entry.id] = logged = Logged(len(self._log) + len(new) + 1, entry)
        return Appended(logged.sequence, is_duplicate=False)

    def _add_texts(self, logged: Logged) -> None:
        for field, text in logged.entry.texts.items():
            key = (logged.entry.kind, field)
            index, sequences = self._texts.setdefault(key, (LexicalIndex(self._synonyms), []))
            index.add(text)
            sequences.append(logged.sequence)


def _counted(leg: Leg, value: float) -> float:
    """Return what a value counts in the sum."""
    return max(value, leg.floor) if isinstance(leg, VectorLeg) else value


def _reaches_minimums(sequence: int, legs: Sequence[Leg], values: Mapping[str, Values]) -> bool:
    similar = [leg for leg in legs if not isinstance(leg, PriorLeg)]
    return all(values[leg.name].get(sequence, 0.0) >= leg.minimum for leg in similar)


def _is_seen(sequence: int, spans: Sequence[Span]) -> bool:
    return any(span.first <= sequence and (span.last is None or sequence <= span.last) for span in spans)


def _copy(entry: Entry) -> Entry:
    """Return a private copy: the payload as plain JSON, without empty texts."""
    payload = to_json_object(entry.payload, field="payload")
    texts = {
        name: text for name, text in entry.texts.items() if check_text(text, field=f"entry.texts.{name}")
    }
    return Entry(id=entry.id, kind=entry.kind, payload=payload, texts=texts, vectors=entry.vectors)


def _copy_out(logged: Logged) -> Logged:
    """Return a copy that a caller may change; a JSON round trip is the fastest way."""
    payload = json.loads(canonical(logged.entry.payload))
    texts = dict(logged.entry.texts)
    return Logged(logged.sequence, replace(logged.entry, payload=payload, texts=texts))


def _check_same(entry: Entry, kept: Entry) -> None:
    # Compared as JSON, because Python's == holds for 1, True and 1.0.
    mine, theirs = ((e.kind, canonical(e.payload), e.texts, e.vectors) for e in (entry, kept))
    if mine != theirs:
        raise ConflictingId(
            f"{entry.id!r} is already in this log with other content, which is kept; write this content "
            "under another id"
        )


def _check_space(vector: FieldVector, spaces: Mapping[str, Space]) -> None:
    held = spaces.get(vector.field, vector.space)
    if held != vector.space:
        raise UnknownSpace(
            f"field {vector.field!r} of this log holds vectors of {held}; the given one has the space "
            f"{vector.space}. Use the log's embedder, or give this vector another field name."
        )
