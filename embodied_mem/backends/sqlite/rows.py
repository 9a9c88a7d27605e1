"""Entries of the log made ready for the tables, and written into them."""

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
    """Field -> (id under which its vectors are kept, space); a cache of the table of that name.

    Attributes:
        generation: The store's number when it was read; another number makes it void.
        newest: The newest sequence number ever given, and when its entry was recorded; None if unknown.
        version: Which `PRAGMA data_version` that was; another connection's commit gives another one.
    """

    generation: int = 0
    newest: tuple[int, float] | None = None
    version: int = 0

    def forget(self) -> None:
        """Read everything again; what was rolled back, or written elsewhere than in here, is not known."""
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
    """A vector as it is written: its field, its space, and its values as little-endian float32."""

    field: str
    space: Space
    data: bytes


class EntryRow(NamedTuple):
    """An entry made ready outside the transaction, so that the lock is held for the writing alone.

    Only texts, bytes and tuples of them, because many may wait: Python's collector of garbage looks again and
    again at what could hold a cycle.
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
        """The row of an entry.

        Raises:
            InvalidRecord: Something in it is not text or JSON, or a field has two vectors.
        """
        vectors = _vector_rows(entry)
        _check_texts(entry)
        plain, payload = _payload_json(entry)
        texts = canonical({name: text for name, text in entry.texts.items() if text})
        digest = _digest(entry.kind, payload, texts, vectors)
        columns = tuple(column_values(plain).values())
        return cls(entry.id, entry.kind, payload, texts, digest, _subject(plain), columns, vectors)


def _payload_json(entry: Entry) -> tuple[JsonObject, str]:
    """Its payload as plain JSON, and the text of that.

    Raises:
        InvalidRecord: A value in it is not JSON.
    """
    if entry.is_checked:
        with suppress(TypeError, ValueError, RecursionError):  # changed since then: say what is wrong with it
            return entry.payload, canonical(entry.payload)
    plain = to_json_object(entry.payload, field="payload")
    return plain, canonical(plain)


def _subject(payload: JsonObject) -> str | None:
    about = payload.get("experience_id")
    return about if isinstance(about, str) else None


def write(
    db: Executing, rows: Sequence[EntryRow], spaces: Spaces, *, store: str, now_s: float
) -> list[Appended]:
    """Insert rows, or find them there already.

    Args:
        db: A cursor inside an immediate transaction.
        rows: What to write.
        spaces: The space of each field; grows when a field gets its first vector.
        store: The store's name for messages.
        now_s: Seconds since the Unix epoch.

    Raises:
        ConflictingId: An id is taken by different content.
        UnknownSpace: A vector's space differs from the one its field has.
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
    """Like `write`, but each row has the time at which it was recorded elsewhere; None stands for `now_s`."""
    appended = []
    for row, time_s in zip(rows, times_s, strict=True):
        appended += write(db, [row], spaces, store=store, now_s=now_s if time_s is None else time_s)
    return appended


def write_each(
    db: Executing, rows: Sequence[EntryRow], spaces: Spaces, *, store: str, now_s: float
) -> list[Appended | StoreError]:
    """Like `write`, but a row that is refused gives its error, and the others are written all the same."""
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
    """Where the same entry is kept already; None if its id is free.

    Raises:
        ConflictingId: The id is taken by different content.
    """
    found = db.execute("SELECT sequence, digest FROM entries WHERE id = ?", (row.id,)).fetchone()
    if found is None:
        return None
    if found[1] != row.digest:
        raise conflicting_id(row.id, store)
    return Appended(int(found[0]), is_duplicate=True)


def check_spaces(db: Executing, vectors: Sequence[VectorRow], spaces: Spaces, store: str) -> None:
    """Refuse a vector of another space than its field has.

    Raises:
        UnknownSpace: It is one.
    """
    for field, space, _ in vectors:
        held = spaces.get(field)
        if held is None:
            spaces.update(read_spaces(db))  # another process may have been first
            held = spaces.get(field)
        if held is not None and held[1] is not space:
            if held[1] != space:
                raise unknown_space(store, field, held=held[1], given=space)
            spaces[field] = held[0], space  # the next vector has most likely this very object


