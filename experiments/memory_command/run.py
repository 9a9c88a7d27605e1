"""Runs the actions of `embodied-mem memory`; only this module prints their results."""

import argparse
import sys

from embodied_mem.errors import unknown_name


def run(options: argparse.Namespace) -> int:
    """Run one of the actions; results go to standard output, progress to standard error.

    Returns:
        0 on success; 1 if a check left a problem open, or a removal was not confirmed.

    Raises:
        StoreError: The folder holds no store, or the action cannot be carried out.
        UnknownName: No experience, policy or embedder has this name.
    """
    from embodied_mem.experiments.memory_command import looking, transferring, upkeep

    actions = {**looking.ACTIONS, **upkeep.ACTIONS, **transferring.ACTIONS}
    if options.action not in actions:
        raise unknown_name("action", options.action, actions)
    code = 0
    for line in actions[options.action](options):
        if isinstance(line, int):
            code = line
        else:
            sys.stdout.write(f"{line}\n")
    return code
