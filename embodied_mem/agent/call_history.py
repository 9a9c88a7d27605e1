"""`CallHistory`: the calls of an episode as a planner sees them at one decision."""

from collections.abc import Sequence
from typing import overload

from embodied_mem.records.decisions import CallRecord


class CallHistory(Sequence[CallRecord]):
    """The first calls of a growing list, without copying it at each decision.

    Args:
        calls: The list; items are only ever appended.
    """

    def __init__(self, calls: list[CallRecord]) -> None:
        self._calls = calls
        self._length = len(calls)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> CallRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CallRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> CallRecord | tuple[CallRecord, ...]:
        if isinstance(index, slice):
            return tuple(self._calls[at] for at in range(*index.indices(self._length)))
        return self._calls[range(self._length)[index]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # it is compared by its items, like a list

    def __repr__(self) -> str:
        return repr(list(self))
