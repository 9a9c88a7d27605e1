"""What a world tells a planner without learning: one entry of a knowledge ledger."""

from typing import NamedTuple


class Revealed(NamedTuple):
    """One piece of knowledge, and where a planner gets it."""

    what: str
    where: str
