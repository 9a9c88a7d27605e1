"""Entries of the log to rows of the tables, and back."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.backends.where_sql import Parameter, column_values
from embodied_mem.errors import ConflictingId, InvalidRecord, UnknownSpace
from embodied_mem.json_values import canonical, check_text, to_json_object
from embodied_mem.log import Appended, Entry, Logged
from embodied_mem.spaces import FieldVector, Metric, Space

Spaces: TypeAlias = dict[str, tuple[int, Space]]  # field -> (id, space)

ENTRY_COLUMNS = "sequence, id, entry_kind, payload, texts"
_SPACE_COLUMNS = "field, name, version, config_hash, dimension, metric"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry made ready outside the transaction, so that the lock is held for the writing alone."""

    entry: Entry
    payload: str
    texts: str
    digest: bytes
    columns: Mapping[str, Parameter | None]

    @classmethod
    def of(cls, entry: Entry) -> "EntryRow":
        """The row of an entry.

        Raises:
            InvalidRecord: Something in it is not text or JSON, or a field has two vectors.
        """
        check_text(entry.id, field="entry.id")
        check_text(entry.kind, field="entry.kind")
        if not entry.id:
            raise InvalidRecord("entry.id is empty; expected a unique text")
        texts = {
            name: check_text(text, field=f"entry.texts.{name}") for name, text in entry.texts.items() if text
        }
        fields = [vector.field for vector in entry.vectors]
        if len(set(fields)) < len(fields):
            raise InvalidRecord(f"entry {entry.id!r} has two vectors of one field: {sorted(fields)}")
        payload = to_json_object(entry.payload, field="payload")
        spelt = canonical(payload), canonical(dict(texts))
        return cls(entry, *spelt, _digest(entry, *spelt), column_values(payload))


def write(db: sqlite3.Connection, row: EntryRow, spaces: Spaces, store: str) -> Appended:
    """Insert a row, or find it there already.

    Args:
        db: A connection inside an immediate transaction.
        row: What to write.
        spaces: The space of each field; grows when a field gets its first vector.
        store: The store's name for messages.

    Raises:
        ConflictingId: The id is taken by different content.
        UnknownSpace: A vector's space differs from the one its field has.
    """
    found = db.execute("SELECT sequence, digest FROM entries WHERE id = ?", (row.entry.id,)).fetchone()
    if found is not None:
        if found[1] != row.digest:
            raise ConflictingId(
                f"{row.entry.id!r} is already in {store} with other content, which is kept; write this "
                "content under an id of its own"
            )
        return Appended(found[0], is_duplicate=True)
    values = (row.entry.id, row.entry.kind, row.digest, row.payload, row.texts, *row.columns.values())
    names = f"id, entry_kind, digest, payload, texts, {', '.join(row.columns)}"
    cursor = db.execute(f"INSERT INTO entries ({names}) VALUES ({', '.join('?' * len(values))})", values)
    sequence = int(cursor.lastrowid or 0)
    for vector in row.entry.vectors:
        space_id = _space_id(db, vector, spaces, store)
        data = vector.values.astype("<f4").tobytes()
        db.execute("INSERT INTO vectors VALUES (?, ?, ?, ?)", (sequence, vector.field, space_id, data))
    return Appended(sequence, is_duplicate=False)


def read(
    db: sqlite3.Connection, condition: str, parameters: Sequence[Parameter], spaces: Spaces
) -> list[Logged]:
    """Entries with their vectors, in the order of writing; `spaces` takes up those that it lacks."""
    query = f"SELECT {ENTRY_COLUMNS} FROM entries WHERE {condition}"
    rows = db.execute(query, parameters).fetchall()
    if not rows:
        return []
    vectors = _read_vectors(db, rows[0][0], rows[-1][0], spaces)
    return [
        Logged(sequence, _entry(identity, kind, payload, texts, vectors.get(sequence, ())))
        for sequence, identity, kind, payload, texts in rows
    ]


def read_spaces(db: sqlite3.Connection) -> Spaces:
    """The space of each field that ever had a vector."""
    rows = db.execute(f"SELECT id, {_SPACE_COLUMNS} FROM spaces")
    return {
        field: (
            space_id,
            Space(
                name=name,
                version=version,
                config_hash=config_hash,
                dimension=dimension,
                metric=Metric(metric),
            ),
        )
        for space_id, field, name, version, config_hash, dimension, metric in rows
    }


def unknown_space(store: str, field: str, *, held: Space, given: Space) -> UnknownSpace:
    """The error for a vector of another space than the field's, naming both and the way out."""
    return UnknownSpace(
        f"field {field!r} of {store} holds vectors of {held}; the given one lies in {given}. Use the store's "
        "embedder, give this vector a field name of its own, or record again into a new store."
    )


def _space_id(db: sqlite3.Connection, vector: FieldVector, spaces: Spaces, store: str) -> int:
    if vector.field not in spaces:
        spaces.update(read_spaces(db))  # another process may have been first
    if vector.field not in spaces:
        space = vector.space
        values = (
            vector.field,
            space.name,
            space.version,
            space.config_hash,
            space.dimension,
            space.metric.value,
        )
        cursor = db.execute(
            f"INSERT INTO spaces ({_SPACE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        spaces[vector.field] = (int(cursor.lastrowid or 0), space)
    space_id, held = spaces[vector.field]
    if held != vector.space:
        raise unknown_space(store, vector.field, held=held, given=vector.space)
    return space_id


def _read_vectors(
    db: sqlite3.Connection, first: int, last: int, spaces: Spaces
) -> dict[int, list[FieldVector]]:
    rows: list[tuple[Any, ...]] = db.execute(
        "SELECT sequence, field, data FROM vectors WHERE sequence BETWEEN ? AND ? ORDER BY rowid",
        (first, last),
    ).fetchall()
    if any(field not in spaces for _, field, _ in rows):
        spaces.update(read_spaces(db))
    vectors: dict[int, list[FieldVector]] = {}
    for sequence, field, data in rows:
        vector = FieldVector(field=field, space=spaces[field][1], values=np.frombuffer(data, "<f4"))
        vectors.setdefault(sequence, []).append(vector)
    return vectors


def _entry(identity: str, kind: str, payload: str, texts: str, vectors: Sequence[FieldVector]) -> Entry:
    return Entry(
        id=identity, kind=kind, payload=json.loads(payload), texts=json.loads(texts), vectors=tuple(vectors)
    )


def _digest(entry: Entry, payload: str, texts: str) -> bytes:
    """A hash of the whole content; each part with its length, so that no two contents spell the same."""
    parts = [entry.kind.encode(), payload.encode(), texts.encode()]
    for vector in entry.vectors:
        parts += [vector.field.encode(), repr(vector.space).encode(), vector.values.astype("<f4").tobytes()]
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
