"""Inner products of one vector with many, by faiss in the thread of the caller.

faiss reads the rows of a filter where they lie; numpy has to copy them together first, which takes twice as
long. It has no threshold below which a thread of BLAS is started, so a process that forks later stays safe.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Places
from embodied_mem.index.faiss_threads import one_thread
from embodied_mem.records.spaces import Vector, Vectors

Products = npt.NDArray[np.float32]


def inner_products(rows: Vectors, query: Vector, out: Products) -> None:
    """Write the product of every row into `out`.

    Args:
        rows: (n, d) float32, C-contiguous.
        query: (d,) float32, contiguous.
        out: (n,) float32, contiguous.
    """
    faiss = _faiss()
    pointers = [faiss.swig_ptr(array) for array in (out, query, rows)]
    faiss.fvec_inner_products_ny(*pointers, len(query), len(rows))


def inner_products_at(rows: Vectors, places: Places, query: Vector, out: Products) -> None:
    """Write the products of the rows at these places into `out`.

    Args:
        rows: (n, d) float32, C-contiguous.
        places: (m,) int64, contiguous, each in [0, n).
        query: (d,) float32, contiguous.
        out: (m,) float32, contiguous.
    """
    faiss = _faiss()
    pointers = [faiss.swig_ptr(array) for array in (out, query, rows, places)]
    with one_thread():
        faiss.fvec_inner_products_by_idx(*pointers, len(query), 1, len(places))


def _faiss() -> Any:
    """The module, whose stubs lack these two functions."""
    import faiss

    return faiss
