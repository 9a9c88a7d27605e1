"""The systems whose files can be imported, by name."""

from collections.abc import Mapping

from embodied_mem.store.transfer.foreign import arigraph, helper, jarvis1, rap, reflexion, remembr, voyager
from embodied_mem.store.transfer.foreign.entries import Reader

SYSTEMS: Mapping[str, Reader] = {
    "arigraph": arigraph.read,
    "helper": helper.read,
    "jarvis1": jarvis1.read,
    "rap": rap.read,
    "reflexion": reflexion.read,
    "remembr": remembr.read,
    "voyager": voyager.read,
}
