"""`HashedEmbedder`: text to a vector without a model, by hashing words and character n-grams."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log
from zlib import crc32

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.spaces import MAX_DIMENSION, Space, Vector, Vectors
from embodied_mem.text.synonyms import Synonyms, default_synonyms
from embodied_mem.text.words import MAX_INDEXED_CHARS, words

VERSION = "2"  # increment with every change to the vectors, including changes to `words`
MIN_GRAM, MAX_GRAM = 3, 5
GRAM_WEIGHT = 0.5  # of all n-grams of a word together; the word itself has 1


class HashedEmbedder:
    """Embeds text offline by signed hashing of stemmed words and their n-grams of 3 to 5 characters.

    A substitute for a learnt embedder: texts that share words or parts of words are near; only the synonyms
    add meaning. Measured worse than lexical search, so recall gives it a small weight.

    Args:
        dimension: Length of a vector, 8 to 65,536.
        synonyms: Synonyms; None: the built-in ones.
    """

    def __init__(self, dimension: int = 512, synonyms: Synonyms | None = None) -> None:
        is_integer = isinstance(dimension, int | np.integer) and not isinstance(dimension, bool)
        if not is_integer or not 8 <= dimension <= MAX_DIMENSION:
            raise InvalidRecord(f"dimension is {dimension!r}; expected 8 to {MAX_DIMENSION:,}")
        self._synonyms = default_synonyms() if synonyms is None else synonyms
        settings = f"{dimension} {MIN_GRAM}-{MAX_GRAM} {GRAM_WEIGHT} {self._synonyms.digest}"
        self._space = Space(
            name="hashed",
            version=VERSION,
            dimension=dimension,
            config_hash=blake2b(settings.encode(), digest_size=6).hexdigest(),
        )

    @property
    def space(self) -> Space:
        """The space of its vectors; it depends on the settings."""
        return self._space

    def embed(self, inputs: Sequence[str]) -> Vectors:
        """Return (n, d) float32 of unit length, or zero for a text without a word."""
        vectors = np.zeros((len(inputs), self._space.dimension), dtype=np.float32)
        for row, text in enumerate(inputs):
            vectors[row] = self._embed_one(text)
        return vectors

    def _embed_one(self, text: str) -> Vector:
        counts = Counter(self._synonyms.apply(words_of(text)))
        vector = np.zeros(self._space.dimension, dtype=np.float32)
        if not counts:
            return vector
        hashed = [_features(word) for word in counts]
        hashes = np.concatenate([feature[0] for feature in hashed])
        weights = np.concatenate([feature[1] for feature in hashed])
        repeats = [1 + log(count) for count in counts.values()]
        weights = weights * np.repeat(repeats, [len(feature[0]) for feature in hashed])
        total = np.bincount(hashes % self._space.dimension, weights=weights, minlength=len(vector))
        norm = float(np.sqrt(total @ total))
        return (total / norm).astype(np.float32) if norm > 0 else vector


def words_of(text: str) -> list[str]:
    """Return the words as in all vectors of this version: with prefixes, and cut within a word."""
    return words(text[:MAX_INDEXED_CHARS], with_prefixes=True)


@lru_cache(maxsize=16_384)
def _features(word: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return hashes and signed weights of a word and its n-grams."""
    marked = f"<{word}>"
    lengths = range(MIN_GRAM, MAX_GRAM + 1) if word.isalpha() else ()  # parts of numbers carry no meaning
    grams = [marked[i : i + n] for n in lengths for i in range(len(marked) - n + 1)]
    weights = [1.0] + [GRAM_WEIGHT / max(1, len(grams)) ** 0.5] * len(grams)
    codes = [crc32(part.encode("utf-8", "surrogatepass")) for part in (f"={word}", *grams)]
    signs = [1.0 if code & 0x80000000 else -1.0 for code in codes]
    hashes = np.array([code & 0x7FFFFFFF for code in codes], dtype=np.int64)
    return hashes, np.array(weights) * np.array(signs)
