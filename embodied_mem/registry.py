"""Strings in, classes out: parts are found by entry point, so a user's own is an arm like ours."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from embodied_mem.errors import EmbodiedMemError, unknown_name

GROUPS: Mapping[str, str] = {  # and what one of each is called
    "memories": "memory",
    "worlds": "world",
    "planners": "planner",
    "embedders": "embedder",
    "backends": "back end",
    "trackers": "tracker",
    "forgetting": "forgetting policy",
}


def names(group: str) -> list[str]:
    """Every registered name of a group, sorted; imports nothing.

    Raises:
        UnknownName: No such group.
    """
    return sorted(_entries(group))


def load(group: str, name: str) -> Callable[..., Any]:
    """What is registered under a name: a class or a function that makes one.

    Raises:
        UnknownName: Nothing of that name; the message gives the nearest names.
    """
    found = _entries(group)
    if name not in found:
        raise unknown_name(GROUPS[group], name, found)
    loaded: Callable[..., Any] = found[name].load()
    if not callable(loaded):
        raise EmbodiedMemError(f"{group} entry {name!r} is {found[name].value}, which cannot be called")
    return loaded


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise unknown_name("group", group, GROUPS)
    return {entry.name: entry for entry in entry_points(group=f"embodied_mem.{group}")}
