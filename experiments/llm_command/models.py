"""`embodied-mem llm models`: the known models, and what is missing to serve them."""

import argparse
from collections.abc import Callable

from embodied_mem.experiments.llm_command.cache_folder import cache_folder
from embodied_mem.experiments.llm_command.missing import server_lines, weights_lines
from embodied_mem.planners.llm.local import (
    KNOWN_MODELS,
    KnownModel,
    MissingServerProgram,
    find_server_program,
    is_installed,
)


def models(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Say of each known model its state, size, form and licence, and how to install what is missing."""
    folder = cache_folder(options.cache)
    for model in KNOWN_MODELS.values():
        here = is_installed(model, folder)
        say(_row(model, "installed" if here else "missing"))
        for line in () if here else weights_lines(model):
            say(line)
    try:
        say(f"{'server':<12}{'installed':<11}{find_server_program().found}")
    except MissingServerProgram:
        say(f"{'server':<12}missing")
        for line in server_lines():
            say(line)


def _row(model: KnownModel, state: str) -> str:
    return f"{model.name:<12}{state:<11}{model.size_mb:>4.0f} MB  {model.title}, {model.form}; {model.terms}"
