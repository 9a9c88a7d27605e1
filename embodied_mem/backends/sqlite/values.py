"""Reads of single values without decoding whole entries; derived views are built from them."""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from embodied_mem.backends.sqlite.filter_columns import NUMBER_COLUMNS, TEXT_COLUMNS, json_path
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind

_COLUMNS = {**TEXT_COLUMNS, **NUMBER_COLUMNS, "experience_id": "subject"}  # path -> column of plain values


def values_since(
    db: sqlite3.Connection, sequence: int, kinds: Sequence[str], paths: Sequence[str]
) -> Iterator[tuple[int, str, list[JsonValue]]]:
    """Iterate over (sequence number, kind, values) of entries after a sequence number, oldest first.

    Args:
        db: A connection inside a transaction that stays open during the iteration.
        sequence: Only entries after this one.
        kinds: Only entries of these kinds.
        paths: Dotted paths into the payload.
    """
    expressions = [_COLUMNS.get(path, "payload -> ?") for path in paths]
    source = (
        "entries" if "payload -> ?" not in expressions else "entries CROSS JOIN contents USING (sequence)"
    )
    rows = db.execute(
        f"SELECT sequence, entry_kind, {', '.join(expressions)} FROM {source} "
        f"WHERE sequence > ? AND entry_kind IN ({', '.join('?' * len(kinds))}) ORDER BY sequence",
        [*(json_path(path) for path in paths if path not in _COLUMNS), sequence, *kinds],
    )
    is_json = [path not in _COLUMNS for path in paths]
    for at, kind, *values in rows:
        pairs = zip(values, is_json, strict=True)
        yield at, kind, [json.loads(v) if decode and v is not None else v for v, decode in pairs]


def sequences_of(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """Return the sequence numbers of experiences by id; unknown ids are omitted."""
    query = """SELECT entries.id, sequence FROM json_each(?) AS wanted
    CROSS JOIN entries ON entries.id = wanted.value
    WHERE entry_kind = ?"""
    return dict(db.execute(query, (json.dumps(list(ids)), EntryKind.EXPERIENCE.value)).fetchall())
