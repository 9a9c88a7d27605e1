"""`embodied-mem llm`: language models on this machine."""

from embodied_mem.experiments.llm_command.parser import add_parser
from embodied_mem.experiments.llm_command.run import run

__all__ = ["add_parser", "run"]
