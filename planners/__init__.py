"""Planners: they decide which skills to call."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Planner

__all__ = ["make_planner"]


def make_planner(name: str, **options: Any) -> Planner:
    """Make the registered planner of this name with these keyword arguments.

    Raises:
        UnknownName: No planner of this name is registered; the message gives the nearest names.
    """
    planner: Planner = registry.load("planners", name)(**options)
    return planner
