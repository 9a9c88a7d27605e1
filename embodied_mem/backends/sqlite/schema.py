"""The tables of the SQLite log, and the schema version that this library writes.

An entry is split over three tables, so that a commit touches few pages and a filter reads little:

- `entries`, narrow: its id, kind, hash, time, and the columns that filters compare.
- `contents`, wide: its payload and searchable texts as JSON.
- `vectors`: one row per vector with the key `sequence * 2**15 + position in the entry`, so that the vectors
  of an entry are adjacent and in order without a separate index.
"""

from embodied_mem.backends.sqlite.filter_columns import NUMBER_COLUMNS, TEXT_COLUMNS

APPLICATION_ID = 0x454D454D  # "EMEM" in the file header, so that `file` and this library recognise it
SCHEMA_VERSION = 2

VECTORS_BITS = 15  # low bits of a vector's key: its position in the entry; the rest: the sequence number
MAX_VECTORS = 1 << VECTORS_BITS  # of one entry

FILTER_COLUMNS = (*TEXT_COLUMNS.values(), *NUMBER_COLUMNS.values())

# No AUTOINCREMENT: its counter would add a page to each commit. `meta.last_deleted` prevents the reuse of a
# number. Filter columns have no type, so that integers and floats stay distinct, as in the payload.
TABLES = f"""
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    entry_kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    recorded_at_s REAL NOT NULL,
    subject TEXT,
    {", ".join(FILTER_COLUMNS)}
);
CREATE INDEX entries_by_subject ON entries (subject) WHERE subject IS NOT NULL;
CREATE TABLE contents (
    sequence INTEGER PRIMARY KEY REFERENCES entries (sequence),
    payload TEXT NOT NULL,
    texts TEXT NOT NULL
);
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    field TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    metric TEXT NOT NULL
);
CREATE TABLE vectors (
    key INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL REFERENCES spaces (id),
    data BLOB NOT NULL
);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0), ('last_deleted', 0);
"""

STATEMENTS = tuple(statement.strip() for statement in TABLES.split(";\n") if statement.strip())