def read_spaces(db: Executing) -> Spaces:
    """The space of each field that has vectors."""
    spaces = Spaces()
    spaces.generation = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0]
    for space_id, field, name, version, config, dimension, metric in db.execute(
        f"SELECT id, {_SPACE_COLUMNS} FROM spaces"
    ):
        space = Space(
            name=name, version=version, config_hash=config, dimension=dimension, metric=Metric(metric)
        )
        spaces[field] = (space_id, space)
    return spaces


def write_space(db: Executing, field: str, space: Space) -> int:
    """Give a field its space; the id under which its vectors are kept."""
    values = (field, space.name, space.version, space.config_hash, space.dimension, space.metric.value)
    cursor = db.execute(f"INSERT INTO spaces ({_SPACE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)
    return int(cursor.lastrowid or 0)


def digest_of(kind: str, payload: str, texts: str, vectors: Sequence[FieldVector]) -> bytes:
    """A hash of the whole content; each part with its length, so that no two contents spell the same."""
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
    """Its vectors as they are written.

    Raises:
        InvalidRecord: There are two of one field, or more than fit.
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
        InvalidRecord: One of them is not, or the id is empty.
    """
    check_text(entry.id, field="entry.id")
    check_text(entry.kind, field="entry.kind")
    if not entry.id:
        raise InvalidRecord("entry.id is empty; expected a unique text")
    for name, text in entry.texts.items():
        check_text(name, field="a name in entry.texts")
        check_text(text, field=f"entry.texts.{name}")


def _begin(db: Executing, spaces: Spaces, now_s: float) -> tuple[int, float]:
    """The newest sequence number ever given, and the time of the next entry: not before the newest one's."""
    (version,) = db.execute("PRAGMA data_version").fetchone()
    if spaces.newest is None or spaces.version != version:
        newest, newest_s, generation = db.execute(_NEWEST).fetchone()
        if spaces.generation != generation:  # vectors of another space may have been put in their place
            spaces.clear()
            spaces.generation = generation
        spaces.newest, spaces.version = (newest, newest_s), version
    newest, newest_s = spaces.newest
    return newest, max(now_s, newest_s)


def conflicting_id(identity: str, store: str) -> ConflictingId:
    """The error for an id that is taken by other content."""
    return ConflictingId(
        f"{identity!r} is already in {store} with other content, which is kept; write this content under an "
        "id of its own"
    )


def _write_row(
    db: Executing, row: EntryRow, sequence: int, now_s: float, spaces: Spaces, store: str
) -> Appended:
    """Insert a row or find it there; where an error is raised, nothing of it was written."""
    try:
        check_spaces(db, row.vectors, spaces, store)
    except UnknownSpace:
        kept = kept_already(db, row, store)  # that an id is taken says more than that a vector does not fit
        if kept is None:
            raise
        return kept
    if _insert(db, row, sequence, now_s).rowcount != 1:
        kept = kept_already(db, row, store)
        assert kept is not None, "the id was taken a moment ago, in the same transaction"
        return kept
    db.execute(_INSERT_CONTENT, (sequence, row.payload, row.texts))
    for key, vector in enumerate(row.vectors, sequence << VECTORS_BITS):
        if vector.field not in spaces:
            spaces[vector.field] = (write_space(db, vector.field, vector.space), vector.space)
        db.execute(_INSERT_VECTOR, (key, spaces[vector.field][0], bytearray(vector.data)))
    return Appended(sequence, is_duplicate=False)


def _insert(db: Executing, row: EntryRow, sequence: int, now_s: float) -> sqlite3.Cursor:
    """Insert a row into the table of entries, unless its id is taken.

    For what is bytes or None, `sqlite3` first looks for an adapter, in five times the time of a bytearray.
    """
    values = (sequence, row.id, row.kind, bytearray(row.digest), now_s, *row.columns)
    if row.subject is None:
        return db.execute(_INSERT_ENTRY, values)
    return db.execute(_INSERT_ENTRY_ABOUT, (*values, row.subject))
