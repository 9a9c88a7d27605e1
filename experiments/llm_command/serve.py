"""`embodied-mem llm serve`: serves a model in the foreground, and installs nothing."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from embodied_mem.experiments.compose import group_names
from embodied_mem.experiments.llm_command.cache_folder import cache_folder
from embodied_mem.experiments.llm_command.missing import server_lines, weights_lines
from embodied_mem.planners.llm.local import (
    LocalServer,
    MissingServerProgram,
    MissingWeights,
    ServerProgram,
    find_server_program,
    find_weights,
    known_model,
    own_weights,
)

DEFAULT_URL = "http://127.0.0.1:8080/v1"  # in the files of the group llm

Say = Callable[[str], None]


def serve(options: argparse.Namespace, say: Say) -> None:
    """Say what the model is and what is missing, then serve it until Ctrl-C.

    Raises:
        UnknownName: No model has this name.
        MissingWeights, MissingServerProgram: Something has to be installed first; the lines say what.
        UnusableWeights: The file is not the model that it should be.
        LocalServerFailed: The server did not start, or ended by itself.
    """
    name, weights = _weights(options, say)
    program = _program(say)
    refusal = f"{name} cannot be served yet: install what is missing (nothing was installed)"
    if weights is None:
        raise MissingWeights(refusal)
    if program is None:
        raise MissingServerProgram(refusal)
    server = LocalServer(
        weights,
        model=name,
        program=program,
        port=options.port,
        threads=options.threads,
        context_tokens=options.context,
    )
    try:
        _serve(server, say)
    except KeyboardInterrupt:
        say("stopped")


def _serve(server: LocalServer, say: Say) -> None:
    with server:
        say(f"ready       {server.base_url} (Ctrl-C stops it)")
        say(f"            embodied-mem run experiment=llm {_overrides(server)}")
        server.wait()


def _overrides(server: LocalServer) -> str:
    """What names this server in the configuration of a run."""
    model = f"llm={server.model}" if server.model in group_names("llm") else f"llm.model={server.model}"
    return model if server.base_url == DEFAULT_URL else f"{model} llm.base_url={server.base_url}"


def _weights(options: argparse.Namespace, say: Say) -> tuple[str, Path | None]:
    """The name that requests use, and the GGUF file; None, after saying so, if a package is missing."""
    given = options.model
    if given.lower().endswith(".gguf") or "/" in given or os.sep in given:
        weights = own_weights(given)
        say(f"model       {weights}, a file of yours, {weights.stat().st_size / 1e6:,.0f} MB")
        return weights.stem, weights
    model = known_model(given)
    say(f"model       {model.name}: {model.title}, {model.form}, {model.size_mb:.0f} MB")
    say(f"licence     {model.terms}: {model.licence_url}")
    try:
        weights = find_weights(model, cache_folder(options.cache))
    except MissingWeights:
        say("weights     missing")
        for line in weights_lines(model):
            say(line)
        return model.name, None
    say(f"weights     {weights}")
    return model.name, weights


def _program(say: Say) -> ServerProgram | None:
    """The program that serves; None, after saying so, if there is none."""
    try:
        program = find_server_program()
    except MissingServerProgram:
        say("server      missing; one of")
        for line in server_lines():
            say(line)
        return None
    say(f"server      {program.found}")
    return program
