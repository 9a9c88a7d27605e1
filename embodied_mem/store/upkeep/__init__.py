"""Upkeep of a store: history, archive, purge, retention, attachments, checks, re-embedding.

`MemoryStore` has a method for each. Exported here are `Retention`, which is an argument of one, and functions
for a store that cannot be opened or that a killed process left.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.store.upkeep.check import check_folder
    from embodied_mem.store.upkeep.purge import finish_purges
    from embodied_mem.store.upkeep.retention import Retention

_HOMES = {"Retention": "retention", "check_folder": "check", "finish_purges": "purge"}

__all__ = ["Retention", "check_folder", "finish_purges"]


def __getattr__(name: str) -> Any:  # imported on first use: most programs need none
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
