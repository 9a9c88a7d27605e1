"""`embodied-mem llm models`: the known models, and what is missing to serve them."""

import argparse
from collections.abc import Callable

from embodied_mem.experiments.llm_command.cache_folder import cache_folder
from embodied_mem.planners.llm.local import (
    KNOWN_MODELS,
    MissingServerProgram,
    find_server_program,
    is_installed,
)
from embodied_mem.planners.llm.local.server_program import INSTALL_COMMANDS


def models(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Say of each known model its state, size, form and licence, and how to install what is missing."""
    folder = cache_folder(options.cache)
    for model in KNOWN_MODELS.values():
        here = is_installed(model, folder)
        state = "installed" if here else "missing"
        say(f"{model.name:<12}{state:<11}{model.size_mb:>4.0f} MB  {model.title}, {model.form}; {model.terms}")
        if not here:
            say(f"{'':<12}{model.install_command}")
    try:
        say(f"{'server':<12}{'installed':<11}{find_server_program().found}")
    except MissingServerProgram:
        say(f"{'server':<12}{'missing':<11}llama-server of llama.cpp (MIT) on PATH, or one of")
        for command, note in INSTALL_COMMANDS:
            say(f"{'':<12}{command}  # {note}")
