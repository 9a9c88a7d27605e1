"""A store on disk: opening, maintaining and copying it."""

from embodied_mem.backends.sqlite.disk import FILE_NAME
from embodied_mem.store.memory_store import MemoryStore, Progress
from embodied_mem.store.stats import StoreStats

__all__ = ["FILE_NAME", "MemoryStore", "Progress", "StoreStats"]
