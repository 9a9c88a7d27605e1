"""RAP (arXiv 2402.03610): `memory_N.json` of a trial, the episodes that came to their end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Experience, Kind, Scope, Task
from embodied_mem.store.transfer.foreign.alfworld_commands import plan_of
from embodied_mem.store.transfer.foreign.entries import (
    Entry,
    converted,
    files_in,
    items_of,
    listed,
    mapping,
    text,
)


def read(path: Path) -> Iterator[Entry]:
    """Read one `memory_N.json`, or all in a folder.

    The file does not say whether an episode was won, so it is unverified. Thoughts are kept in the steps, and
    are no calls of the plan.
    """
    for file in files_in(path, "memory_*.json"):
        yield from converted(items_of(file), _experiences)


def _experiences(given: Any) -> Iterator[Experience]:
    entry = mapping(given)
    lines = listed(entry, "Actions")
    if not all(isinstance(line, str) for line in lines):
        raise InvalidRecord("Actions holds something else than texts; expected '> action' and observations")
    actions = [line.removeprefix(">").strip() for line in lines if line.startswith(">")]
    observations = [line for line in lines if not line.startswith(">")]
    yield Experience(
        kind=Kind.EPISODE,
        task=Task(text(entry, "Task"), kind=text(entry, "Category", "")),
        plan=plan_of(actions),
        state_after=observations[-1] if observations else "",
        scope=Scope(world="alfworld"),
        metadata={"plan": text(entry, "Plan", ""), "steps": lines},
    )
