"""Memory modes: the same memory with reading only, or with nothing at all."""

from typing import Literal, TypeAlias, Unpack, get_args

from embodied_mem.contracts import HasHorizon, Memory
from embodied_mem.errors import MemoryModeError, unknown_name
from embodied_mem.records.experience import Experience, Recalled, Receipt
from embodied_mem.records.queries import Query, QueryFields, build_query
from embodied_mem.records.recollection import Recollection

Mode: TypeAlias = Literal["learn", "frozen", "off"]


def with_mode(memory: Memory, mode: str) -> Memory:
    """The memory as seen in a mode; works for any implementation.

    Args:
        memory: What is looked at; it is not closed or changed.
        mode: `learn` gives the memory itself; `frozen` recalls and refuses every write; `off` recalls nothing
            and refuses every write.

    Raises:
        UnknownName: No such mode.
    """
    if mode not in get_args(Mode):
        raise unknown_name("memory mode", mode, get_args(Mode))
    if mode == "learn":
        return memory
    return LimitedWithHorizon(memory, mode) if isinstance(memory, HasHorizon) else LimitedMemory(memory, mode)


class LimitedMemory:
    """A memory that refuses writes; made by `with_mode`.

    Args:
        inner: The memory that is asked.
        mode: `frozen` or `off`.
    """

    def __init__(self, inner: Memory, mode: str) -> None:
        self.inner = inner
        self.mode = mode

    def record(self, experience: Experience) -> Receipt:
        """Refuse.

        Raises:
            MemoryModeError: Always.
        """
        raise self._refusal("record an experience")

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> list[Recalled]:
        """What the memory recalls if `frozen`, nothing if `off`."""
        asked = build_query(query, fields)
        return Recollection() if self.mode == "off" else self.inner.recall(asked)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Refuse.

        Raises:
            MemoryModeError: Always.
        """
        raise self._refusal("take feedback")

    def _refusal(self, what: str) -> MemoryModeError:
        return MemoryModeError(
            f"a memory in mode {self.mode!r} does not {what}; open it with mode='learn' to write"
        )


class LimitedWithHorizon(LimitedMemory):
    """The same for a memory whose state can be fixed for the length of an episode."""

    def horizon(self) -> int:
        """The newest sequence number of the memory."""
        if not isinstance(self.inner, HasHorizon):
            raise TypeError(f"{type(self.inner).__name__} has no horizon")
        return self.inner.horizon()
