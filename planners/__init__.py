"""Planners: they decide which skills to call."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Planner
from embodied_mem.isolation.recipe import remember_call

__all__ = ["make_planner"]


def make_planner(name: str, **options: Any) -> Planner:
    """Make the registered planner of this name with these keyword arguments.

    Raises:
        UnknownName: No planner of this name is registered; the message gives the nearest names.
    """
    planner: Planner = registry.load("planners", name)(**options)
    return remember_call(planner, "embodied_mem.planners:make_planner", {"name": name, **options})
