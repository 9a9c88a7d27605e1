"""Choice of the memories to remove, by the retention values of a policy."""

import math
from typing import TYPE_CHECKING

from embodied_mem.errors import InvalidQuery

if TYPE_CHECKING:
    from embodied_mem.contracts import Forgetting  # which imports this folder


def weakest(policy: "Forgetting", *, at: float, n: int) -> list[str]:
    """Return the n ids with the lowest finite retention; ties: first listed.

    Raises:
        InvalidQuery: n is negative.
    """
    if n < 0:
        raise InvalidQuery(f"n is {n}; expected at least 0")
    retention = policy.retention(at=at)
    order = sorted(
        (item_id for item_id in retention if retention[item_id] < math.inf), key=retention.__getitem__
    )
    return order[:n]


def below_threshold(policy: "Forgetting", *, at: float, threshold: float) -> list[str]:
    """Return the ids with a retention below a threshold, lowest first."""
    retention = policy.retention(at=at)
    return sorted(
        (item_id for item_id in retention if retention[item_id] < threshold), key=retention.__getitem__
    )


def evict(policy: "Forgetting", *, at: float, n: int = 1) -> list[str]:
    """Remove the n weakest items from the policy and return their ids."""
    gone = weakest(policy, at=at, n=n)
    for item_id in gone:
        policy.removed(item_id)
    return gone
