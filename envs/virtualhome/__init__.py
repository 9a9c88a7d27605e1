"""VirtualHome: a household of 300 things and 338 goals that ships in a package, seen room by room.

Needs `embodied-mem setup virtualhome`; importing this module needs neither the package nor numpy's time.
"""

from embodied_mem.envs.virtualhome.make import make_virtualhome
from embodied_mem.envs.virtualhome.world import VirtualHomeWorld

__all__ = ["VirtualHomeWorld", "make_virtualhome"]
