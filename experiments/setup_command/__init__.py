"""`embodied-mem setup`: installs simulators that a pip extra cannot install, after asking."""

from embodied_mem.experiments.setup_command.parser import add_parser

__all__ = ["add_parser"]
