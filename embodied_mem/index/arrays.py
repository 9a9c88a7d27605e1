"""What the arrays of the index hold, by name."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.int64]  # row numbers, ascending, each once
Places: TypeAlias = npt.NDArray[np.int64]  # where something stands in an array or a list of arrays
Prints: TypeAlias = npt.NDArray[np.uint64]  # fingerprints of vectors
Mask: TypeAlias = npt.NDArray[np.bool_]  # one for each row
Floats: TypeAlias = npt.NDArray[np.float64]
SomeFloats: TypeAlias = npt.NDArray[np.floating[Any]]  # float64, or float32 where that is exact enough
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
