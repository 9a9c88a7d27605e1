"""The memory of a store keeps images: as attachments, within the quota, and until they are purged."""

import pickle
from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.contracts import KeepsImages
from embodied_mem.errors import InvalidRecord, QuotaExceeded, StoreError
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import Experience
from embodied_mem.records.skills import Observation
from embodied_mem.store import MemoryStore
from embodied_mem.store.png import encode_png
from embodied_mem.testing import KeyDoorWorld

IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


class SeeingWorld(KeyDoorWorld):
    """`KeyDoorWorld` with a picture of how many observations there were."""

    n_seen = 0

    def observe(self, observation: Any, info: Any) -> Observation:
        self.n_seen += 1
        text = super().observe(observation, info).text
        picture = np.full((4, 4, 3), self.n_seen, np.uint8)
        return Observation(text=text, images={"front": picture}, raw=observation)


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        yield store


def test_the_memory_of_a_store_keeps_images_and_one_over_a_bare_back_end_does_not(store):
    assert isinstance(store.memory(), KeepsImages)
    assert not isinstance(ExperienceMemory(InMemoryBackend()), KeepsImages)
    assert not isinstance(store.memory("frozen"), KeepsImages)


def test_an_image_is_kept_as_a_png_that_an_experience_names(store):
    memory = store.memory()
    attachment = memory.keep_image(IMAGE, role="first/front")
    memory.record(Experience(task="look", attachments=(attachment,)))
    assert (attachment.role, attachment.media_type) == ("first/front", "image/png")
    [experience] = store.experiences()
    assert store.attachments.get(experience.attachments[0].digest) == encode_png(IMAGE)


def test_equal_images_are_stored_once(store):
    memory = store.memory()
    assert memory.keep_image(IMAGE, role="a").digest == memory.keep_image(IMAGE, role="b").digest
    assert len(list(store.attachments)) == 1


@pytest.mark.parametrize(
    ("image", "role"), [(IMAGE.astype(np.float32), "front"), (IMAGE[0, 0], "front"), (IMAGE, "")]
)
def test_what_is_no_image_is_refused_and_nothing_is_stored(store, image, role):
    with pytest.raises(InvalidRecord):
        store.memory().keep_image(image, role=role)
    assert not list(store.attachments)


def test_an_image_beyond_the_quota_is_refused_and_nothing_is_stored(tmp_path):
    with MemoryStore.open(tmp_path, quota_bytes=10) as store:
        with pytest.raises(QuotaExceeded):
            store.memory().keep_image(IMAGE, role="front")
        assert not list(store.attachments)


def test_a_store_that_is_read_only_keeps_no_image(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        store.memory().record(Experience(task="look"))
    with MemoryStore.open(tmp_path, read_only=True) as store, pytest.raises(StoreError, match="reading only"):
        store.memory().keep_image(IMAGE, role="front")


def test_a_memory_sent_to_another_process_keeps_images_too(store):
    store.memory().record(Experience(task="look"))
    again = pickle.loads(pickle.dumps(store.memory()))
    digest = again.keep_image(IMAGE, role="front").digest
    again.close()
    assert digest in store.attachments


def play(store: MemoryStore, attempt: str) -> None:
    Agent(planner=RandomSkillPlanner(), memory=store.memory()).run_episode(
        SeeingWorld(), seed=0, attempt=attempt
    )


def test_an_episode_ends_with_its_first_and_last_image_until_it_is_purged(store):
    play(store, "one")
    first, last = store.get("one/0").attachments
    assert (first.role, last.role) == ("first/front", "last/front")
    assert store.attachments.get(first.digest) == encode_png(np.full((4, 4, 3), 1, np.uint8))
    assert first.digest != last.digest
    report = store.purge(["one/0"])
    assert set(report.attachments) == {first.digest, last.digest}
    assert not list(store.attachments)


def test_an_episode_beyond_the_quota_is_recorded_without_its_images(tmp_path, caplog):
    with MemoryStore.open(tmp_path, quota_bytes=10) as store:
        play(store, "one")
        assert store.get("one/0").attachments == ()
    assert "the image first/front is not kept" in caplog.text
