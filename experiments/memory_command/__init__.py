"""`embodied-mem memory`: look into a store, keep it in order, carry it elsewhere."""

from embodied_mem.experiments.memory_command.parser import add_parser
from embodied_mem.experiments.memory_command.run import run

__all__ = ["add_parser", "run"]
