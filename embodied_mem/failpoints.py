"""Named points in the store's code where a test may kill the process or raise, to test recovery.

In production there is no listener and `reach` does nothing.
"""

from collections.abc import Callable

PHASES = ("commit", "checkpoint", "snapshot", "compaction", "purge", "migration", "merge")

listener: Callable[[str], None] | None = None


def reach(place: str) -> None:
    """Call the listener, if a test has set one, with the name of this point.

    Args:
        place: `phase:step`, the phase one of `PHASES`: `commit:before`, `purge:rows-deleted`, ...
    """
    if listener is not None:
        listener(place)
