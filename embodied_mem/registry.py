"""Lookup of parts by name through entry points, so a custom part is used like a built-in one."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from embodied_mem.errors import EmbodiedMemError, unknown_name

GROUPS: Mapping[str, str] = {  # group -> its singular, for messages
    "memories": "memory",
    "worlds": "world",
    "planners": "planner",
    "judges": "judge",
    "reflectors": "reflector",
    "embedders": "embedder",
    "backends": "back end",
    "trackers": "tracker",
    "forgetting": "forgetting policy",
}


def names(group: str) -> list[str]:
    """Return every registered name of a group, sorted; imports nothing.

    Raises:
        UnknownName: The group does not exist.
    """
    return sorted(_entries(group))


def load(group: str, name: str) -> Callable[..., Any]:
    """Import and return the class or factory function registered under a name.

    Raises:
        UnknownName: The group or name does not exist; the message gives the nearest names.
        EmbodiedMemError: The registered object is not callable.
    """
    found = _entries(group)
    if name not in found:
        raise unknown_name(GROUPS[group], name, found)
    loaded: Callable[..., Any] = found[name].load()
    if not callable(loaded):
        raise EmbodiedMemError(f"{group} entry {name!r} is {found[name].value}, which is not callable")
    return loaded


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise unknown_name("group", group, GROUPS)
    return {entry.name: entry for entry in entry_points(group=f"embodied_mem.{group}")}
