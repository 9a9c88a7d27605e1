"""The arguments of `embodied-mem setup`; importing this module loads nothing heavy."""

from typing import Any

from embodied_mem.experiments.flags import Parser


def add_parser(verbs: Any, common: Parser) -> None:
    """Add the command; `verbs` is the result of `add_subparsers`, whose class argparse keeps private."""
    setup = verbs.add_parser("setup", help="install a simulator that no extra can install; asks first")
    simulators = setup.add_subparsers(dest="simulator", metavar="SIMULATOR", required=True)
    virtualhome = simulators.add_parser(
        "virtualhome",
        parents=[common],
        help="VirtualHome's simulator, home and goals, without dependencies",
    )
    virtualhome.add_argument("--yes", action="store_true", help="install without asking")
