"""Vectors of one field in a file that NumPy reads: `.npy` 1.0, little-endian float32, no pickle."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from embodied_mem.errors import StoreError
from embodied_mem.records.spaces import Vector, Vectors

HEADER_BYTES = 128
_MAGIC = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")


class VectorFileWriter:
    """Writes rows one by one; the number of rows goes into the header at the end.

    Args:
        path: The file to create.
        dimension: Length of a row.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.count = 0
        self._dimension = dimension
        self._file: BinaryIO = path.open("wb")
        self._file.write(self._header())

    def add(self, vector: Vector) -> int:
        """Append a row; return its row number, from 0."""
        self._file.write(np.ascontiguousarray(vector, dtype="<f4").data)
        self.count += 1
        return self.count - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            self._file.seek(0)
            self._file.write(self._header())

    def _header(self) -> bytes:
        shape = f"({self.count}, {self._dimension})"
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        return _MAGIC + f"{text:<{HEADER_BYTES - 11}}\n".encode()


def open_vectors(path: Path, *, count: int, dimension: int) -> Vectors:
    """The rows of a file, memory-mapped.

    Raises:
        StoreError: The file is not a vector file, or has another shape.
    """
    try:
        array = np.load(path, mmap_mode="r" if count else None, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is not a vector file: {error}; export the store again") from error
    if array.dtype != np.dtype("<f4") or array.shape != (count, dimension):
        raise StoreError(
            f"{path} holds {array.dtype} of shape {array.shape}; the manifest says float32 of "
            f"({count}, {dimension}); export the store again"
        )
    vectors: Vectors = array
    return vectors
