"""VirtualHome: a household of 300 things and 338 goals that ships in a package, seen room by room.

Needs `embodied-mem setup virtualhome`. The names below are loaded when they are first used: the command line
asks `embodied_mem.envs.virtualhome.package` what is missing, and must not load Gymnasium for that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.envs.virtualhome.make import make_virtualhome
    from embodied_mem.envs.virtualhome.package import what_is_missing
    from embodied_mem.envs.virtualhome.world import VirtualHomeWorld

__all__ = ["VirtualHomeWorld", "make_virtualhome", "what_is_missing"]

_MODULES = {"VirtualHomeWorld": "world", "make_virtualhome": "make", "what_is_missing": "package"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
