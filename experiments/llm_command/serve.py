"""`embodied-mem llm serve`: serves a model in the foreground, and installs nothing."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.llm_command.cache_folder import cache_folder
from embodied_mem.planners.llm.local import (
    KnownModel,
    LocalServer,
    MissingServerProgram,
    MissingWeights,
    ServerProgram,
    find_server_program,
    find_weights,
    known_model,
    own_weights,
)

Say = Callable[[str], None]


def serve(options: argparse.Namespace, say: Say) -> None:
    """Say what the model is and what is missing, then serve it until Ctrl-C.

    Raises:
        UnknownName: No model has this name.
        MissingWeights, MissingServerProgram: Something has to be installed first.
        LocalServerFailed: The server did not start, or ended by itself.
    """
    name, weights, program = _prepared(options, say)
    server = LocalServer(
        weights,
        model=name,
        program=program,
        port=options.port,
        threads=options.threads,
        context_tokens=options.context,
    )
    try:
        with server:
            say(f"ready    {server.base_url}; Ctrl-C stops it")
            say(f"         embodied-mem run experiment=llm llm.base_url={server.base_url}")
            server.wait()
    except KeyboardInterrupt:
        say("stopped")


def _prepared(options: argparse.Namespace, say: Say) -> tuple[str, Path, ServerProgram]:
    """The name, the weights and the server program; everything that is missing is said before an error."""
    name, find = _named(options, say)
    missing: list[EmbodiedMemError] = []
    program = weights = None
    try:
        program = find_server_program()
        say(f"server   {program.found}")
    except MissingServerProgram as error:
        missing.append(error)
    try:
        weights = find()
        say(f"weights  {weights}")
    except MissingWeights as error:
        missing.append(error)
    for error in missing[:-1]:  # the last one is raised, and printed as the command's error
        say(f"missing  {error}")
    if missing or program is None or weights is None:
        raise missing[-1]
    return name, weights, program


def _named(options: argparse.Namespace, say: Say) -> tuple[str, Callable[[], Path]]:
    """The name that requests use, and what finds the weights."""
    given = options.model
    if given.endswith(".gguf") or os.sep in given:
        say(f"model    {given}, a file of yours; its licence is what its maker says")
        return Path(given).stem, lambda: own_weights(given)
    model = known_model(given)
    _describe(model, say)
    return model.name, lambda: find_weights(model, cache_folder(options.cache))


def _describe(model: KnownModel, say: Say) -> None:
    say(f"model    {model.name}: {model.title}, {model.form}, {model.size_mb:.0f} MB")
    say(f"licence  {model.terms}, {model.licence_url}")
