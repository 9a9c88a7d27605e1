"""The tables of the SQLite log: what is in them, and which version of them this library writes.

An entry is spread over three tables, so that a commit touches few pages and a filter reads little:

- `entries`, narrow: its id, kind, hash, time, and the columns that filters compare.
- `contents`, wide: its payload and searchable texts as JSON.
- `vectors`: one row a vector under `sequence * 2**15 + position in the entry`, so that those of an
  entry lie together, in their order, without an index of their own.
"""

from embodied_mem.backends.sqlite.filter_columns import NUMBER_COLUMNS, TEXT_COLUMNS

APPLICATION_ID = 0x454D454D  # "EMEM" in the header of the file, so that `file` and we know it
SCHEMA_VERSION = 2

VECTORS_BITS = 15  # of a vector's key are its position in the entry; the rest is the sequence number
MAX_VECTORS = 1 << VECTORS_BITS  # of one entry

FILTER_COLUMNS = (*TEXT_COLUMNS.values(), *NUMBER_COLUMNS.values())

# No AUTOINCREMENT: its counter would be one more page a commit. `meta.last_deleted` keeps a number from being
# given twice. A filter column without a type keeps integers and floats apart, as the payload does.
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
