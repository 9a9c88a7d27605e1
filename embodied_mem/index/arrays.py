"""What the arrays of the index hold, by name."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.int64]  # row numbers, ascending, each once
Mask: TypeAlias = npt.NDArray[np.bool_]  # one for each row
Floats: TypeAlias = npt.NDArray[np.float64]
SomeFloats: TypeAlias = npt.NDArray[np.floating[Any]]  # float64, or float32 where that is exact enough
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
