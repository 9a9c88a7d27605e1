"""Vectors as byte codes; full blocks are stored in faiss, which scans them several times as fast as numpy.

numpy must convert bytes to float32 before a product. faiss's scalar quantiser decodes and multiplies in one
step, but returns only the top few of a block, not the similarities of all.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Places
from embodied_mem.index.faiss_threads import one_thread
from embodied_mem.index.growing import Blocks
from embodied_mem.records.spaces import Vector

Codes: TypeAlias = npt.NDArray[np.uint8]
Products: TypeAlias = npt.NDArray[np.float32]


class ByteCodes(Blocks):
    """Rows of byte codes; code c in column j decodes to low[j] + step[j] * c.

    Args:
        low: (d,) float32.
        step: (d,) float32, > 0.
    """

    def __init__(self, low: Vector, step: Vector) -> None:
        super().__init__(len(low), np.uint8)
        self._low, self._step = low, step
        self._scanned: list[Any] = []  # the full blocks, as faiss indexes

    @property
    def n_scanned(self) -> int:
        """The number of rows in full blocks, which come first."""
        return len(self._scanned) * self.height

    def full_blocks(self, first: int, last: int) -> range:
        """Return the numbers of the full blocks within rows first to last (exclusive)."""
        return range(-(-first // self.height), min(last // self.height, len(self._scanned)))

    def extend(self, rows: Codes) -> None:
        """Append rows of (m, width)."""
        super().extend(rows)
        self._hand_over()

    def adopt(self, rows: Codes) -> None:
        """Append rows (m, width) without a copy where possible; the caller must not modify them."""
        super().adopt(rows)
        self._hand_over()

    def best_in(self, blocks: range, query: Vector, n: int) -> tuple[Places, Products]:
        """Return the n rows of each block with the highest inner products with the query.

        Args:
            blocks: Numbers of full blocks, at least one.
            query: (d,) the query.
            n: Rows per block, at most its height.

        Returns:
            Row numbers and products, (b, n) each, best first; no other row of a block has a higher product,
            up to float32 rounding.
        """
        with one_thread():
            found = [self._scanned[block].search(query[None], n) for block in blocks]
        rows = [block * self.height + places for block, (_, places) in zip(blocks, found, strict=True)]
        return np.concatenate(rows), np.concatenate([products for products, _ in found])

    def _hand_over(self) -> None:
        """Move full blocks into faiss; numpy keeps views of faiss's memory."""
        while (number := len(self._scanned)) < len(self) // self.height:
            index = _scanner(self._low, self._step, self.blocks[number])
            self._scanned.append(index)
            self.blocks[number] = np.asarray(_Memory(index))


def _scanner(low: Vector, step: Vector, codes: Codes) -> Any:
    """Build a `faiss.IndexScalarQuantizer` of these codes; it decodes to the middle of a step."""
    import faiss

    index = faiss.IndexScalarQuantizer(len(low), faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    ranges = np.concatenate([low - step / 2, step * 255]).astype(np.float32)
    faiss.copy_array_to_vector(ranges, index.sq.trained)
    index.is_trained = True
    codes = np.ascontiguousarray(codes)
    index.codes.resize(codes.nbytes)
    faiss.memcpy(index.codes.data(), faiss.swig_ptr(codes), codes.nbytes)
    index.ntotal = len(codes)
    return index


class _Memory:
    """Array interface to the codes of a faiss index; numpy's views keep it, and so the index, alive."""

    def __init__(self, index: Any) -> None:
        import faiss

        first = faiss.rev_swig_ptr(index.codes.data(), 1)
        self.index = index
        self.__array_interface__ = {
            "data": (first.ctypes.data, True),  # read-only
            "shape": (index.ntotal, index.d),
            "typestr": "|u1",
            "version": 3,
        }
