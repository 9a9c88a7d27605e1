"""AriGraph (arXiv 2407.04363): the log of an agent, or a list of triplets, as facts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from embodied_mem.errors import InvalidRecord, StoreError
from embodied_mem.records.experience import Experience, Scope, Task
from embodied_mem.records.json_values import JsonValue
from embodied_mem.store.transfer.foreign.entries import Entry, Skipped, converted, items_of, text_file

KIND = "fact"
MAX_LINE = 100_000  # characters of a list of triplets
MAX_PART = 200  # of a part; a longer one is a sentence, such as a model's refusal

_NEW = "New triplets: "
_OUTDATED = "Outdated triplets: "
_NEXT = re.compile(r"\]\s*,\s*\[")


class _Told(NamedTuple):
    """What a step of the log says of one triplet, as written."""

    triplet: Any
    attempt: int
    step: int
    holds: bool


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
        holds = line.startswith(_NEW)
        try:
            triplets = _list_in(line.removeprefix(_NEW)) if holds else _replacements(line)
        except InvalidRecord as error:
            yield Skipped(place, str(error))
            continue
        told = (_Told(triplet, attempt, step, holds) for triplet in triplets)
        yield from converted(((f"{place}[{number}]", each) for number, each in enumerate(told)), _experiences)


def _lines(path: Path) -> Iterator[tuple[str, int, int, str]]:
    """Iterate over the lines with triplets: place, attempt, step, line."""
    attempt = step = 0
    for number, line in enumerate(text_file(path).splitlines(), 1):
        if found := re.fullmatch(r"(Attempt|Step): (\d{1,9})", line.strip()):
            attempt, step = (int(found[2]), 0) if found[1] == "Attempt" else (attempt, int(found[2]))
        elif line.startswith((_NEW, _OUTDATED)):
            yield f"{path.name}, line {number}", attempt, step, line


def _experiences(told: _Told) -> Iterator[Experience]:
    yield _fact(told.triplet if told.holds else _replaced(told.triplet), told.attempt, told.step, told.holds)


def _replacements(line: str) -> list[str]:
    """Return each `old triplet -> new triplet`; a model wrote the list, and where it puts quotes varies."""
    written = line.partition("Replacing:")[2].strip()
    return [each for each in _NEXT.split(written) if each.strip("[] ")]


def _replaced(pair: str) -> str:
    """Return the old triplet of a replacement; the new one is told elsewhere."""
    old, arrow, _ = pair.partition("->")
    if not arrow:
        raise InvalidRecord(f"{pair!r} replaces nothing; expected 'old triplet -> new triplet'")
    return old.strip("[]\"' ")


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


def _fact(
    triplet: Any, attempt: int | None = None, step: int | None = None, holds: bool = True
) -> Experience:
    subject, relation, thing = _parts(triplet)
    words = f"{subject} {relation} {thing}"
    metadata: dict[str, JsonValue] = {"subject": subject, "relation": relation, "object": thing}
    metadata["holds"] = holds
    if step is not None:
        metadata["valid_at"] = step
    return Experience(
        kind=KIND,
        task=Task(""),
        state=words if holds else f"no longer: {words}",
        scope=Scope(run=f"attempt {attempt}" if attempt else ""),  # the agent forgets between attempts
        metadata=metadata,
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
    if max(map(len, (subject, relation, thing))) > MAX_PART:
        raise InvalidRecord(
            f"{str(triplet)[:100]!r} is no triplet: a part is longer than {MAX_PART} characters"
        )
    return subject, relation, thing
