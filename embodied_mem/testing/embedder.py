"""What every `Embedder` must keep to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from embodied_mem.contracts import Embedder
from embodied_mem.spaces import Space

TOLERANCE = 1e-5  # a network on another batch size may round differently, and no more than that


class EmbedderContract:
    """Subclass it and give a fixture `embedder`; override `inputs` where they are not texts."""

    @pytest.fixture
    def embedder(self) -> Embedder[Any]:
        """The embedder; override this."""
        raise NotImplementedError("give a fixture `embedder`")

    @pytest.fixture
    def inputs(self) -> Sequence[Any]:
        """At least three inputs, no two of them alike."""
        return ["go to the red ball", "open the fridge", "", "家に帰る", "stack " * 300]

    def test_is_an_embedder(self, embedder: Embedder[Any]) -> None:
        """It has a space and embeds."""
        assert isinstance(embedder, Embedder)
        assert isinstance(embedder.space, Space)

    def test_the_space_stays_the_same(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """A space is fixed when the embedder is made."""
        before = embedder.space
        embedder.embed(inputs)
        assert embedder.space == before

    def test_gives_one_finite_row_an_input(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """(n, d) float32, the empty text included."""
        vectors = embedder.embed(inputs)
        assert vectors.shape == (len(inputs), embedder.space.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_no_input_gives_no_row(self, embedder: Embedder[Any]) -> None:
        """(0, d), not an error."""
        assert embedder.embed([]).shape == (0, embedder.space.dimension)

    def test_a_row_does_not_depend_on_the_batch(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """Alone, together and in another order are the same."""
        together = embedder.embed(inputs)
        alone = np.concatenate([embedder.embed([one]) for one in inputs])
        reversed_batch = embedder.embed(list(reversed(inputs)))[::-1]
        np.testing.assert_allclose(alone, together, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(reversed_batch, together, atol=TOLERANCE, rtol=0)

    def test_asking_again_gives_the_same(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """And what was handed out before stays as it was."""
        first = embedder.embed(inputs)
        kept = first.copy()
        embedder.embed(list(reversed(inputs)))
        np.testing.assert_array_equal(first, kept, err_msg="an earlier result was overwritten")
        np.testing.assert_allclose(embedder.embed(inputs), kept, atol=TOLERANCE, rtol=0)

    def test_unlike_inputs_give_unlike_rows(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """Something of the input is in the vector."""
        assert len(np.unique(embedder.embed(inputs), axis=0)) == len(inputs)
