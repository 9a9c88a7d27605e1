"""`embodied-mem memory`: inspect a store, maintain it, copy it."""

from embodied_mem.experiments.memory_command.parser import add_parser
from embodied_mem.experiments.memory_command.run import run

__all__ = ["add_parser", "run"]
