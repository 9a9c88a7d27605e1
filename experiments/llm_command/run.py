"""Runs the actions of `embodied-mem llm`; only this module prints their lines."""

import argparse


def run(options: argparse.Namespace) -> int:
    """Run one of the actions; its lines go to standard output.

    Returns:
        0 on success, and after Ctrl-C has stopped a server.

    Raises:
        UnknownName: No model has this name.
        MissingWeights, MissingServerProgram: Something has to be installed first; the lines say what.
        LocalServerFailed: The server did not start, or ended by itself.
    """
    from embodied_mem.experiments.llm_command.models import models
    from embodied_mem.experiments.llm_command.recording import record_run
    from embodied_mem.experiments.llm_command.serve import serve

    action = {"models": models, "record": record_run, "serve": serve}[options.action]
    # Flushed: whoever waits for the ready line may read a pipe.
    action(options, lambda line: print(line, flush=True))
    return 0
