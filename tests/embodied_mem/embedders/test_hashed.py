import numpy as np
import pytest

from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidRecord
from embodied_mem.records.spaces import Metric
from embodied_mem.text.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.text.words import MAX_INDEXED_CHARS


def cosine(one, other, embedder=None):
    first, second = (embedder or HashedEmbedder()).embed([one, other])
    return float(first @ second)


def test_vectors_have_unit_length_and_an_empty_text_has_none():
    vectors = HashedEmbedder().embed(["go to the red ball", "", "?!", "冰箱"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 1], atol=1e-6)


def test_a_text_is_most_like_itself_then_like_a_near_one():
    assert cosine("go to the red ball", "Go to the red ball!") == pytest.approx(1)
    assert (
        cosine("go to the red ball", "go to the red box") > cosine("go to the red ball", "wash dishes") + 0.3
    )


def test_words_that_share_letters_are_nearer_than_others():
    plain = HashedEmbedder(synonyms=NO_SYNONYMS)
    assert cosine("unlock", "unlocker", plain) > cosine("unlock", "fridge", plain) + 0.1


def test_synonyms_are_equal():
    assert cosine("the mug in the fridge", "the cup in the refrigerator") == pytest.approx(1)


def test_another_setting_is_another_space():
    spaces = {
        HashedEmbedder().space,
        HashedEmbedder(256).space,
        HashedEmbedder(synonyms=NO_SYNONYMS).space,
        HashedEmbedder(synonyms=Synonyms([["a", "b"]])).space,
    }
    assert len(spaces) == 4
    assert HashedEmbedder().space == HashedEmbedder().space
    assert HashedEmbedder().space.metric is Metric.COSINE


@pytest.mark.parametrize("dimension", [0, 7, 65_537])
def test_a_dimension_out_of_range_is_refused(dimension):
    with pytest.raises(InvalidRecord, match=f"dimension is {dimension}; expected 8"):
        HashedEmbedder(dimension)


def test_another_process_gives_the_same_vector(run_python):
    """The built-in hash() of a text changes from process to process; stored vectors must not."""
    code = (
        "from embodied_mem.embedders.hashed import *; print(HashedEmbedder().embed([TEXT]).tobytes().hex())"
    )
    done = run_python("-c", code.replace("TEXT", "'go to the red ball'"))
    assert done.returncode == 0, done.stderr
    assert bytes.fromhex(done.stdout.strip()) == HashedEmbedder().embed(["go to the red ball"]).tobytes()


def test_a_huge_text_is_embedded_by_its_beginning():
    text = "red ball " * MAX_INDEXED_CHARS
    assert cosine(text, text[:MAX_INDEXED_CHARS]) == pytest.approx(1)


def test_a_lone_surrogate_does_no_harm():
    assert cosine("red \ud800 ball", "red ball") == pytest.approx(1)
