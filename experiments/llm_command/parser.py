"""The arguments of `embodied-mem llm`; importing this module loads nothing heavy."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embodied_mem.experiments.flags import Parser

CACHE_HELP = "folder for weights that have to be put together (default: embodied-mem/models in your cache)"


def add_parser(verbs: Any, common: Parser) -> None:
    """Add the command; `verbs` is the result of `add_subparsers`, whose class argparse keeps private."""
    llm = verbs.add_parser("llm", help="serve a language model on this machine; list the known ones")
    actions = llm.add_subparsers(dest="action", metavar="ACTION", required=True)

    models = actions.add_parser("models", parents=[common], help="list the known models and what is missing")
    models.add_argument("--cache", metavar="FOLDER", default="", help=CACHE_HELP)

    serve = actions.add_parser("serve", parents=[common], help="serve a model until Ctrl-C; installs nothing")
    serve.add_argument("--model", required=True, help="gemma3-270m, smollm2, or the path of a GGUF file")
    serve.add_argument(
        "--port",
        type=_whole(0, 65_535),
        default=8_080,
        help="port on 127.0.0.1; 0 takes a free one (default 8080, which the group llm expects)",
    )
    serve.add_argument("--threads", type=_whole(1, 1_024), default=1, help="threads that compute (default 1)")
    serve.add_argument(
        "--context",
        type=_whole(1, 1 << 24),
        default=4_096,
        metavar="TOKENS",
        help="longest prompt and answer together (default 4096)",
    )
    serve.add_argument("--cache", metavar="FOLDER", default="", help=CACHE_HELP)

    record = actions.add_parser(
        "record", parents=[common], help="keep a run's answers, so that it can be played without the model"
    )
    record.add_argument("run", type=Path, help="folder of the run")
    record.add_argument("file", type=Path, help="recording to write, *.jsonl.gz; play it with llm=recorded")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return read
