"""VirtualHome: a household of 300 things and 338 goals that ships in a package, seen room by room.

Needs `embodied-mem setup virtualhome`; importing this module does not need the package.
"""

from embodied_mem.envs.virtualhome.make import make_virtualhome
from embodied_mem.envs.virtualhome.package import what_is_missing
from embodied_mem.envs.virtualhome.world import VirtualHomeWorld

__all__ = ["VirtualHomeWorld", "make_virtualhome", "what_is_missing"]
