"""The index: what a search compares against, in memory; a cache of the log that can always be rebuilt."""

from embodied_mem.index.index_options import IndexOptions

__all__ = ["IndexOptions"]
