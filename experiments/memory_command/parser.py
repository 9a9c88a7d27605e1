"""The arguments of `embodied-mem memory`; importing this module loads nothing heavy."""

from collections.abc import Callable
from typing import Any, TypeAlias

from embodied_mem.experiments.flags import Parser
from embodied_mem.experiments.memory_command.filter_flags import add_filter

Common: TypeAlias = Parser


def add_parser(verbs: Any, common: Common) -> None:
    """Add the command; `verbs` is the result of `add_subparsers`, whose class argparse keeps private."""
    memory = verbs.add_parser("memory", help="inspect a memory, maintain it, copy it")
    actions = memory.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, *, help: str, folder: str = "folder of a store") -> Parser:
        action: Parser = actions.add_parser(name, parents=[common], help=help)
        action.add_argument("folder", metavar="FOLDER", help=folder)
        return action

    _add_looking(add)
    _add_upkeep(add)
    _add_transfer(add, actions, common)


Add: TypeAlias = Callable[..., Parser]


def _add_looking(add: Add) -> None:
    _json(add("stats", help="how much a store holds"))

    search = add("search", help="recall by text, with each score in parts")
    search.add_argument("text", nargs="?", default="", help="text to search for; the newest if left out")
    search.add_argument("-k", type=int, default=10, help="maximum number of results (default 10)")
    search.add_argument(
        "--as-of", type=int, metavar="N", help="as the memory was after this entry of the log"
    )
    search.add_argument(
        "--as-of-s", type=float, metavar="S", help="as the memory was at this time (Unix seconds)"
    )
    search.add_argument("--distinct", action="store_true", help="one of each group of near duplicates")
    search.add_argument("--include-archived", action="store_true", help="also archived experiences")
    search.add_argument(
        "--embedder", help="registered embedder of the store's vectors; without it, words only"
    )
    add_filter(search)

    show = add("show", help="one experience as JSON")
    show.add_argument("id", metavar="ID", help="its id, as search prints it")

    history = _json(add("history", help="everything that happened to one experience"))
    history.add_argument("id", metavar="ID", help="its id, as search prints it")

    _json(add("archived", help="the archived experiences, in the order of archiving"))
    _json(add("near-duplicates", help="near-duplicate experiences, each group under its first"))
    _json(add("utility", help="the utility of each experience, the most useful first"))


def _add_upkeep(add: Add) -> None:
    check = _json(add("check", help="compare everything in the store with its checksums"))
    check.add_argument(
        "--repair",
        action="store_true",
        help="rebuild what can be rebuilt, and move aside what cannot; the original is kept",
    )

    for name, help_text in {
        "archive": "hide experiences from recall without deleting them",
        "restore": "make archived experiences recallable again",
    }.items():
        action = add(name, help=help_text)
        action.add_argument("ids", metavar="ID", nargs="+", help="ids, as search prints them")
        action.add_argument("--reason", default="", help="the reason; part of their history")

    forget = _json(add("forget", help="archive the experiences that a forgetting policy retains least"))
    forget.add_argument(
        "--policy",
        required=True,
        help="its name: fifo, lru, lfu, w_tinylfu, ebbinghaus, utility, none, or a registered one",
    )
    forget.add_argument("--keep", type=int, help="how many experiences stay")
    forget.add_argument("--below", type=float, help="or: archive experiences whose retention is below this")
    add_filter(forget)

    retain = _json(
        add("retain", help="archive experiences of a kind that are too old, too many or too large")
    )
    retain.add_argument("--kind", required=True, help="the kind to limit, such as episode")
    retain.add_argument("--max-count", type=int, metavar="N", help="maximum number")
    retain.add_argument("--max-age-s", type=float, metavar="S", help="maximum age in seconds")
    retain.add_argument("--max-bytes", type=int, metavar="N", help="maximum total size in bytes")
    retain.add_argument(
        "--policy", default="fifo", help="which go first: a policy as for forget (default fifo)"
    )
    retain.add_argument("--purge", action="store_true", help="remove them permanently instead; needs --yes")
    retain.add_argument("--yes", action="store_true", help="with --purge: confirm")

    purge = _json(add("purge", help="remove experiences permanently, every byte of them"))
    purge.add_argument("ids", metavar="ID", nargs="*", help="ids, as search prints them; or a filter")
    purge.add_argument(
        "--yes", action="store_true", help="confirm; without it, only report what would be removed"
    )
    add_filter(purge)

    unreferenced = _json(add("remove-unreferenced", help="delete old attachments that no experience names"))
    unreferenced.add_argument(
        "--older-than-s",
        type=float,
        default=86_400.0,
        metavar="S",
        help="only files last put at least this many seconds ago (default 86400, a day)",
    )
    unreferenced.add_argument(
        "--yes", action="store_true", help="confirm; without it, only report what would be removed"
    )

    reembed = add("reembed", help="replace the vectors of a field; continues after an interruption")
    reembed.add_argument(
        "--embedder", default="hashed", help="name of a registered embedder (default hashed)"
    )
    reembed.add_argument("--field", default="text", help="text, task, state or outcome (default text)")

    add("compact", help="free the disk space that reembed with shorter vectors left in the log")
    add("snapshot-index", help="save the index, so that the next program opens the store faster")


def _add_transfer(add: Add, actions: Any, common: Common) -> None:
    export = _json(add("export", help="write a store into one folder of plain files with checksums"))
    export.add_argument("target", metavar="TARGET", help="the folder to create")

    import_action = actions.add_parser(
        "import",
        parents=[common],
        help="create a store from an exported folder, or add the files of another system to a store",
    )
    import_action.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder made by export; with --from a file or folder of that system",
    )
    import_action.add_argument(
        "folder", metavar="FOLDER", help="folder of the new store; with --from created if absent"
    )
    import_action.add_argument(
        "--from",
        dest="system",
        metavar="SYSTEM",
        help="arigraph, helper, jarvis1, rap, reflexion, remembr or voyager; importing again adds nothing",
    )
    import_action.add_argument("--embedder", help="registered embedder that re-embeds the texts if needed")

    branch = add("branch", help="copy a store into a new folder")
    branch.add_argument("target", metavar="TARGET", help="the folder to create")
    branch.add_argument("--sequence", type=int, help="the last entry to copy; the newest if left out")

    merge = _json(
        add(
            "merge",
            help="add the entries of other stores, in this order; repeating it adds nothing",
            folder="folder of the store that gets the entries; created if absent",
        )
    )
    merge.add_argument("others", metavar="OTHER", nargs="+", help="folders of other stores")


def _json(action: Parser) -> Parser:
    action.add_argument("--json", action="store_true", help="print JSON")
    return action
