"""The in-memory index that searches use: a cache that can always be rebuilt from the log."""

from embodied_mem.index.index_options import IndexOptions

__all__ = ["IndexOptions"]
