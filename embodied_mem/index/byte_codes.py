"""Vectors as bytes that faiss scans several times as fast as numpy: full blocks of them lie in its memory.

numpy has no product of bytes, so it makes float32 of them first. A scalar quantiser of faiss multiplies as it
decodes, and says which few of a block are the most alike, but not how alike all are.
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
    """Rows of bytes, of which code c in column j stands for low[j] + step[j] * c.

    Args:
        low: (d,) float32.
        step: (d,) float32, > 0.
    """

    def __init__(self, low: Vector, step: Vector) -> None:
        super().__init__(len(low), np.uint8)
        self._low, self._step = low, step
        self._scanned: list[Any] = []  # the first blocks, as indexes of faiss

    @property
    def n_scanned(self) -> int:
        """How many of the first rows lie in blocks that are full."""
        return len(self._scanned) * self.height

    def full_blocks(self, first: int, last: int) -> range:
        """Numbers of the blocks that are full and lie between these rows."""
        return range(-(-first // self.height), min(last // self.height, len(self._scanned)))

    def extend(self, rows: Codes) -> None:
        """Append rows of (m, width)."""
        super().extend(rows)
        self._hand_over()

    def adopt(self, rows: Codes) -> None:
        """Append rows of (m, width) that nobody writes to."""
        super().adopt(rows)
        self._hand_over()

    def best_in(self, blocks: range, query: Vector, n: int) -> tuple[Places, Products]:
        """Of each of these blocks, which are full, the n rows that are most like the query.

        Args:
            blocks: Their numbers, one at least.
            query: (d,) what to multiply with.
            n: How many of a block, at most its height.

        Returns:
            Row numbers and products, (b, n) each, best first; no other row of a block has a higher product,
            but for what float32 loses.
        """
        with one_thread():
            found = [self._scanned[block].search(query[None], n) for block in blocks]
        rows = [block * self.height + places for block, (_, places) in zip(blocks, found, strict=True)]
        return np.concatenate(rows), np.concatenate([products for products, _ in found])

    def _hand_over(self) -> None:
        """Let faiss have the blocks that are full; numpy looks into its memory."""
        while (number := len(self._scanned)) < len(self) // self.height:
            index = _scanner(self._low, self._step, self.blocks[number])
            self._scanned.append(index)
            self.blocks[number] = np.asarray(_Memory(index))


def _scanner(low: Vector, step: Vector, codes: Codes) -> Any:
    """A `faiss.IndexScalarQuantizer` of these codes, which decodes to the middle of a step."""
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
    """The codes of an index, for numpy, which keeps this and so the index as long as it looks at them."""

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
