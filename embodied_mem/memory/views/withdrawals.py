"""Visible parts of the log: a withdrawal hides the entries of an unfinished attempt."""

from collections.abc import Mapping
from typing import Any, cast

from embodied_mem.memory.views.view import View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span


class Withdrawals(View):
    """The visible spans of the log as of any sequence number."""

    kinds = (EntryKind.WITHDRAWAL,)
    paths = ("after",)

    def __init__(self) -> None:
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add a withdrawal."""
        self._after[sequence] = int(cast("Any", values["after"]))

    def clear(self) -> None:
        """Remove all withdrawals."""
        self._after: dict[int, int] = {}  # withdrawal -> last sequence number it leaves visible

    def visible(self, as_of: int | None) -> tuple[Span, ...]:
        """Return the visible parts of the log as of a sequence number; None: the whole log.

        A withdrawal hides the entries between the sequence number it names and itself; a withdrawal after
        `as_of` hides nothing.
        """
        hidden = [(after + 1, at) for at, after in self._after.items() if as_of is None or at <= as_of]
        spans: list[Span] = []
        first = 1
        for start, end in sorted(pair for pair in hidden if pair[0] <= pair[1]):
            if start > first:
                spans.append(Span(first, start - 1))
            first = max(first, end + 1)
        return (*spans, Span(first, as_of))
