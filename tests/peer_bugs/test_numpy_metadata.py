"""mem0 and one numpy scalar in the metadata: the add succeeds, the save fails inside, all is gone later."""

import json

import numpy as np
import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.errors import InvalidRecord

METADATA = {
    "battery": np.float32(0.5),
    "step": np.int64(7),
    "is_held": np.bool_(True),
    "pose": np.array([1.0, 2.0], dtype=np.float64),
    "nested": {"gripper": [np.uint8(3)]},
}
PLAIN = {"battery": 0.5, "step": 7, "is_held": True, "pose": [1.0, 2.0], "nested": {"gripper": [3]}}


def ours(folder, metadata):
    with MemoryStore.open(folder) as store:
        store.memory().record(Experience(task="grasp", metadata=metadata))
    with MemoryStore.open(folder) as store:
        return [dict(experience.metadata) for experience in store.experiences()]


def swallows(folder, metadata):
    """The planted bug: what cannot be written is logged and forgotten."""
    file = folder / "metadata.json"
    try:
        file.write_text(json.dumps([metadata]))
    except TypeError:
        file.write_text("[]")
    return json.loads(file.read_text())


def check_it_is_there_after_reopening(keep, folder) -> None:
    assert keep(folder, METADATA) == [PLAIN]


def test_numpy_metadata(tmp_path):
    check_it_is_there_after_reopening(ours, tmp_path)


@pytest.mark.parametrize(
    "value",
    [np.float32("nan"), np.array([1.0, np.inf]), object(), b"raw", np.array([1 + 2j])],
    ids=["nan", "infinity", "object", "bytes", "complex"],
)
def test_what_cannot_be_kept_is_refused_by_name_before_anything_is_written(tmp_path, value):
    with MemoryStore.open(tmp_path) as store:
        with pytest.raises(InvalidRecord, match=r"metadata\.sensor"):
            store.memory().record(Experience(task="grasp", metadata={"sensor": value}))
        assert store.stats().last_sequence == 0


def test_the_planted_bug_is_caught(tmp_path):
    with pytest.raises(AssertionError):
        check_it_is_there_after_reopening(swallows, tmp_path)
