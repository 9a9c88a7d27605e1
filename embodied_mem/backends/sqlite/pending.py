"""The queue of entries to be committed together."""

from embodied_mem.backends.sqlite.rows import EntryRow, conflicting_id
from embodied_mem.records.log import Deferred
from embodied_mem.records.spaces import Space, unknown_space


class Pending:
    """Queued rows in insertion order, each with the `Deferred` that was returned for it.

    Args:
        store: The store's name for messages.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self.rows: list[tuple[EntryRow, Deferred]] = []
        self._digests: dict[str, bytes] = {}
        self._spaces: dict[str, Space] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: EntryRow) -> Deferred:
        """Queue a row; a row that is queued twice is found to be a duplicate at the commit.

        Raises:
            ConflictingId: A queued entry with that id has different content.
            UnknownSpace: A queued vector of the field has another space.
        """
        if self._digests.get(row.id, row.digest) != row.digest:
            raise conflicting_id(row.id, self._store)
        for vector in row.vectors:
            held = self._spaces.get(vector.field, vector.space)
            if held != vector.space:
                raise unknown_space(self._store, vector.field, held=held, given=vector.space)
        self._spaces |= {vector.field: vector.space for vector in row.vectors}
        self._digests[row.id] = row.digest
        deferred = Deferred()
        self.rows.append((row, deferred))
        return deferred

    def drop_newest(self) -> None:
        """Remove the row that was queued last.

        The space of its vectors stays noted: another space is then rejected until the next commit.
        """
        row, _ = self.rows.pop()
        if all(other.id != row.id for other, _ in self.rows):
            del self._digests[row.id]

    def kept_text(self, *, is_dropped: bool) -> str:
        """Say what became of the entries after a commit failed.

        Recording one that stays queued again, as a new experience, would store it twice.

        Args:
            is_dropped: Whether the newest one was removed from the queue.
        """
        dropped = ["this entry was not kept"] if is_dropped else []
        n = len(self.rows)
        stay = f"{n:,} recorded before stay queued for the next commit, so do not record them again"
        return "; ".join([*dropped, *([stay] if n else [])])

    def clear(self) -> None:
        """Empty the queue."""
        self.rows.clear()
        self._digests.clear()
        self._spaces.clear()
