"""Planners: who decides."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Planner

__all__ = ["make_planner"]


def make_planner(name: str, **options: Any) -> Planner:
    """The planner registered under a name, made with these keyword arguments.

    Raises:
        UnknownName: Nothing of that name; the message gives the nearest names.
    """
    planner: Planner = registry.load("planners", name)(**options)
    return planner
