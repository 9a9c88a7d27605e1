"""Remove what tells of purged experiences from the logs of model calls of a run.

A store knows nothing of the run it belongs to, so `MemoryStore.purge` cannot reach these logs;
`embodied-mem memory purge` does both.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.outputs import RUN_FILE
from embodied_mem.planners.llm.models.call_log import FILE
from embodied_mem.records import Experience
from embodied_mem.records.json_values import clean_text

LEVELS = 4  # from a run folder to a store in it: lifetimes, arm, number, memory


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLogsReport:
    """What was removed from the logs of a run, and what remains.

    Attributes:
        removed: Log -> number of lines removed, or that would be; logs without such lines are left out.
        remaining: Files that may hold a copy and were not changed, in words.
    """

    removed: Mapping[Path, int] = field(default_factory=dict)
    remaining: tuple[str, ...] = ()


def run_of(store: Path) -> Path | None:
    """The folder of the run that a store belongs to; None if it belongs to none."""
    above = store.resolve().parents[:LEVELS]
    return next((folder for folder in above if (folder / RUN_FILE).is_file()), None)


def purge_call_logs(run: Path, experiences: Iterable[Experience], *, dry_run: bool = False) -> CallLogsReport:
    """Remove the lines that show an experience, are of its episode, or hold a text of it.

    Its texts are its id, task, states, explanation and person, compared as whole words. A line that cannot be
    read is removed too. Every log is replaced atomically.

    Args:
        run: Folder of the run.
        experiences: The experiences, read before they are purged from their store.
        dry_run: Whether to only count.

    Raises:
        ExperimentError: The run is being played; logs before this one are done already.
    """
    gone = _Gone.of(experiences)
    removed: dict[Path, int] = {}
    for path in sorted(run.rglob(FILE)) if gone.ids else ():
        count = _doomed(path, gone) if dry_run else _rewritten(path, gone)
        removed |= {path: count} if count else {}
    return CallLogsReport(removed=removed, remaining=tuple(_remaining(run)))


@dataclass(frozen=True, slots=True)
class _Gone:
    """By what a line is recognised."""

    ids: frozenset[str]
    episodes: frozenset[str]
    texts: re.Pattern[str]

    @classmethod
    def of(cls, experiences: Iterable[Experience]) -> "_Gone":
        found = list(experiences)
        texts = {clean_text(text) for each in found for text in _texts(each)}
        # The longest first, because an alternation takes the first that matches.
        words = "|".join(map(re.escape, sorted(filter(str.strip, texts), key=len, reverse=True)))
        return cls(
            frozenset(each.id for each in found),
            frozenset(each.origin.attempt or each.id.partition("/")[0] for each in found),
            re.compile(rf"(?<!\w)(?:{words})(?!\w)"),
        )

    def holds(self, text: bytes) -> bool:
        """Whether a line of a log tells of them, or cannot be read."""
        try:
            line = json.loads(text)
            shown, episode = line.get("examples", ()), str(line["place"]).partition("#")[0]
            said = [str(line[name]) for name in ("system", "prompt", "answer", "error")]
        except (ValueError, KeyError, AttributeError):
            return True
        is_told = not self.ids.isdisjoint(shown) or episode in self.episodes
        return is_told or any(map(self.texts.search, said))


def _texts(experience: Experience) -> tuple[str, ...]:
    return (
        experience.id,
        experience.task.text,
        experience.state,
        experience.state_after,
        experience.outcome.explanation,
        experience.scope.person,
    )


def _doomed(path: Path, gone: _Gone) -> int:
    return sum(map(gone.holds, path.read_bytes().splitlines()))


def _rewritten(path: Path, gone: _Gone) -> int:
    """Replace a log by its other lines; return how many went."""
    with folder_lock(path.parent.parent):  # the lifetime's, which a run holds while it writes
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not gone.holds(line)]
        if len(kept) < len(lines):
            _replace(path, b"".join(kept))
        return len(lines) - len(kept)


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _remaining(run: Path) -> Iterator[str]:
    recordings = sorted(set(_recordings(json.loads((run / RUN_FILE).read_text("utf-8")))))
    for path in recordings:
        yield f"the recording {path}, which holds answers and no prompts; record it anew or delete it"
    if (run / "report.html").exists():
        yield f"{run / 'report.html'}, until it is written anew: embodied-mem report {run}"
    yield f"the rows and numbers in {run}, and recordings made of it with embodied-mem llm record"


def _recordings(value: Any) -> Iterator[str]:
    """Paths of the recorded models that a configuration names."""
    if isinstance(value, dict):
        options = value.get("options")
        if value.get("name") == "recorded" and isinstance(options, dict) and "path" in options:
            yield str(options["path"])
        for part in value.values():
            yield from _recordings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _recordings(part)
