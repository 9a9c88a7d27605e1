"""Reads of entries and vectors from the tables of the log."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from embodied_mem.backends.sqlite.rows import Spaces, digest_of, read_spaces
from embodied_mem.backends.sqlite.schema import MAX_VECTORS, VECTORS_BITS
from embodied_mem.records.log import Entry, Logged
from embodied_mem.records.spaces import FieldVector, Space, stored_vector

SOURCE = "entries JOIN contents USING (sequence)"
_COLUMNS = "sequence, id, entry_kind, payload, texts"


def read(
    db: sqlite3.Connection, condition: str, parameters: Sequence[str | int | float], spaces: Spaces
) -> list[Logged]:
    """Return entries with their vectors.

    Args:
        db: A connection inside a transaction.
        condition: The SQL after WHERE, over the columns of `entries` and `contents`.
        parameters: The values of the `?` in it.
        spaces: The cache of each field's space; missing ones are added.
    """
    rows = db.execute(f"SELECT {_COLUMNS} FROM {SOURCE} WHERE {condition}", parameters).fetchall()
    if not rows:
        return []
    vectors = read_vectors(db, [row[0] for row in rows], spaces)
    documents = iter(_documents([text for *_, payload, texts in rows for text in (payload, texts)]))
    return [
        Logged(
            sequence,
            Entry(
                id=identity,
                kind=kind,
                payload=next(documents),
                texts=next(documents),
                vectors=vectors.get(sequence, ()),
            ),
        )
        for sequence, identity, kind, _, _ in rows
    ]


def _documents(texts: list[str]) -> list[Any]:
    """Parse JSON texts joined into one list, in half the time of one by one.

    Raises:
        json.JSONDecodeError: One of them is damaged.
    """
    joined = f"[{','.join(texts)}]"
    documents: list[Any] = json.loads(joined)
    if len(documents) != len(texts):
        raise json.JSONDecodeError("one of several texts is not one JSON value", joined, 0)
    return documents


def get(db: sqlite3.Connection, keys: Sequence[str | int], spaces: Spaces) -> list[Logged | None]:
    """Return the entries of these ids (str) or sequence numbers (int), in order; None if not found."""
    wanted = [key if isinstance(key, int) else _sequence_of(db, key) for key in keys]
    among = json.dumps([sequence for sequence in wanted if sequence is not None])
    found = read(db, "sequence IN (SELECT value FROM json_each(?))", (among,), spaces)
    by_sequence = {logged.sequence: logged for logged in found}
    return [None if sequence is None else by_sequence.get(sequence) for sequence in wanted]


def _sequence_of(db: sqlite3.Connection, identity: str) -> int | None:
    try:
        found = db.execute("SELECT sequence FROM entries WHERE id = ?", (identity,)).fetchone()
    except UnicodeEncodeError:  # a lone surrogate, which no stored id has
        return None
    return None if found is None else int(found[0])


def read_vectors(
    db: sqlite3.Connection, sequences: Sequence[int], spaces: Spaces
) -> dict[int, tuple[FieldVector, ...]]:
    """Return the vectors of these entries in recorded order; entries without vectors are omitted."""
    rows = db.execute(
        f"""SELECT vectors.key, space_id, data FROM json_each(?) AS wanted CROSS JOIN vectors
        WHERE vectors.key BETWEEN wanted.value << {VECTORS_BITS}
            AND (wanted.value << {VECTORS_BITS}) + {MAX_VECTORS - 1}""",
        (json.dumps(sequences),),
    ).fetchall()
    held = _by_id(db, spaces, {space_id for _, space_id, _ in rows})
    vectors: dict[int, tuple[FieldVector, ...]] = {}
    for key, space_id, data in rows:
        field, space = held[space_id]
        vector = stored_vector(field, space, data)
        sequence = key >> VECTORS_BITS
        vectors[sequence] = (*vectors.get(sequence, ()), vector)
    return vectors


def vectors_after(
    db: sqlite3.Connection, field: str, sequence: int, *, last: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Iterate over (sequence number, little-endian float32 bytes) of a field's vectors, oldest first.

    Args:
        db: A connection inside a transaction.
        field: The field.
        sequence: Only entries after this one.
        last: Only entries up to this one; None: no limit.
    """
    limit = 2**63 - 1 if last is None else ((last + 1) << VECTORS_BITS) - 1
    return db.execute(
        f"""SELECT key >> {VECTORS_BITS}, data FROM vectors
        WHERE key > ? AND key <= ? AND space_id = (SELECT id FROM spaces WHERE field = ?) ORDER BY key""",
        (((sequence + 1) << VECTORS_BITS) - 1, limit, field),
    )


def texts_after(db: sqlite3.Connection, sequence: int) -> Iterator[tuple[int, str, str]]:
    """Iterate over (sequence number, kind, texts as JSON) of entries after this one, oldest first."""
    return db.execute(
        f"SELECT sequence, entry_kind, texts FROM {SOURCE} WHERE sequence > ? ORDER BY sequence", (sequence,)
    )


def damaged(db: sqlite3.Connection, first: int, last: int) -> list[int]:
    """Return sequence numbers from first to last whose content is missing or does not match its hash."""
    rows = db.execute(
        """SELECT sequence, entry_kind, digest, CAST(payload AS BLOB), CAST(texts AS BLOB)
        FROM entries LEFT JOIN contents USING (sequence) WHERE sequence BETWEEN ? AND ? ORDER BY sequence""",
        (first, last),
    ).fetchall()
    vectors = _readable_vectors(db, [row[0] for row in rows])
    return [
        sequence
        for sequence, kind, digest, payload, texts in rows
        if not _is_sound(kind, digest, payload, texts, vectors.get(sequence, ()))
    ]


def _readable_vectors(db: sqlite3.Connection, sequences: Sequence[int]) -> dict[int, tuple[FieldVector, ...]]:
    """Return the vectors by entry, without entries that have a vector of unknown space or wrong length."""
    try:
        return read_vectors(db, sequences, Spaces())
    except (ValueError, KeyError):
        if len(sequences) == 1:
            return {}
    halves = sequences[: len(sequences) // 2], sequences[len(sequences) // 2 :]
    return {at: found for half in halves for at, found in _readable_vectors(db, half).items()}


def _is_sound(kind: str, digest: bytes, payload: bytes, texts: bytes, vectors: Sequence[FieldVector]) -> bool:
    try:
        return digest_of(kind, payload.decode(), texts.decode(), vectors) == digest
    except (ValueError, AttributeError):  # not text, or no content
        return False


def _by_id(db: sqlite3.Connection, spaces: Spaces, ids: set[int]) -> dict[int, tuple[str, Space]]:
    held = {space_id: (field, space) for field, (space_id, space) in spaces.items()}
    if not ids <= held.keys():
        spaces.update(read_spaces(db))
        held = {space_id: (field, space) for field, (space_id, space) in spaces.items()}
    return held
