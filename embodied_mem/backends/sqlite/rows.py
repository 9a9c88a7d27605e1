"""Conversion of entries to table rows, and writing them."""

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import numpy as np

from embodied_mem.backends.sqlite.filter_columns import Parameter, column_values
from embodied_mem.backends.sqlite.schema import FILTER_COLUMNS, MAX_VECTORS, VECTORS_BITS
from embodied_mem.errors import ConflictingId, InvalidRecord, StoreError, UnknownSpace
from embodied_mem.records.json_values import JsonObject, canonical, check_text, to_json_object
from embodied_mem.records.log import Appended, Entry
from embodied_mem.records.spaces import FieldVector, Metric, Space, unknown_space

Executing: TypeAlias = sqlite3.Connection | sqlite3.Cursor  # a cursor of a connection is a little faster


class Spaces(dict[str, tuple[int, Space]]):
    """Field -> (space id, space); a cache of the table `spaces`.

    Attributes:
        generation: The store's generation when it was read; a new generation invalidates the cache.
        newest: The newest sequence number ever given, and its recording time; None if unknown.
        version: `PRAGMA data_version` when `newest` was read; another connection's commit changes it.
    """

    generation: int = 0
    newest: tuple[int, float] | None = None
    version: int = 0

    def forget(self) -> None:
        """Empty the cache, after a rollback or after writes that bypass it."""
        self.clear()
        self.newest = None


_SPACE_COLUMNS = "field, name, version, config_hash, dimension, metric"
_ENTRY_COLUMNS = ("sequence", "id", "entry_kind", "digest", "recorded_at_s", *FILTER_COLUMNS)


def _insert_entry(columns: Sequence[str]) -> str:
    values = ", ".join("?" * len(columns))
    return f"INSERT INTO entries ({', '.join(columns)}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"


_INSERT_ENTRY = _insert_entry(_ENTRY_COLUMNS)
_INSERT_ENTRY_ABOUT = _insert_entry((*_ENTRY_COLUMNS, "subject"))
_NEWEST = """
SELECT max(coalesce(sequence, 0), deleted.value), coalesce(recorded_at_s, 0.0), generation.value
FROM meta AS deleted JOIN meta AS generation
LEFT JOIN entries ON sequence = (SELECT max(sequence) FROM entries)
WHERE deleted.name = 'last_deleted' AND generation.name = 'generation'
"""
_STORED = np.dtype("<f4")
_INSERT_CONTENT = "INSERT INTO contents VALUES (?, ?, ?)"
_INSERT_VECTOR = "INSERT INTO vectors VALUES (?, ?, ?)"


class VectorRow(NamedTuple):
    """A vector as stored: field, space, and values as little-endian float32."""

    field: str
    space: Space
    data: bytes


class EntryRow(NamedTuple):
    """An entry encoded before the transaction, so that the lock is held only while writing.

    It holds only str, bytes, numbers and tuples of them: many rows may be queued, and Python's garbage
    collector repeatedly scans objects that can form a cycle.
    """

    id: str
    kind: str
    payload: str
    texts: str
    digest: bytes
    subject: str | None
    columns: tuple[Parameter | None, ...]
    vectors: tuple[VectorRow, ...]

    @classmethod
    def of(cls, entry: Entry) -> "EntryRow":
        """Encode an entry.

        Raises:
            InvalidRecord: A value is not text or JSON, or a field has two vectors.
        """
        vectors = _vector_rows(entry)
        _check_texts(entry)
        plain, payload = _payload_json(entry)
        texts = canonical({name: text for name, text in entry.texts.items() if text})
        digest = _digest(entry.kind, payload, texts, vectors)
        columns = tuple(column_values(plain).values())
        return cls(entry.id, entry.kind, payload, texts, digest, _subject(plain), columns, vectors)


def _payload_json(entry: Entry) -> tuple[JsonObject, str]:
    """Return the payload as plain JSON and as JSON text.

    Raises:
        InvalidRecord: A value in the payload is not JSON.
    """
    if entry.is_checked:
        with suppress(TypeError, ValueError, RecursionError):  # changed after the check: report below
            return entry.payload, canonical(entry.payload)
    plain = to_json_object(entry.payload, field="payload")
    return plain, canonical(plain)


def _subject(payload: JsonObject) -> str | None:
    about = payload.get("experience_id")
    return about if isinstance(about, str) else None


