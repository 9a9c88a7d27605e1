"""Vectors with one byte per number, each with an error bound, so that an exact answer can be proved.

The code c of a vector x decodes to x' = low + step * c. By Cauchy-Schwarz, |q.x - q.x'| <= |q| |x - x'|, and
the loss |x - x'| is stored with each vector: a vector whose estimate plus this bound is below the k-th best
exact similarity cannot be among the k best.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Places, Prints
from embodied_mem.index.byte_codes import ByteCodes
from embodied_mem.index.growing import GrowingArray
from embodied_mem.index.top import threshold_of
from embodied_mem.index.vectors import dots, rounding_error
from embodied_mem.records.spaces import Vector, Vectors

AT_ONCE = 1024  # vectors decoded per batch, which fit into the CPU cache
LEVELS = 255
RECENT = 4096  # newest vectors, whose loss shows whether the distribution has changed
SPARE = 32  # extra rows per block on a short list, beyond k
LISTED = 1_024  # rows kept on a short list, as some may be hidden
MAX_SHORTLISTED = 0.05  # share of a range above which a full scan is used
MAX_SKIPPED = 63  # maximum number of searches that skip the short list after it proved nothing
ODD_ONES = 100  # one in so many vectors, those with the highest loss, is on every short list
MAX_LOSS = 3.0  # times the sample's loss, above which the codes are rebuilt


class CompressedVectors:
    """Unit vectors as bytes.

    Args:
        sample: (n, d) unit vectors, n > 0, from which the range of each number is taken.
    """

    def __init__(self, sample: Vectors) -> None:
        low, high = sample.min(axis=0), sample.max(axis=0)
        margin = 0.02 * (high - low) + 1e-6
        self._begin(low - margin, (high - low + 2 * margin) / LEVELS)
        self.usual_loss = float(np.median(self._coded(sample)[1]))

    def _begin(self, low: Vector, step: Vector) -> None:
        dimension = len(low)
        self.low, self.step = low, step
        self.codes = ByteCodes(low, step)
        self._losses = GrowingArray(np.float32)
        self._odd: tuple[int, Places, npt.NDArray[np.float32]] | None = None
        self._n_missed = self._n_to_skip = 0  # short lists that proved nothing, searches left to skip
        self._fingerprints = GrowingArray(np.uint64)
        self._bytes = np.empty((AT_ONCE, dimension), np.uint8)
        self._buffer = np.empty((AT_ONCE, dimension), np.float32)
        self._factors = np.random.default_rng(0).integers(2**63, size=dimension, dtype=np.uint64) | np.uint64(
            1
        )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        arrays = (self.codes, self._losses, self._fingerprints, self._bytes, self._buffer)
        return sum(array.nbytes for array in arrays)

    @property
    def needs_requantizing(self) -> bool:
        """Whether the mean loss of the newest vectors is above `MAX_LOSS` times the usual loss."""
        return self._recent_loss() > MAX_LOSS * self.usual_loss + 1e-6

    def accept_current_loss(self) -> None:
        """Raise the usual loss to the current one, because rebuilding the codes would not lower it."""
        self.usual_loss = max(self.usual_loss, self._recent_loss())

    def extend(self, vectors: Vectors) -> None:
        """Append unit vectors."""
        codes, losses = self._coded(vectors)
        self.codes.extend(codes)
        self._losses.extend(losses)
        self._fingerprints.extend(self._fingerprints_of(vectors))

    def fingerprints(self, places: Places) -> Prints:
        """Return (m,) hashes of vectors: equal for equal vectors, and for one other pair in 2**64."""
        result: Prints = self._fingerprints.items[places]
        return result

    def estimates(self, query: Vector, first: int, last: int) -> tuple[Floats, Floats]:
        """Return estimated cosines (last - first,) of a range, and the error bound of each."""
        result = np.empty(last - first)
        scaled, base = self._prepared(query)
        for at, codes in self.codes.parts(first, last):
            for start in range(0, len(codes), AT_ONCE):
                self._dot(codes[start : start + AT_ONCE], scaled, result[at - first + start :])
        result += base
        return result, self._bounds(query, self._losses.items[first:last])

    def estimates_at(self, query: Vector, places: Places) -> tuple[Floats, Floats]:
        """Return estimated cosines (m,) at ascending positions, and the error bound of each."""
        result = np.empty(len(places))
        scaled, base = self._prepared(query)
        for start in range(0, len(places), AT_ONCE):
            chunk = places[start : start + AT_ONCE]
            self._dot(self.codes.take(chunk, self._bytes), scaled, result[start:])
        result += base
        return result, self._bounds(query, self._losses.items[places])

    def shortlist(self, query: Vector, k: int, first: int, last: int) -> tuple[Places, float] | None:
        """Return positions that most likely include the k most similar of a range.

        Returns:
            Ascending positions, and an upper bound of the cosine of all others in the range; None if a full
            scan is as fast.
        """
        blocks, n = self.codes.full_blocks(first, last), k + SPARE
        if not blocks or n * len(blocks) > MAX_SHORTLISTED * (last - first):
            return None
        if self._n_to_skip:
            self._n_to_skip -= 1
            return None
        places, products = self.codes.best_in(blocks, query, n)
        odd, limit = self._odd_ones()
        bound = float(self._bounds(query, limit)[0])
        highest_other, kth_best = float(products[:, -1].max()), threshold_of(products.ravel(), k)
        if kth_best <= highest_other + bound:  # the error bound cannot separate the k best from the rest
            self._n_to_skip = self._n_missed = min(2 * self._n_missed + 1, MAX_SKIPPED)
            return None
        self._n_missed = 0
        begin, end = blocks.start * self.codes.height, blocks.stop * self.codes.height
        odd = odd[(odd >= begin) & (odd < end)]
        least = max(highest_other, min(kth_best - 3 * bound, threshold_of(products.ravel(), LISTED)))
        found = np.union1d(places[products > least], odd)
        return np.concatenate([np.arange(first, begin), found, np.arange(end, last)]), least + bound

    def _odd_ones(self) -> tuple[Places, npt.NDArray[np.float32]]:
        """Return ascending positions of the vectors with the highest loss, and (1,) the others' maximum loss.

        Otherwise one vector that is unlike the sample would widen every bound.
        """
        n = self.codes.n_scanned
        if self._odd is None or self._odd[0] != n:
            losses, n_odd = self._losses.items[:n], n // ODD_ONES
            limit = np.partition(losses, n - n_odd - 1)[n - n_odd - 1 : n - n_odd]
            self._odd = n, np.flatnonzero(losses > limit), limit
        return self._odd[1:]

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a snapshot."""
        return {
            "low": self.low,
            "step": self.step,
            **{f"codes.{at}": codes for at, codes in self.codes.parts(0, len(self))},
            "losses": self._losses.items,
            "fingerprints": self._fingerprints.items,
            "usual_loss": np.array([self.usual_loss]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> "CompressedVectors":
        """Load from the arrays of a snapshot."""
        made = cls.__new__(cls)
        made._begin(np.array(arrays["low"]), np.array(arrays["step"]))  # a view would keep the whole file
        for name, codes in arrays.items():
            if name.startswith("codes."):
                made.codes.adopt(codes)
        made._losses.extend(arrays["losses"])
        made._fingerprints.extend(arrays["fingerprints"])
        made.usual_loss = float(arrays["usual_loss"][0])
        return made

    def _recent_loss(self) -> float:
        return float(self._losses.items[-RECENT:].mean()) if len(self) else 0.0

    def _coded(self, vectors: Vectors) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        scaled = (vectors - self.low) / self.step
        codes = np.clip(np.rint(scaled, out=scaled), 0, LEVELS, out=scaled).astype(np.uint8)
        lost = vectors - (codes * self.step + self.low)
        losses = np.sqrt(np.einsum("ij,ij->i", lost, lost))
        # Rounded up by more than the float32 error of this computation.
        return codes, (losses * np.float32(1.0001) + np.float32(1e-6)).astype(np.float32)

    def _fingerprints_of(self, vectors: Vectors) -> Prints:
        bits = np.ascontiguousarray(vectors + np.float32(0)).view(np.uint32)  # so that -0 is 0
        result: Prints = np.einsum("ij,j->i", bits, self._factors, dtype=np.uint64, casting="same_kind")
        return result

    def _prepared(self, query: Vector) -> tuple[Vector, float]:
        return (query * self.step).astype(np.float32), float(query.astype(np.float64) @ self.low)

    def _dot(self, codes: npt.NDArray[np.uint8], query: Vector, out: Floats) -> None:
        decoded = self._buffer[: len(codes)]
        np.copyto(decoded, codes)
        out[: len(codes)] = dots(decoded, query)

    def _bounds(self, query: Vector, losses: npt.NDArray[np.float32]) -> Floats:
        # The summed terms are as large as |q_j| * step_j * 255, larger than products of unit vectors.
        size = float(np.abs(query * self.step).sum() * LEVELS)
        length = float(np.sqrt(np.einsum("i,i->", query, query, dtype=np.float64)))
        result: Floats = losses.astype(np.float64) * length + (1.0 + size) * rounding_error(len(query))
        return result
