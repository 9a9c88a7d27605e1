"""What feedback and withdrawals in the log say as of any sequence number; derived from the log alone."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from embodied_mem.contracts import Backend
from embodied_mem.json_values import JsonObject
from embodied_mem.log import Entry, EntryKind, Search, Span
from embodied_mem.ranking import Votes

EVERY_HIT = 2**31 - 1
MAX_CACHED = 256  # entries, each of which may hold megabytes


class LogViews:
    """Reads feedback and withdrawals of a log once and answers for any point in it.

    Args:
        backend: The log; read further at each `catch_up`.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._read_until = {EntryKind.FEEDBACK: 0, EntryKind.WITHDRAWAL: 0}
        # By sequence number, so that what is read twice after an interrupt counts once.
        self._withdrawals: dict[int, int] = {}  # -> last sequence that it leaves visible
        self._feedback: dict[int, dict[int, bool]] = {}  # experience -> feedback -> whether it helped
        self._votes: Mapping[int, Votes] = {}
        self._votes_of: tuple[tuple[Span, ...], int] | None = None
        self._entries: dict[int, Entry] = {}

    def entry_at(self, sequence: int) -> Entry:
        """The entry of this sequence number, which is there; read once while it is asked for often."""
        if sequence not in self._entries:
            if len(self._entries) >= MAX_CACHED:
                del self._entries[next(iter(self._entries))]
            self._entries[sequence] = self._backend.changes_since(sequence - 1, limit=1)[0].entry
        return self._entries[sequence]

    def catch_up(self) -> None:
        """Take in what was written since, by this process or another."""
        for sequence, payload in self._newer(EntryKind.WITHDRAWAL):
            self._withdrawals[sequence] = int(cast("Any", payload["after"]))
        for sequence, payload in self._newer(EntryKind.FEEDBACK):
            [target] = self._backend.get([str(payload["experience_id"])])
            if target is not None:
                self._feedback.setdefault(target.sequence, {})[sequence] = bool(payload["helped"])

    def visible(self, as_of: int | None) -> tuple[Span, ...]:
        """The parts of the log that are seen as of a sequence number; None sees all of it.

        A withdrawal hides what was written after the entry it names and before itself; a withdrawal that is
        not seen yet hides nothing.
        """
        hidden = [(after + 1, at) for at, after in self._withdrawals.items() if as_of is None or at <= as_of]
        spans: list[Span] = []
        first = 1
        for start, end in sorted(pair for pair in hidden if pair[0] <= pair[1]):
            if start > first:
                spans.append(Span(first, start - 1))
            first = max(first, end + 1)
        return (*spans, Span(first, as_of))

    def votes(self, spans: tuple[Span, ...]) -> Mapping[int, Votes]:
        """Votes on each experience that has any in these spans, by its sequence number."""
        key = (spans, self._read_until[EntryKind.FEEDBACK])
        if key != self._votes_of:
            self._votes, self._votes_of = self._count(spans), key
        return self._votes

    def _count(self, spans: tuple[Span, ...]) -> dict[int, Votes]:
        result: dict[int, Votes] = {}
        for target, given in self._feedback.items():
            seen = [helped for at, helped in given.items() if is_in(at, spans)]
            if seen:
                result[target] = Votes(sum(seen), len(seen) - sum(seen))
        return result

    def _newer(self, kind: EntryKind) -> Iterator[tuple[int, JsonObject]]:
        """Sequence number and payload of each entry of a kind after the last one read, oldest first."""
        span = Span(self._read_until[kind] + 1)
        found = self._backend.search(Search(kind=kind, spans=(span,), k=EVERY_HIT))
        for sequence in reversed(found.sequences):
            [logged] = self._backend.changes_since(sequence - 1, limit=1)
            yield sequence, logged.entry.payload
            self._read_until[kind] = sequence


def is_in(sequence: int, spans: tuple[Span, ...]) -> bool:
    """Whether a sequence number lies in one of the spans."""
    return any(span.first <= sequence and (span.last is None or sequence <= span.last) for span in spans)
