"""What the words of `embodied-mem memory` are; importing this loads nothing heavy."""

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from embodied_mem.experiments.memory_command.filter_flags import add_filter

Common: TypeAlias = argparse.ArgumentParser


def add_parser(verbs: Any, common: Common) -> None:
    """Add the command; `verbs` is what `add_subparsers` gave, of a class that argparse keeps private."""
    memory = verbs.add_parser("memory", help="look into a memory, keep it in order, carry it elsewhere")
    actions = memory.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, *, help: str, folder: str = "folder of a store") -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, parents=[common], help=help)
        action.add_argument("folder", metavar="FOLDER", help=folder)
        return action

    _add_looking(add)
    _add_upkeep(add)
    _add_transfer(add, actions, common)


Add: TypeAlias = Callable[..., argparse.ArgumentParser]


def _add_looking(add: Add) -> None:
    _json(add("stats", help="how much a store holds"))

    search = add("search", help="recall by text, with each score in parts")
    search.add_argument("text", nargs="?", default="", help="what to look for; the newest if left out")
    search.add_argument("-k", type=int, default=10, help="at most so many (default 10)")
    search.add_argument(
        "--as-of", type=int, metavar="N", help="as the memory was after this entry of the log"
    )
    search.add_argument("--as-of-s", type=float, metavar="S", help="as it was at this time (Unix seconds)")
    search.add_argument("--distinct", action="store_true", help="near duplicates once")
    search.add_argument("--include-archived", action="store_true", help="archived experiences as well")
    search.add_argument("--embedder", help="registered embedder of the store's vectors; words alone without")
    add_filter(search)

    show = add("show", help="one experience, whole, as JSON")
    show.add_argument("id", metavar="ID", help="its id, as search prints it")

    history = _json(add("history", help="everything that happened to one experience"))
    history.add_argument("id", metavar="ID", help="its id, as search prints it")

    _json(add("archived", help="what is archived, in the order of archiving"))
    _json(add("near-duplicates", help="experiences that say nothing new, under the first that said it"))
    _json(add("utility", help="how useful each experience has been, the most useful first"))


def _add_upkeep(add: Add) -> None:
    check = _json(add("check", help="compare everything that is kept with its checksums"))
    check.add_argument(
        "--repair",
        action="store_true",
        help="make again what can be made again, and move aside what cannot; the original is kept",
    )

    for name, help_text in {
        "archive": "softly forget experiences: they stay, and are not recalled",
        "restore": "bring archived experiences back",
    }.items():
        action = add(name, help=help_text)
        action.add_argument("ids", metavar="ID", nargs="+", help="ids, as search prints them")
        action.add_argument("--reason", default="", help="why; part of their history")

    forget = _json(add("forget", help="archive what a forgetting policy keeps least"))
    forget.add_argument(
        "--policy",
        required=True,
        help="its name: fifo, lru, lfu, w_tinylfu, ebbinghaus, utility, none, or one of your own",
    )
    forget.add_argument("--keep", type=int, help="how many experiences stay")
    forget.add_argument("--below", type=float, help="or: archive those whose retention is below this")
    add_filter(forget)

    retain = _json(add("retain", help="archive what of a kind is too old, too many or too large"))
    retain.add_argument("--kind", required=True, help="the kind that has these limits, such as episode")
    retain.add_argument("--max-count", type=int, metavar="N", help="how many may stay")
    retain.add_argument("--max-age-s", type=float, metavar="S", help="how old they may be, in seconds")
    retain.add_argument("--max-bytes", type=int, metavar="N", help="what they may take together")
    retain.add_argument("--policy", default="fifo", help="which go first: a name as of forget (default fifo)")
    retain.add_argument("--purge", action="store_true", help="remove them for good instead; needs --yes")
    retain.add_argument("--yes", action="store_true", help="with --purge: do it")

    purge = _json(add("purge", help="remove experiences for good, every byte of them"))
    purge.add_argument("ids", metavar="ID", nargs="*", help="ids, as search prints them; or a filter")
    purge.add_argument("--yes", action="store_true", help="do it; without, only say what would be removed")
    add_filter(purge)

    unnamed = _json(
        add("remove-unreferenced", help="delete attachments that no experience names and nobody put lately")
    )
    unnamed.add_argument(
        "--older-than-s",
        type=float,
        default=86_400.0,
        metavar="S",
        help="only those put for the last time so many seconds ago (default 86400, a day)",
    )
    unnamed.add_argument("--yes", action="store_true", help="do it; without, only say what would be removed")

    reembed = add(
        "reembed", help="make the vectors of a field anew; interrupted, it goes on where it stopped"
    )
    reembed.add_argument(
        "--embedder", default="hashed", help="name of a registered embedder (default hashed)"
    )
    reembed.add_argument("--field", default="text", help="text, task, state or outcome (default text)")

    add("compact", help="give the disk back what reembed with shorter vectors left of the log")
    add("snapshot-index", help="save the index, so that the next program opens the store faster")


def _add_transfer(add: Add, actions: Any, common: Common) -> None:
    export = _json(add("export", help="write a store into one folder of plain files with checksums"))
    export.add_argument("target", metavar="TARGET", help="the folder to make")

    take_in = actions.add_parser("import", parents=[common], help="make a store of an exported folder")
    take_in.add_argument("source", metavar="SOURCE", help="a folder made by export")
    take_in.add_argument("folder", metavar="FOLDER", help="folder of the new store")
    take_in.add_argument(
        "--embedder", help="registered embedder that the texts are embedded with, if need be"
    )

    branch = add("branch", help="copy a store into a folder of its own")
    branch.add_argument("target", metavar="TARGET", help="the folder to make")
    branch.add_argument("--sequence", type=int, help="as it was after this entry; the newest if left out")

    merge = _json(
        add(
            "merge",
            help="add what other stores hold, in this order; doing it again adds nothing",
            folder="folder of the store that grows, which is made if absent",
        )
    )
    merge.add_argument("others", metavar="OTHER", nargs="+", help="folders of other stores")


def _json(action: argparse.ArgumentParser) -> argparse.ArgumentParser:
    action.add_argument("--json", action="store_true", help="print JSON")
    return action
