"""LightMem updates a text and leaves the vector of the old one; here texts stay and vectors follow them."""

import numpy as np
import pytest

from embodied_mem import MemoryStore
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import ConflictingId
from embodied_mem.records import texts_of
from tests.durability.examples import example

EMBEDDER = HashedEmbedder(64)


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory(embedder=EMBEDDER)
        for n in range(5):
            memory.record(example(f"e-{n}"))
        yield store


def check_each_vector_is_of_its_text(store, embedder) -> None:
    for experience in store.experiences():
        text = " ".join(part for part in texts_of(experience).values() if part)
        [vector] = experience.vectors
        assert vector.space == embedder.space
        np.testing.assert_array_equal(vector.values, embedder.embed([text])[0])


def test_stale_vector_after_update_lightmem(store):
    changed = example("e-2").replace(task="something else entirely")
    with pytest.raises(ConflictingId):
        store.memory(embedder=EMBEDDER).record(changed)
    check_each_vector_is_of_its_text(store, EMBEDDER)


def test_after_embedding_anew_every_vector_is_of_its_text(store):
    embedder = HashedEmbedder(32)
    store.reembed(embedder)
    check_each_vector_is_of_its_text(store, embedder)


def test_the_planted_bug_is_caught(store):
    """A text is changed behind the store's back; the vector is not, and neither is the hash."""
    db = store.backend._connection()
    [table] = [
        table
        for table in ("contents", "entries")
        if any(row[1] == "payload" for row in db.execute(f"PRAGMA table_info({table})"))
    ]
    db.execute(
        f"UPDATE {table} SET payload = json_set(payload, '$.task.text', 'fly to the moon') WHERE sequence = 2"
    )
    with pytest.raises(AssertionError):
        check_each_vector_is_of_its_text(store, EMBEDDER)
    assert store.backend.verify() == [2], "its hash does not say that something is wrong"
