"""Inner products of one vector with many, by faiss in the caller's thread.

faiss reads the rows of a filter in place; numpy must gather them first, which takes twice as long. No BLAS
thread is started at any size, so a process may fork later.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Places
from embodied_mem.index.faiss_threads import one_thread
from embodied_mem.records.spaces import Vector, Vectors

Products = npt.NDArray[np.float32]


def inner_products(rows: Vectors, query: Vector, out: Products) -> None:
    """Write the inner product of every row with the query into `out`.

    Args:
        rows: (n, d) float32, C-contiguous.
        query: (d,) float32, contiguous.
        out: (n,) float32, contiguous.
    """
    faiss = _faiss()
    pointers = [faiss.swig_ptr(array) for array in (out, query, rows)]
    faiss.fvec_inner_products_ny(*pointers, len(query), len(rows))


def inner_products_at(rows: Vectors, places: Places, query: Vector, out: Products) -> None:
    """Write the inner products of the rows at these positions with the query into `out`.

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
    """Return the module untyped, as its stubs lack these two functions."""
    import faiss

    return faiss
