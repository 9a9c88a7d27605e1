"""Values of many log entries by path, without decoding whole entries if the back end supports it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from embodied_mem.backends.capabilities import HasHead, HasValues
from embodied_mem.contracts import Backend
from embodied_mem.records.filters import lookup
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Head, Search, Span

EVERY_HIT: Final = None  # as `Search.k`
PAGE = 512  # entries read at once

Row: TypeAlias = tuple[int, str, Mapping[str, JsonValue]]  # sequence number, kind, path -> value


def texts_in(value: JsonValue) -> list[str]:
    """Return the items of a JSON list, such as ids, as strings; empty for any other value."""
    return [str(each) for each in value] if isinstance(value, list) else []


class LogValues:
    """Reads values from any back end, through `HasValues` and `HasHead` if it has them.

    Args:
        backend: The log.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        # Checked once: isinstance with a protocol takes longer than reading the new entries.
        self._valued = backend if isinstance(backend, HasValues) else None
        self._headed = backend if isinstance(backend, HasHead) else None
        self._newest = 0

    def head(self) -> Head:
        """Return the head of the log; the generation of a back end without `HasHead` is always 0."""
        if self._headed is not None:
            return self._headed.head()
        # Search only entries newer than the last result.
        newer = self._backend.search(Search(kind=None, spans=(Span(self._newest + 1),), k=1))
        self._newest = max((self._newest, *newer.sequences))
        return Head(self._newest)

    def after(self, sequence: int, kinds: Sequence[str], paths: Sequence[str]) -> Iterator[Row]:
        """Iterate over the values at these paths of entries of these kinds after a sequence, oldest first."""
        if self._valued:
            for at, kind, row in self._valued.values_since(sequence, kinds=kinds, paths=paths):
                yield at, kind, dict(zip(paths, row, strict=True))
            return
        newer = sorted(at for kind in kinds for at in self._sequences(kind, sequence))
        for start in range(0, len(newer), PAGE):
            for logged in self._backend.get(newer[start : start + PAGE]):
                if logged is not None:
                    payload = logged.entry.payload
                    values = {path: lookup(payload, path)[1] for path in paths}
                    yield logged.sequence, logged.entry.kind, values

    def sequences_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the sequence numbers of the experiences with these ids; unknown ids are omitted."""
        if self._valued:
            return self._valued.sequences_of(ids)
        found = self._backend.get(ids)
        return {
            logged.entry.id: logged.sequence
            for logged in found
            if logged is not None and logged.entry.kind == EntryKind.EXPERIENCE
        }

    def _sequences(self, kind: str, after: int) -> tuple[int, ...]:
        return self._backend.search(Search(kind=kind, spans=(Span(after + 1),), k=EVERY_HIT)).sequences
