"""Tests that every `Embedder` must pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from embodied_mem.contracts import Embedder, EmbedsQueries
from embodied_mem.records.spaces import Space, Vectors, similarities

TOLERANCE = 1e-5  # a network may round differently with another batch size


class EmbedderContract:
    """Subclass it and define a fixture `embedder`; override `inputs` if they are not texts."""

    @pytest.fixture
    def embedder(self) -> Embedder[Any]:
        """The embedder; override this."""
        raise NotImplementedError("define a fixture `embedder`")

    @pytest.fixture
    def inputs(self) -> Sequence[Any]:
        """At least three distinct inputs."""
        return ["go to the red ball", "open the fridge", "", "家に帰る", "stack " * 300]

    def test_is_an_embedder(self, embedder: Embedder[Any]) -> None:
        """It has `space` and `embed`."""
        assert isinstance(embedder, Embedder)
        assert isinstance(embedder.space, Space)

    def test_the_space_stays_the_same(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """`embed` does not change the space."""
        before = embedder.space
        embedder.embed(inputs)
        assert embedder.space == before

    def test_gives_one_finite_row_an_input(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """The result is (n, d) float32, the empty text included."""
        vectors = embedder.embed(inputs)
        assert vectors.shape == (len(inputs), embedder.space.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_no_input_gives_no_row(self, embedder: Embedder[Any]) -> None:
        """The result is (0, d), not an error."""
        assert embedder.embed([]).shape == (0, embedder.space.dimension)

    def test_a_row_does_not_depend_on_the_batch(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """An input has the same vector alone, in a batch and in another order."""
        together = embedder.embed(inputs)
        alone = np.concatenate([embedder.embed([one]) for one in inputs])
        reversed_batch = embedder.embed(list(reversed(inputs)))[::-1]
        np.testing.assert_allclose(alone, together, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(reversed_batch, together, atol=TOLERANCE, rtol=0)

    def test_asking_again_gives_the_same(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """A later call does not change vectors returned earlier."""
        first = embedder.embed(inputs)
        kept = first.copy()
        embedder.embed(list(reversed(inputs)))
        np.testing.assert_array_equal(first, kept, err_msg="an earlier result was overwritten")
        np.testing.assert_allclose(embedder.embed(inputs), kept, atol=TOLERANCE, rtol=0)

    def test_unlike_inputs_give_unlike_rows(self, embedder: Embedder[Any], inputs: Sequence[Any]) -> None:
        """Distinct inputs have distinct vectors."""
        assert len(np.unique(embedder.embed(inputs), axis=0)) == len(inputs)

    def test_queries_get_rows_as_what_is_kept_does(
        self, embedder: Embedder[Any], inputs: Sequence[Any]
    ) -> None:
        """`embed_queries` returns (n, d) float32, finite, of the same space; (0, d) without queries."""
        vectors = _embedded_queries(embedder, inputs)
        assert vectors.shape == (len(inputs), embedder.space.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        assert _embedded_queries(embedder, []).shape == (0, embedder.space.dimension)

    def test_the_row_of_a_query_does_not_depend_on_the_batch(
        self, embedder: Embedder[Any], inputs: Sequence[Any]
    ) -> None:
        """A query has the same vector alone and in a batch."""
        together = _embedded_queries(embedder, inputs)
        alone = np.concatenate([_embedded_queries(embedder, [one]) for one in inputs])
        np.testing.assert_allclose(alone, together, atol=TOLERANCE, rtol=0)

    def test_a_query_changes_nothing_about_what_is_kept(
        self, embedder: Embedder[Any], inputs: Sequence[Any]
    ) -> None:
        """A prefix that is set for a query must not be applied to stored texts afterwards."""
        kept, space = embedder.embed(inputs).copy(), embedder.space
        _embedded_queries(embedder, inputs)
        np.testing.assert_allclose(embedder.embed(inputs), kept, atol=TOLERANCE, rtol=0)
        assert embedder.space == space

    def test_most_queries_are_nearest_to_their_own_text(
        self, embedder: Embedder[Any], inputs: Sequence[Any]
    ) -> None:
        """Queries and texts share one space; "most", because models differ."""
        kept, queries = embedder.embed(inputs), _embedded_queries(embedder, inputs)
        metric = embedder.space.metric
        nearest = [int(np.argmax(similarities(kept, query, metric))) for query in queries]
        assert sum(place == row for row, place in enumerate(nearest)) > len(inputs) / 2


def _embedded_queries(embedder: Embedder[Any], queries: Sequence[Any]) -> Vectors:
    if not isinstance(embedder, EmbedsQueries):
        pytest.skip("this embedder embeds queries like stored texts")
    vectors: Vectors = embedder.embed_queries(queries)
    return vectors
