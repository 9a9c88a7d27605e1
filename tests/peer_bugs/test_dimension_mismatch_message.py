"""mem0 with FAISS answers a vector of the wrong length with an empty AssertionError, others accept it."""

import numpy as np
import pytest

from embodied_mem import Experience, FieldVector, MemoryStore, Space
from embodied_mem.errors import EmbodiedMemError, UnknownSpace


def vector(dimension: int) -> FieldVector:
    space = Space(name="camera", version="1", dimension=dimension, config_hash="a")
    return FieldVector(field="image", space=space, values=np.ones(dimension, dtype=np.float32))


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        store.memory().record(Experience(task="look", id="first", vectors=(vector(384),)))
        yield store


def check_the_message_helps(use) -> None:
    """It names both lengths, the field, and what to do."""
    with pytest.raises((EmbodiedMemError, AssertionError)) as caught:
        use()
    message = str(caught.value)
    for part in ("384", "128", "image", "embedder"):
        assert part in message, f"{part!r} is not said in {message!r}"


def test_dimension_mismatch_message_of_a_record(store):
    memory = store.memory()
    wrong = Experience(task="look", id="second", vectors=(vector(128),))
    check_the_message_helps(lambda: memory.record(wrong))
    with pytest.raises(UnknownSpace):
        memory.record(wrong)
    assert [experience.id for experience in store.experiences()] == ["first"], "half of it was kept"
    memory.record(wrong.replace(vectors=(vector(384),)))
    assert store.stats().n_experiences == 2


def test_dimension_mismatch_message_of_a_recall(store):
    memory = store.memory()
    check_the_message_helps(lambda: memory.recall(vectors=(vector(128),)))
    with pytest.raises(UnknownSpace):
        memory.recall(vectors=(vector(128),))
    assert len(memory.recall(vectors=(vector(384),))) == 1


def test_dimension_mismatch_message_of_a_store_that_was_opened_again(store):
    with MemoryStore.open(store.path) as again:
        memory = again.memory()
        check_the_message_helps(lambda: memory.recall(vectors=(vector(128),)))


def test_the_planted_bug_is_caught():
    def says_nothing():
        raise AssertionError  # as a bare `assert d == self.d` does

    with pytest.raises(AssertionError, match="is not said in"):
        check_the_message_helps(says_nothing)
