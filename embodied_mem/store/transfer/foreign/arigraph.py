"""AriGraph (arXiv 2407.04363): the log of an agent, or a list of triplets, as facts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord, StoreError
from embodied_mem.records.experience import Experience, Scope, Task
from embodied_mem.store.transfer.foreign.entries import Entry, converted, items_of, text_file

KIND = "fact"
MAX_LINE = 100_000  # characters of a list of triplets

_NEW = "New triplets: "
_OUTDATED = "Outdated triplets: "
_ARROW = re.compile(r"\s*->\s*")


def read(path: Path) -> Iterator[Entry]:
    """Read a `log.txt` (new and outdated triplets of each step), or a JSON list of triplets.

    A triplet is `[subject, relation, object]`, the text "subject, relation, object", or
    `[subject, object, {"label": relation}]`. A fact that became outdated is stated as holding no longer.
    """
    if path.suffix == ".json":
        yield from converted(items_of(path), lambda triplet: [_fact(triplet)])
        return
    found = list(_lines(path))
    if not found:
        raise StoreError(f"{path} holds no line '{_NEW.strip()}'; give a log.txt or a .json list of triplets")
    for place, attempt, step, line in found:
        yield from converted([(place, line)], lambda line, a=attempt, s=step: _of_line(line, a, s))


def _lines(path: Path) -> Iterator[tuple[str, int, int, str]]:
    """Iterate over the lines with triplets: place, attempt, step, line."""
    attempt = step = 0
    for number, line in enumerate(text_file(path).splitlines(), 1):
        if found := re.fullmatch(r"(Attempt|Step): (\d{1,9})", line.strip()):
            attempt, step = (int(found[2]), 0) if found[1] == "Attempt" else (attempt, int(found[2]))
        elif line.startswith((_NEW, _OUTDATED)):
            yield f"{path.name}, line {number}", attempt, step, line


def _of_line(line: str, attempt: int, step: int) -> Iterator[Experience]:
    if line.startswith(_NEW):
        for triplet in _list_in(line.removeprefix(_NEW)):
            yield _fact(triplet, attempt=attempt, step=step)
        return
    written = line.removeprefix(_OUTDATED).partition("Replacing:")[2]
    for replaced in _list_in(written):
        pair = replaced[0] if isinstance(replaced, list) and replaced else replaced
        if not isinstance(pair, str) or not _ARROW.search(pair):
            raise InvalidRecord(f"{pair!r} replaces nothing; expected 'old triplet -> new triplet'")
        yield _fact(_ARROW.split(pair, maxsplit=1)[0], attempt=attempt, step=step, holds=False)


def _list_in(written: str) -> list[Any]:
    if len(written) > MAX_LINE:
        raise InvalidRecord(f"the list has {len(written):,} characters; at most {MAX_LINE:,} are read")
    try:
        found = ast.literal_eval(written.strip() or "[]")  # reads constants and runs nothing
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise InvalidRecord(f"{written[:100]!r} is no list of triplets") from error
    if not isinstance(found, list):
        raise InvalidRecord(f"{written[:100]!r} is no list of triplets")
    return found


def _fact(triplet: Any, *, attempt: int = 0, step: int | None = None, holds: bool = True) -> Experience:
    subject, relation, thing = _parts(triplet)
    words = f"{subject} {relation} {thing}"
    return Experience(
        kind=KIND,
        task=Task(""),
        state=words if holds else f"no longer: {words}",
        scope=Scope(run=f"attempt {attempt}" if attempt else ""),  # the agent forgets between attempts
        metadata={"subject": subject, "relation": relation, "object": thing, "holds": holds}
        | ({} if step is None else {"valid_at": step}),
    )


def _parts(triplet: Any) -> tuple[str, str, str]:
    given = triplet.split(",") if isinstance(triplet, str) else triplet
    if isinstance(given, list) and len(given) == 3 and isinstance(given[2], dict):
        given = [given[0], given[2].get("label"), given[1]]
    if not isinstance(given, list) or len(given) != 3 or not all(isinstance(part, str) for part in given):
        raise InvalidRecord(f"{triplet!r} is no triplet; expected subject, relation, object")
    subject, relation, thing = (part.strip() for part in given)
    if not (subject and relation and thing):
        raise InvalidRecord(f"a part of {triplet!r} is empty; expected subject, relation, object")
    return subject, relation, thing
