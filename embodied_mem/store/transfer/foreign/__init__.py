"""Import of the public files of other systems: one reader each, and one way into a store."""

from embodied_mem.store.transfer.foreign.importing import ForeignReport, import_foreign
from embodied_mem.store.transfer.foreign.systems import SYSTEMS

__all__ = ["SYSTEMS", "ForeignReport", "import_foreign"]
