"""Counts of tokens beside the log of calls, so that a recording packs its prompts as the server counted."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from embodied_mem.errors import NotRecorded
from embodied_mem.planners.llm.models.call_log import digest
from embodied_mem.planners.llm.models.token_counting import TokenCounter

COUNTS_FILE = "token_counts.jsonl"
DIGEST_CHARS = 12


class LoggedTokens:
    """A counter whose counts are written to a log, by the digest of the text.

    Args:
        inner: The counter.
        folder: Folder of the log; made with the first line.
    """

    def __init__(self, inner: TokenCounter, folder: Path) -> None:
        self.name, self._inner, self._path = inner.name, inner, folder / COUNTS_FILE

    async def count(self, text: str) -> int:
        """Count, and log it."""
        n = await self._inner.count(text)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([digest(text, chars=DIGEST_CHARS), n]) + "\n")
        return n


class RecordedTokens:
    """Counts as they were logged.

    Args:
        counts: Digest of a text -> its tokens.
    """

    name = "recorded"

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    async def count(self, text: str) -> int:
        """The count that was logged.

        Raises:
            NotRecorded: This text was not counted.
        """
        n = self._counts.get(digest(text, chars=DIGEST_CHARS))
        if n is None:
            raise NotRecorded(
                f"the recording has no count for the prompt {text[:60]!r}...: its budget, template, memory "
                "or world differs; record anew: run with the model, then embodied-mem llm record RUN FILE"
            )
        return n


def logged_counts(folders: Iterable[Path]) -> dict[str, int]:
    """Every count below some folders, by digest."""
    counts: dict[str, int] = {}
    for folder in folders:
        for path in sorted(folder.rglob(COUNTS_FILE)):
            for line in path.read_text("utf-8").splitlines():
                with contextlib.suppress(ValueError):  # a killed run may have left a torn line
                    key, n = json.loads(line)
                    counts[key] = n
    return counts
