"""Which memories to let go of, by the retention that a policy gives them."""

import math
from typing import TYPE_CHECKING

from embodied_mem.errors import InvalidQuery

if TYPE_CHECKING:
    from embodied_mem.contracts import Forgetting  # which imports this folder


def weakest(policy: "Forgetting", *, at: float, n: int) -> list[str]:
    """The n that go first: lowest retention, of equals the first listed; what is at infinity never goes.

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
    """Those whose retention is below a threshold, lowest first."""
    retention = policy.retention(at=at)
    return sorted(
        (item_id for item_id in retention if retention[item_id] < threshold), key=retention.__getitem__
    )


def evict(policy: "Forgetting", *, at: float, n: int = 1) -> list[str]:
    """Let go of the n weakest: their ids, of which the policy knows nothing any more afterwards."""
    gone = weakest(policy, at=at, n=n)
    for item_id in gone:
        policy.removed(item_id)
    return gone
