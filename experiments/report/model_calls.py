"""The calls of a language model for the episodes of a lifetime, read from its logs."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from embodied_mem.planners.llm.models.call_log import FILE

SHOWN = (
    "role",
    "template",
    "system",
    "prompt",
    "answer",
    "tokens_in",
    "tokens_out",
    "seconds",
    "usd",
    "error",
)
PLACE = re.compile(r"(?P<episode>.*)#(?P<calls>[0-9]+)\+*")


def model_calls(folder: Path, attempts: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The model calls of some episodes.

    Args:
        folder: Folder of the lifetime; every log below it is read, if there is one.
        attempts: Ids of the episodes' attempts.

    Returns:
        Attempt -> its calls in order: what is shown of them, empty values left out, and `after`, the number
        of skill calls that the episode had made by then. Lines that are torn or of another form are left out.
    """
    wanted = set(attempts) - {""}
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.rglob(FILE)) if wanted else ():
        for line in _lines(path):
            place = PLACE.fullmatch(str(line.get("place")))
            if place is not None and place["episode"] in wanted:
                shown = _shown(line) | {"after": int(place["calls"])}
                found.setdefault(place["episode"], []).append(shown)
    return found


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:  # torn by a kill; the episode was played again
                continue
            if isinstance(line, dict):
                yield line


def _shown(line: Mapping[str, Any]) -> dict[str, Any]:
    model = line.get("model")
    named = {"model": model.get("model")} if isinstance(model, dict) else {}
    return {
        key: value
        for key, value in ({key: line.get(key) for key in SHOWN} | named).items()
        if value not in ("", None)
    }
