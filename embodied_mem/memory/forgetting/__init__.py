"""Forgetting policies, which rank memories for removal; they implement `contracts.Forgetting`."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Forgetting
from embodied_mem.memory.forgetting.ebbinghaus import ARCHIVE_BELOW, Ebbinghaus
from embodied_mem.memory.forgetting.eviction import evict
from embodied_mem.memory.forgetting.fifo import Fifo
from embodied_mem.memory.forgetting.keep_all import KeepAll
from embodied_mem.memory.forgetting.lfu import Lfu
from embodied_mem.memory.forgetting.lru import Lru
from embodied_mem.memory.forgetting.utility import Utility
from embodied_mem.memory.forgetting.w_tiny_lfu import WTinyLfu
from embodied_mem.records.remembered import Remembered

__all__ = [
    "ARCHIVE_BELOW",
    "Ebbinghaus",
    "Fifo",
    "KeepAll",
    "Lfu",
    "Lru",
    "Remembered",
    "Utility",
    "WTinyLfu",
    "evict",
    "make_forgetting",
]


def make_forgetting(name: str, **options: Any) -> Forgetting:
    """Build the forgetting policy registered under a name.

    Args:
        name: Registered name, such as "lru".
        **options: Keyword arguments of the policy.

    Raises:
        UnknownName: The name is not registered; the message gives the nearest names.
    """
    policy: Forgetting = registry.load("forgetting", name)(**options)
    return policy