def write(
    db: Executing, rows: Sequence[EntryRow], spaces: Spaces, *, store: str, now_s: float
) -> list[Appended]:
    """Insert rows; a row that is stored already counts as a duplicate.

    Args:
        db: A cursor inside an immediate transaction.
        rows: The rows.
        spaces: The cache of each field's space; a field's first vector adds one.
        store: The store's name for messages.
        now_s: Seconds since the Unix epoch.

    Raises:
        ConflictingId: An id belongs to different content.
        UnknownSpace: A vector's space differs from its field's space.
    """
    newest, now_s = _begin(db, spaces, now_s)
    appended = []
    for row in rows:
        appended.append(_write_row(db, row, newest + 1, now_s, spaces, store))
        if not appended[-1].is_duplicate:
            newest += 1
            spaces.newest = newest, now_s
    return appended


def write_recorded(
    db: Executing,
    rows: Sequence[EntryRow],
    spaces: Spaces,
    *,
    store: str,
    now_s: float,
    times_s: Sequence[float | None],
) -> list[Appended]:
    """Like `write`, with a recording time for each row; None: `now_s`."""
    appended = []
    for row, time_s in zip(rows, times_s, strict=True):
        appended += write(db, [row], spaces, store=store, now_s=now_s if time_s is None else time_s)
    return appended


def write_each(
    db: Executing, rows: Sequence[EntryRow], spaces: Spaces, *, store: str, now_s: float
) -> list[Appended | StoreError]:
    """Like `write`, but return the error of a rejected row and write the others."""
    newest, now_s = _begin(db, spaces, now_s)
    results: list[Appended | StoreError] = []
    for row in rows:
        try:
            appended = _write_row(db, row, newest + 1, now_s, spaces, store)
        except (ConflictingId, UnknownSpace) as error:
            results.append(error)
        else:
            results.append(appended)
            if not appended.is_duplicate:
                newest += 1
                spaces.newest = newest, now_s
    return results


def kept_already(db: Executing, row: EntryRow, store: str) -> Appended | None:
    """Return the sequence number of the same entry if it is stored already; None if its id is free.

    Raises:
        ConflictingId: The id belongs to different content.
    """
    found = db.execute("SELECT sequence, digest FROM entries WHERE id = ?", (row.id,)).fetchone()
    if found is None:
        return None
    if found[1] != row.digest:
        raise conflicting_id(row.id, store)
    return Appended(int(found[0]), is_duplicate=True)


def check_spaces(db: Executing, vectors: Sequence[VectorRow], spaces: Spaces, store: str) -> None:
    """Reject vectors whose space differs from their field's space.

    Raises:
        UnknownSpace: A vector's space differs.
    """
    for field, space, _ in vectors:
        held = spaces.get(field)
        if held is None:
            held = _read_space(db, field)  # another process may have added it
            if held is not None:
                spaces[field] = held
        if held is not None and held[1] is not space:
            if held[1] != space:
                raise unknown_space(store, field, held=held[1], given=space)
            spaces[field] = held[0], space  # the next vector most likely has the same object


def read_spaces(db: Executing) -> Spaces:
    """Read the id and space of each field that has vectors."""
    spaces = Spaces()
    spaces.generation = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0]
    for space_id, field, *columns in db.execute(f"SELECT id, {_SPACE_COLUMNS} FROM spaces"):
        spaces[field] = (space_id, _space_of(*columns))
    return spaces


def _read_space(db: Executing, field: str) -> tuple[int, Space] | None:
    """Read the id and space of one field; None if it has no vectors yet."""
    found = db.execute(f"SELECT id, {_SPACE_COLUMNS} FROM spaces WHERE field = ?", (field,)).fetchone()
    return None if found is None else (found[0], _space_of(*found[2:]))


def _space_of(name: str, version: str, config_hash: str, dimension: int, metric: str) -> Space:
    return Space(
        name=name, version=version, config_hash=config_hash, dimension=dimension, metric=Metric(metric)
    )


