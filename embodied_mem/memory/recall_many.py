"""`CanRecallMany`: the experiences nearest to each of many vectors, for a batch within one control step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from embodied_mem.contracts import Backend
from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.scoring import total_scores
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.log import Search, VectorLeg
from embodied_mem.records.spaces import FieldVector, Space, Vectors


class RecalledMany(NamedTuple):
    """The hits of a batch: m of each vector, the smaller of k and the number of candidates.

    Attributes:
        ids: For each vector, the ids of its m experiences, best first.
        scores: (n, m) float32, their scores.
    """

    ids: Sequence[Sequence[str]]
    scores: npt.NDArray[np.float32]


@runtime_checkable
class CanRecallMany(Protocol):
    """A memory that recalls for a batch of vectors in much less time than one by one."""

    def recall_many(
        self,
        vectors: npt.ArrayLike,
        *,
        field: str,
        space: Space,
        where: Where = EVERYTHING,
        k: int = 5,
        as_of: int | None = None,
    ) -> RecalledMany:
        """Return for each vector the ids and scores of what a recall by this vector alone returns.

        Args:
            vectors: (n, d) finite numbers, n >= 0.
            field: The field of experiences to compare.
            space: The space of the vectors, which must be that of the field.
            where: Only experiences that pass this filter are candidates.
            k: Maximum number of hits for each vector, 0 to 10,000.
            as_of: Last sequence number that is visible; None: the whole log.

        Raises:
            InvalidQuery: The vectors are not (n, d) finite numbers, or another value is invalid.
            UnknownSpace: The space is not that of the field.
        """
        ...


def checked_vectors(vectors: npt.ArrayLike, space: Space) -> Vectors:
    """Return the vectors of a batch as (n, d) float32.

    Raises:
        InvalidQuery: They have another shape, or are not real, finite numbers.
    """
    try:
        rows = np.asarray(vectors)
    except ValueError:  # rows of several lengths
        rows = np.asarray(None)
    if rows.dtype.kind in "biuf" and rows.ndim == 2 and rows.shape[1] == space.dimension:
        with np.errstate(over="ignore"):
            checked: Vectors = np.ascontiguousarray(rows, np.float32)
        if np.isfinite(checked).all():
            return checked
    raise InvalidQuery(
        f"vectors are {rows.dtype} of shape {rows.shape}; expected (n, {space.dimension}) finite numbers"
    )


def search_one_by_one(
    backend: Backend, search: Search, vectors: Vectors
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return what `CanSearchMany.search_many` does, from a back end that cannot."""
    leg, *priors = search.legs
    assert isinstance(leg, VectorLeg)
    sequences, totals = [], []
    for values in vectors:
        vector = FieldVector(field=leg.vector.field, space=leg.vector.space, values=values)
        asked = replace(search, legs=(replace(leg, vector=vector), *priors))
        found = backend.search(asked)
        sequences.append(found.sequences)
        totals.append(total_scores(found, asked.legs))
    m = len(sequences[0]) if sequences else 0
    return np.reshape(np.array(sequences, np.int64), (len(vectors), m)), np.reshape(totals, (len(vectors), m))
