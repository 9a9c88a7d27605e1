"""Memory modes: read-only (`frozen`) and disabled (`off`) views of a memory."""

import inspect
from typing import Literal, TypeAlias, Unpack, get_args

import numpy as np
import numpy.typing as npt

from embodied_mem.contracts import HasHorizon, Memory
from embodied_mem.errors import MemoryModeError, unknown_name
from embodied_mem.memory.recall_many import CanRecallMany, RecalledMany, checked_vectors
from embodied_mem.records.answers import answers_of
from embodied_mem.records.experience import Experience, Recalled, Receipt
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.queries import Query, QueryFields, build_query
from embodied_mem.records.recollection import Recollection
from embodied_mem.records.spaces import Space

Mode: TypeAlias = Literal["learn", "frozen", "off"]


def with_mode(memory: Memory, mode: str) -> Memory:
    """Return a view of any memory in a mode.

    Args:
        memory: The memory; it is not closed or changed.
        mode: `learn` returns the memory itself; `frozen` recalls and rejects writes; `off` recalls nothing
            and rejects writes.

    Raises:
        UnknownName: The mode does not exist.
    """
    if mode not in get_args(Mode):
        raise unknown_name("memory mode", mode, get_args(Mode))
    if mode == "learn":
        return memory
    if not isinstance(memory, HasHorizon):
        return LimitedMemory(memory, mode)
    return (LimitedWithMany if isinstance(memory, CanRecallMany) else LimitedWithHorizon)(memory, mode)


class LimitedMemory:
    """A memory that rejects writes; built by `with_mode`.

    Args:
        inner: The wrapped memory.
        mode: `frozen` or `off`.
    """

    def __init__(self, inner: Memory, mode: str) -> None:
        self.inner = inner
        self.mode = mode
        self.is_async = bool(getattr(inner, "is_async", inspect.iscoroutinefunction(inner.recall)))

    @property
    def answers(self) -> frozenset[str]:
        """Names of the fields of `Query` that the memory answers."""
        return answers_of(self.inner)

    def record(self, experience: Experience) -> Receipt:
        """Reject the write.

        Raises:
            MemoryModeError: Always.
        """
        raise self._refusal("record an experience")

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> list[Recalled]:
        """Recall from the memory if `frozen`; return nothing if `off`."""
        asked = build_query(query, fields)
        return Recollection() if self.mode == "off" else self.inner.recall(asked)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Reject the write.

        Raises:
            MemoryModeError: Always.
        """
        raise self._refusal("take feedback")

    def _refusal(self, what: str) -> MemoryModeError:
        return MemoryModeError(
            f"a memory in mode {self.mode!r} does not {what}; open it with mode='learn' "
            f"to write, or give the agent the mode: Agent(mode={self.mode!r})"
        )


class LimitedWithHorizon(LimitedMemory):
    """A `LimitedMemory` over a memory with a horizon."""

    def horizon(self) -> int:
        """Return the newest sequence number of the memory."""
        if not isinstance(self.inner, HasHorizon):
            raise TypeError(f"{type(self.inner).__name__} has no horizon")
        return self.inner.horizon()


class LimitedWithMany(LimitedWithHorizon):
    """A `LimitedMemory` over a memory with a horizon that recalls for many vectors at once."""

    def recall_many(
        self,
        vectors: npt.ArrayLike,
        *,
        field: str,
        space: Space,
        where: Where = EVERYTHING,
        k: int = 5,
        as_of: int | None = None,
    ) -> RecalledMany:
        """Recall from the memory if `frozen`; return no hits if `off`."""
        if self.mode == "off":
            n = len(checked_vectors(vectors, space))
            return RecalledMany([[] for _ in range(n)], np.zeros((n, 0), np.float32))
        if not isinstance(self.inner, CanRecallMany):
            raise TypeError(f"{type(self.inner).__name__} cannot recall for many vectors")
        return self.inner.recall_many(vectors, field=field, space=space, where=where, k=k, as_of=as_of)
