"""Arrays that grow at the end without ever needing twice their memory."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 12 * 2**20  # 8,192 vectors of 384 float32
GROWTH = 8  # a flat array grows by an eighth
HUGE_PAGE_BYTES = 2**21


class GrowingArray:
    """A flat array with room at its end.

    Args:
        dtype: Of its items.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._items: npt.NDArray[Any] = np.empty(16, dtype=dtype)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def items(self) -> npt.NDArray[Any]:
        """(n,) a view of all items, not to be written; a later `extend` may move the items."""
        return self._items[: self._n]

    @property
    def nbytes(self) -> int:
        """Memory taken, room at the end included."""
        return self._items.nbytes

    def extend(self, items: npt.ArrayLike) -> None:
        """Append these items."""
        new = np.asarray(items, dtype=self._items.dtype)
        n = self._n + len(new)
        if n > len(self._items):
            grown = np.empty(
                max(n, len(self._items) + max(16, len(self._items) // GROWTH)), self._items.dtype
            )
            grown[: self._n] = self._items[: self._n]
            self._items = grown
        self._items[self._n : n] = new
        self._n = n


class Blocks:
    """A matrix in blocks of equal height, so that growing copies one block at most.

    Args:
        width: Numbers in a row.
        dtype: Of its numbers.
    """

    def __init__(self, width: int, dtype: npt.DTypeLike) -> None:
        self.width = width
        self.dtype = np.dtype(dtype)
        self.height = max(
            16, BLOCK_BYTES // (width * 4)
        )  # independent of dtype: float32 and byte blocks hold the same rows
        self.blocks: list[npt.NDArray[Any]] = []
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def nbytes(self) -> int:
        """Memory taken, room at the end included."""
        return sum(block.nbytes for block in self.blocks)

    def extend(self, rows: npt.NDArray[Any]) -> None:
        """Append rows of (m, width)."""
        done = 0
        while done < len(rows):
            block, at = self._n // self.height, self._n % self.height
            self._make_room(block, min(at + len(rows) - done, self.height))
            m = min(len(rows) - done, len(self.blocks[block]) - at)
            self.blocks[block][at : at + m] = rows[done : done + m]
            self._n += m
            done += m

    def adopt(self, rows: npt.NDArray[Any]) -> None:
        """Append rows (m, width), whole blocks without a copy; the caller must not modify them."""
        done = 0
        if self._n % self.height == 0:
            done = len(rows) - len(rows) % self.height
            self.blocks += [rows[at : at + self.height] for at in range(0, done, self.height)]
            self._n += done
        self.extend(rows[done:])

    def parts(self, first: int, last: int) -> "list[tuple[int, npt.NDArray[Any]]]":
        """Return rows first to last (exclusive) as contiguous pieces, each with its first row number."""
        pieces = []
        while first < last:
            block, at = first // self.height, first % self.height
            end = min(last, (block + 1) * self.height)
            pieces.append((first, self.blocks[block][at : at + end - first]))
            first = end
        return pieces

    def split(
        self, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, npt.NDArray[Any], npt.NDArray[np.int64]]]:
        """Split ascending rows by block: slice of `rows`, the block, positions in the block."""
        if len(self.blocks) == 1:
            yield slice(0, len(rows)), self.blocks[0], rows
        elif len(rows):
            first, last = int(rows[0]) // self.height, int(rows[-1]) // self.height
            ends = np.searchsorted(rows, np.arange(first + 1, last + 1) * self.height).tolist()
            for number, (start, stop) in enumerate(pairwise([0, *ends, len(rows)]), first):
                if stop > start:
                    yield slice(start, stop), self.blocks[number], rows[start:stop] - number * self.height

    def take(self, rows: npt.NDArray[np.int64], out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return a copy (m, width) of ascending rows; in the first rows of `out` if given."""
        if out is None:
            out = np.empty((len(rows), self.width), self.dtype)
        for which, block, places in self.split(rows):
            # mode="clip" avoids a temporary copy; positions are never out of range.
            block.take(places, axis=0, out=out[which], mode="clip")
        return out[: len(rows)]

    def _make_room(self, block: int, height: int) -> None:
        """Create or grow a block to at least `height` rows; the last block grows by doubling."""
        if block == len(self.blocks):
            first = self.height if block else min(self.height, max(64, height))
            self.blocks.append(empty_rows(first, self.width, self.dtype))
        held = self.blocks[block]
        if len(held) < height:
            grown = empty_rows(min(self.height, max(2 * len(held), height)), self.width, self.dtype)
            grown[: len(held)] = held
            self.blocks[block] = grown

    def take_every(self, step: int) -> npt.NDArray[Any]:
        """Return a copy of every step-th row."""
        return self.take(np.arange(0, self._n, step))


def empty_rows(n: int, width: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an uninitialised array (n, width); large ones are aligned to huge pages.

    numpy requests huge pages, but the system uses them only for pages entirely inside the array. An
    unaligned array of 12 MB misses them at both ends, and reading it takes up to a tenth longer. The padding
    is never touched, and so takes no memory.
    """
    n_bytes = n * width * dtype.itemsize
    if n_bytes < 2 * HUGE_PAGE_BYTES:
        return np.empty((n, width), dtype)
    room = np.empty(n_bytes + HUGE_PAGE_BYTES, np.uint8)
    begin = -room.ctypes.data % HUGE_PAGE_BYTES
    return room[begin : begin + n_bytes].view(dtype).reshape(n, width)
