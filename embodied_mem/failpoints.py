"""Named places in the store's code where a test may kill the process or raise, to see what is left behind.

In use nothing listens and `reach` does nothing.
"""

from collections.abc import Callable

PHASES = ("commit", "checkpoint", "snapshot", "compaction", "purge", "migration", "merge")

listener: Callable[[str], None] | None = None


def reach(place: str) -> None:
    """Tell the listener, if a test has set one, that this place was reached.

    Args:
        place: `phase:step`, the phase one of `PHASES`: `commit:before`, `purge:rows-deleted`, ...
    """
    if listener is not None:
        listener(place)
