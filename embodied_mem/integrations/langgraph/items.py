"""`Items`: which version of each item is the current one, derived from the log."""

from collections.abc import Iterator, Mapping
from itertools import chain

from embodied_mem.contracts import Backend
from embodied_mem.integrations.langgraph.item_records import KIND, Namespace, Place, namespace_of
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.view import Follower, Gaps, View, gaps_between, is_hidden
from embodied_mem.memory.views.withdrawals import Withdrawals
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind


class Items(View):
    """The newest version of each item that is not archived, as sequence numbers by namespace and key.

    Namespaces and keys are in the order in which they were first put; a new version keeps the place.

    Args:
        hidden: The withdrawn parts of the log.
    """

    kinds = (EntryKind.EXPERIENCE, EntryKind.ARCHIVE, EntryKind.RESTORE)
    paths = ("kind", "id", "metadata.namespace", "metadata.key", "experience_id")

    def __init__(self, hidden: Gaps) -> None:
        self.hidden = hidden
        self.clear()

    def clear(self) -> None:
        """Forget every item."""
        self.current: dict[Namespace, dict[str, int]] = {}
        self._versions: dict[str, tuple[Place, int]] = {}  # id of an experience -> its item and sequence
        self._live: dict[Place, dict[str, int]] = {}  # two processes may put a version each

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Take in a version of an item, or that one was archived or restored."""
        if is_hidden(sequence, self.hidden):
            return
        if kind == EntryKind.EXPERIENCE:
            namespace, key = values["metadata.namespace"], values["metadata.key"]
            if values["kind"] == KIND and isinstance(namespace, dict) and isinstance(key, str):
                self._put((namespace_of(namespace), key), str(values["id"]), sequence)
        elif str(values["experience_id"]) in self._versions:
            version = str(values["experience_id"])
            place, put_at = self._versions[version]
            if kind == EntryKind.RESTORE:
                self._put(place, version, put_at)
            else:
                self._archive(place, version)

    def sequence_of(self, place: Place) -> int | None:
        """Return the sequence number of an item's current version; None if there is no such item."""
        namespace, key = place
        return self.current.get(namespace, {}).get(key)

    def is_current(self, version: str) -> bool:
        """Return whether an experience is the current version of its item."""
        place, sequence = self._versions.get(version, (None, None))
        return place is not None and self.sequence_of(place) == sequence

    def versions_of(self, place: Place) -> list[str]:
        """Return the ids of the versions of an item that are not archived; more than one after a race."""
        return list(self._live.get(place, ()))

    def history_of(self, place: Place) -> list[str]:
        """Return the ids of all versions of an item, the archived ones too, in the order of writing."""
        return [version for version, (held, _) in self._versions.items() if held == place]

    def within(self, prefix: Namespace) -> Iterator[int]:
        """Iterate over the sequence numbers of the items below a namespace, itself included."""
        found = (keys for name, keys in self.current.items() if name[: len(prefix)] == prefix)
        return chain.from_iterable(keys.values() for keys in found)

    def _put(self, place: Place, version: str, sequence: int) -> None:
        namespace, key = place
        self._versions[version] = (place, sequence)
        live = self._live.setdefault(place, {})
        live[version] = sequence
        self.current.setdefault(namespace, {})[key] = max(live.values())

    def _archive(self, place: Place, version: str) -> None:
        namespace, key = place
        live = self._live.get(place, {})
        if live.pop(version, None) is None:
            return
        if live:
            self.current[namespace][key] = max(live.values())
            return
        del self._live[place], self.current[namespace][key]
        if not self.current[namespace]:
            del self.current[namespace]


class ItemsOfLog:
    """Keeps `Items` up to date with a log, whoever writes it.

    Args:
        backend: The log.
    """

    def __init__(self, backend: Backend) -> None:
        self._log = LogValues(backend)
        self._withdrawals = Withdrawals()
        self._follow_withdrawals = Follower(self._log, (self._withdrawals,))
        self._begin(())

    def read(self) -> Items:
        """Return the items as of now; the next call may change what was returned."""
        head = self._log.head()
        self._follow_withdrawals.catch_up(head)
        hidden = gaps_between(self._withdrawals.visible(None))
        if hidden != self._items.hidden:  # entries already taken in may be hidden now
            self._begin(hidden)
        self._follow_items.catch_up(head)
        return self._items

    def _begin(self, hidden: Gaps) -> None:
        self._items = Items(hidden)
        self._follow_items = Follower(self._log, (self._items,))
