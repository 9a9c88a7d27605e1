"""The log in one SQLite file, durable and shared by processes."""

from embodied_mem.backends.sqlite.backend import (
    SqliteBackend,
)

__all__ = [
    "SqliteBackend",
]
