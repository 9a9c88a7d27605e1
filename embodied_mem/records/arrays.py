"""Arrays of other libraries as NumPy arrays, by their protocols, without importing those libraries."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

_KINDS = "biufSU"  # numbers and texts; no objects, which only their own library can read


def as_array(value: Any) -> Array | None:
    """Return an array or scalar of any library as a NumPy array; None for anything else.

    Reads `__array__`, `.cpu().numpy()` (tensors on any device, also those that track gradients) and DLPack.
    Never raises. A `numpy.ndarray` is returned as it is, anything else may share memory with its owner.
    """
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value) if value.dtype.kind in _KINDS else None
    for protocol, read in _READERS:
        # Looked up on the type: a proxy of a remote simulator has every attribute that it is asked for.
        if hasattr(type(value), protocol):
            with suppress(Exception):  # a tensor on a GPU refuses `__array__`; the next way may read it
                array = np.asarray(read(value))
                if array.dtype.kind in _KINDS:
                    return array
    return None


def to_array(value: Any) -> Array:
    """Return `numpy.asarray(value)`, which may raise, also for arrays that only `as_array` can read."""
    array = as_array(value)
    return np.asarray(value) if array is None else array


def _on_cpu(tensor: Any) -> Any:
    if hasattr(tensor, "detach"):
        tensor = tensor.detach()
    return tensor.cpu()


_READERS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("__array__", np.asarray),
    ("__array_interface__", np.asarray),
    ("cpu", lambda tensor: _on_cpu(tensor).numpy()),
    ("cpu", lambda tensor: _on_cpu(tensor).float().numpy()),  # bfloat16, which NumPy does not have
    ("__dlpack__", np.from_dlpack),
    ("__dlpack__", lambda array: np.from_dlpack(array, device="cpu")),  # copies from a GPU; NumPy >= 2.1
)
