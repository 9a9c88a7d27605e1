"""`embodied-mem mcp`: serve a memory to a client of the Model Context Protocol over standard input."""

import argparse
from typing import Any

from embodied_mem.experiments.flags import Parser


def add_parser(verbs: Any, common: Parser) -> None:
    """Add the command; `verbs` is the result of `add_subparsers`, whose class argparse keeps private."""
    mcp = verbs.add_parser(
        "mcp", parents=[common], help="serve a memory to an MCP client on standard input; read-only"
    )
    mcp.add_argument("folder", metavar="FOLDER", help="folder of a store")
    mcp.add_argument("--write", action="store_true", help="also let the client record experiences")
    mcp.add_argument("--embedder", help="registered embedder of the store's vectors; without it, words only")


def run(options: argparse.Namespace) -> int:
    """Serve until the client closes standard input.

    Raises:
        MissingExtra: The package `mcp` is missing.
        StoreError: The folder holds no store; none is made.
        UnknownName: No embedder has this name.
    """
    from embodied_mem.experiments.memory_command.opening import embedder_named, open_store
    from embodied_mem.integrations.mcp import make_server

    embedder = embedder_named(options.embedder) if options.embedder else None
    with open_store(options.folder, read_only=not options.write) as store:
        make_server(store, embedder=embedder, write=options.write).run("stdio")
    return 0