def write_space(db: Executing, field: str, space: Space) -> int:
    """Insert the space of a field; return its id."""
    values = (field, space.name, space.version, space.config_hash, space.dimension, space.metric.value)
    cursor = db.execute(f"INSERT INTO spaces ({_SPACE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)
    return int(cursor.lastrowid or 0)


def digest_of(kind: str, payload: str, texts: str, vectors: Sequence[FieldVector]) -> bytes:
    """Hash the whole content; each part is preceded by its length, so that the encoding is unambiguous."""
    return _digest(kind, payload, texts, map(_vector_row, vectors))


def _digest(kind: str, payload: str, texts: str, vectors: Iterable[VectorRow]) -> bytes:
    written, searched = payload.encode(), texts.encode()
    parts = [_head(kind), _size(len(written)), written, _size(len(searched)), searched]
    for field, space, data in vectors:
        parts += [_vector_head(field, space), _size(len(data)), data]
    return blake2b(b"".join(parts), digest_size=16).digest()


_size = struct.Struct("<Q").pack


@lru_cache(maxsize=256)
def _head(text: str) -> bytes:
    written = text.encode()
    return _size(len(written)) + written


@lru_cache(maxsize=256)
def _vector_head(field: str, space: Space) -> bytes:
    return _head(field) + _head(repr(space))


def _vector_row(vector: FieldVector) -> VectorRow:
    values = vector.values
    data = values.tobytes() if values.dtype is _STORED else values.astype(_STORED).tobytes()
    return VectorRow(vector.field, vector.space, data)


def _vector_rows(entry: Entry) -> tuple[VectorRow, ...]:
    """Encode the entry's vectors.

    Raises:
        InvalidRecord: A field has two vectors, or there are more than `MAX_VECTORS`.
    """
    rows = tuple(map(_vector_row, entry.vectors))
    if len(rows) > 1:
        fields = [row.field for row in rows]
        if len(set(fields)) < len(fields):
            raise InvalidRecord(f"entry {entry.id!r} has two vectors of one field: {sorted(fields)}")
        if len(fields) > MAX_VECTORS:
            raise InvalidRecord(f"entry {entry.id!r} has {len(fields):,} vectors; {MAX_VECTORS:,} fit")
    return rows


def _check_texts(entry: Entry) -> None:
    """Reject an entry whose id, kind or searchable texts are not text.

    Raises:
        InvalidRecord: One of them is not text, or the id is empty.
    """
    check_text(entry.id, field="entry.id")
    check_text(entry.kind, field="entry.kind")
    if not entry.id:
        raise InvalidRecord("entry.id is empty; expected a unique text")
    for name, text in entry.texts.items():
        check_text(name, field="a name in entry.texts")
        check_text(text, field=f"entry.texts.{name}")


def _begin(db: Executing, spaces: Spaces, now_s: float) -> tuple[int, float]:
    """Return the newest sequence number ever given, and the next recording time: never before the newest."""
    (version,) = db.execute("PRAGMA data_version").fetchone()
    if spaces.newest is None or spaces.version != version:
        newest, newest_s, generation = db.execute(_NEWEST).fetchone()
        if spaces.generation != generation:  # a field may have a new space
            spaces.clear()
            spaces.generation = generation
        spaces.newest, spaces.version = (newest, newest_s), version
    newest, newest_s = spaces.newest
    return newest, max(now_s, newest_s)


def conflicting_id(identity: str, store: str) -> ConflictingId:
    """Return the error for an id that belongs to different content."""
    return ConflictingId(
        f"{identity!r} is already in {store} with other content, which is kept; write this content under "
        "another id"
    )


def _write_row(
    db: Executing, row: EntryRow, sequence: int, now_s: float, spaces: Spaces, store: str
) -> Appended:
    """Insert a row unless it is stored already; after an error nothing of it is written."""
    try:
        check_spaces(db, row.vectors, spaces, store)
    except UnknownSpace:
        kept = kept_already(db, row, store)  # a conflicting id is the more useful error
        if kept is None:
            raise
        return kept
    if _insert(db, row, sequence, now_s).rowcount != 1:
        kept = kept_already(db, row, store)
        assert kept is not None, "the insert has just found the id taken, in this transaction"
        return kept
    db.execute(_INSERT_CONTENT, (sequence, row.payload, row.texts))
    for key, vector in enumerate(row.vectors, sequence << VECTORS_BITS):
        if vector.field not in spaces:
            spaces[vector.field] = (write_space(db, vector.field, vector.space), vector.space)
        db.execute(_INSERT_VECTOR, (key, spaces[vector.field][0], bytearray(vector.data)))
    return Appended(sequence, is_duplicate=False)


def _insert(db: Executing, row: EntryRow, sequence: int, now_s: float) -> sqlite3.Cursor:
    """Insert a row into the table `entries`, unless its id is taken.

    `sqlite3` looks for an adapter of bytes and None, which takes five times as long as a bytearray.
    """
    values = (sequence, row.id, row.kind, bytearray(row.digest), now_s, *row.columns)
    if row.subject is None:
        return db.execute(_INSERT_ENTRY, values)
    return db.execute(_INSERT_ENTRY_ABOUT, (*values, row.subject))
