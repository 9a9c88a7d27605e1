"""Names of the array types of the index."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.int64]  # row numbers, ascending, unique
Places: TypeAlias = npt.NDArray[np.int64]  # positions in an array
Prints: TypeAlias = npt.NDArray[np.uint64]  # fingerprints of vectors
Mask: TypeAlias = npt.NDArray[np.bool_]  # one bool per row
Floats: TypeAlias = npt.NDArray[np.float64]
SomeFloats: TypeAlias = npt.NDArray[np.floating[Any]]  # float64, or float32 where that is exact enough
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
