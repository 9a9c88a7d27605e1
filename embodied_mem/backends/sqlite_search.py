"""Exact search over the SQLite log: SQL finds the candidates, caches in memory say how alike each is."""

import json
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from embodied_mem.backends.search_columns import Floats, Sequences, TextColumn, VectorColumn, aligned
from embodied_mem.backends.sqlite_rows import read_spaces, unknown_space
from embodied_mem.backends.where_sql import LEAF_FUNCTION, compile_where, leaf_function
from embodied_mem.errors import InvalidQuery
from embodied_mem.log import Found, Leg, PriorLeg, Search, Span, VectorLeg
from embodied_mem.synonyms import Synonyms

MAX_SEQUENCE = 2**63 - 1


class SqliteSearch:
    """Searches one store; keeps texts and vectors in memory and catches up with the log at each search.

    Args:
        store: The store's name for messages.
        synonyms: What counts as the same word.
    """

    def __init__(self, store: str, synonyms: Synonyms) -> None:
        self._store = store
        self._synonyms = synonyms
        self._texts: dict[tuple[str, str], TextColumn] = {}
        self._texts_until = 0
        self._vectors: dict[str, VectorColumn] = {}

    def search(self, db: sqlite3.Connection, search: Search) -> Found:
        """The best entries that pass the filter.

        Args:
            db: A connection inside a transaction, so that candidates and caches see the same log.
            search: What to find.

        Raises:
            UnknownSpace: A leg's vector lies in another space than its field.
        """
        where = compile_where(search.where)
        spans, bounds = _spans_sql(search.spans)
        kind, kinds = ("1", []) if search.kind is None else ("entry_kind = ?", [search.kind])
        condition = f"FROM entries WHERE {kind} AND {spans} AND {where.condition}"
        parameters = [*kinds, *bounds, *where.parameters]
        if where.leaves:
            db.create_function(LEAF_FUNCTION, 2, leaf_function(where.leaves))
        if not search.legs:
            return _newest(db, condition, parameters, search.k)
        candidates = _candidates(db, condition, parameters)
        if search.without is not None:
            candidates = np.setdiff1d(candidates, search.without, assume_unique=True)
        similarities = [self._compare(db, leg, search, candidates) for leg in search.legs]
        return _ranked(candidates, search.legs, similarities, search.k)

    def _compare(self, db: sqlite3.Connection, leg: Leg, search: Search, candidates: Sequences) -> Floats:
        if isinstance(leg, PriorLeg):
            return aligned(leg.values, leg.sequences, candidates)
        if isinstance(leg, VectorLeg):
            return self._compare_vector(db, leg, candidates)
        self._catch_up_texts(db)
        best = np.zeros(len(candidates))
        for (kind, field), column in self._texts.items():
            if field in leg.fields and search.kind in (kind, None):
                np.maximum(best, column.similarities(leg.text, candidates, search.spans), out=best)
        return best

    def _compare_vector(self, db: sqlite3.Connection, leg: VectorLeg, candidates: Sequences) -> Floats:
        field, space = leg.vector.field, leg.vector.space
        if field not in self._vectors:
            held = read_spaces(db).get(field)
            if held is None:
                return np.zeros(len(candidates))  # no entry ever had such a vector, so none is like it
            self._vectors[field] = VectorColumn(held[1])
        column = self._vectors[field]
        if column.space != space:
            raise unknown_space(self._store, field, held=column.space, given=space)
        newer = "SELECT sequence, data FROM vectors WHERE field = ? AND sequence > ? ORDER BY sequence"
        column.add(db.execute(newer, (field, column.last_sequence)))
        return column.similarities(leg.vector.values, candidates)

    def _catch_up_texts(self, db: sqlite3.Connection) -> None:
        """Take in what was written since the last search, by this process or another."""
        newer = "SELECT sequence, entry_kind, texts FROM entries WHERE sequence > ? ORDER BY sequence"
        for sequence, kind, texts in db.execute(newer, (self._texts_until,)):
            for field, text in json.loads(texts).items():
                if (kind, field) not in self._texts:
                    self._texts[kind, field] = TextColumn(self._synonyms)
                self._texts[kind, field].add(sequence, text)
            self._texts_until = sequence


def check_search(search: Search) -> None:
    """Refuse a search that has no meaning.

    Raises:
        InvalidQuery: k is negative, two legs share a name, or a weight is negative or not finite.
    """
    if search.k < 0:
        raise InvalidQuery(f"k is {search.k}; expected at least 0")
    names = [leg.name for leg in search.legs]
    if len(set(names)) < len(names):
        raise InvalidQuery(f"two legs share a name: {sorted(names)}")
    for leg in search.legs:
        if not (math.isfinite(leg.weight) and leg.weight >= 0):
            raise InvalidQuery(
                f"the weight of {leg.name!r} is {leg.weight}; expected a finite number of at least 0"
            )


def _spans_sql(spans: Sequence[Span]) -> tuple[str, list[int]]:
    parts = ["sequence BETWEEN ? AND ?" for _ in spans]
    bounds = [(span.first, MAX_SEQUENCE if span.last is None else span.last) for span in spans]
    return f"({' OR '.join(parts) or '0'})", [bound for pair in bounds for bound in pair]


def _newest(db: sqlite3.Connection, condition: str, parameters: Sequence[Any], k: int) -> Found:
    rows = db.execute(
        f"SELECT sequence {condition} ORDER BY sequence DESC LIMIT ?", (*parameters, k)
    ).fetchall()
    n_candidates = len(rows)
    if n_candidates == k:  # there may be more
        n_candidates = db.execute(f"SELECT count(*) {condition}", parameters).fetchone()[0]
    return Found(tuple(sequence for (sequence,) in rows), {}, n_candidates, is_exact=True)


def _candidates(db: sqlite3.Connection, condition: str, parameters: Sequence[Any]) -> Sequences:
    """Sequence numbers ascending; as one text, because a Python object a row costs more than the query."""
    query = f"SELECT group_concat(sequence) FROM (SELECT sequence {condition} ORDER BY sequence)"
    text = db.execute(query, parameters).fetchone()[0] or ""
    return np.sort(np.fromstring(text, dtype=np.int64, sep=","))


def _ranked(candidates: Sequences, legs: Sequence[Leg], similarities: Sequence[Floats], k: int) -> Found:
    total = np.zeros(len(candidates))
    for leg, values in zip(legs, similarities, strict=True):
        total += leg.weight * (values if isinstance(leg, PriorLeg) else np.maximum(values, 0.0))
    best = np.lexsort((-candidates, -total))[:k]
    columns = {leg.name: tuple(values[best].tolist()) for leg, values in zip(legs, similarities, strict=True)}
    return Found(tuple(candidates[best].tolist()), columns, len(candidates), is_exact=True)
