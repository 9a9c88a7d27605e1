"""A store on disk: opening, looking after and copying it."""

from embodied_mem.store.memory_store import (
    MemoryStore,
)

__all__ = [
    "MemoryStore",
]
