"""Runs the actions of `embodied-mem memory`; the only place of them that prints."""

import argparse
import sys

from embodied_mem.errors import unknown_name


def run(options: argparse.Namespace) -> int:
    """Run one of the actions; results go to standard output, progress to standard error.

    Returns:
        0 if all is well; 1 if a check found something that is not put right, or nothing was confirmed.

    Raises:
        StoreError: The folder holds no store, or the action cannot be carried out.
        UnknownName: No experience, policy or embedder of that name.
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
