"""Parts of the index on disk: what is not just as it was made is not used."""

import json
import os
import zlib

import numpy as np
import pytest

from embodied_mem import failpoints
from embodied_mem.index import part_files as snapshot

MADE_OF = {"generation": 3, "n_rows": 10, "digest": "ab"}
ARRAYS = {
    "numbers": np.arange(1000, dtype=np.float32).reshape(10, 100),
    "nothing": np.zeros((0, 7), np.uint8),
    "flags": np.array([True, False, True]),
    "wide": np.array([2**63], np.uint64),
}


@pytest.fixture
def file(tmp_path):
    snapshot.save(tmp_path, "part", MADE_OF, ARRAYS)
    return snapshot.file_of(tmp_path, "part")


def test_what_was_kept_comes_back(file):
    arrays = snapshot.load(file.parent, "part", MADE_OF)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert not arrays[name].flags.writeable


def test_a_part_that_was_never_kept_is_not_there(tmp_path):
    assert snapshot.load(tmp_path, "part", MADE_OF) is None
    assert snapshot.load(tmp_path / "nowhere", "part", MADE_OF) is None


@pytest.mark.parametrize("other", [{"generation": 4}, {"n_rows": 11}, {"digest": "cd"}, {"space": "x"}])
def test_a_part_made_of_something_else_is_not_used(file, other):
    assert snapshot.load(file.parent, "part", {**MADE_OF, **other}) is None


def assert_is_noticed(file, place):
    assert snapshot.load(file.parent, "part", MADE_OF) is None, place
    with pytest.raises(ValueError, match=r"checksum|part of an index"):
        snapshot.verified_header(file)


def test_a_whole_file_is_verified(file, monkeypatch):
    for at_once in (1, 63, 64, 2**20):
        monkeypatch.setattr(snapshot, "_AT_ONCE", at_once)
        assert snapshot.verified_header(file)["made_of"] == MADE_OF


def test_every_shorter_file_is_noticed(file):
    whole = file.read_bytes()
    for length in [*range(0, 200), *range(200, len(whole), 97), len(whole) - 1]:
        file.write_bytes(whole[:length])
        assert_is_noticed(file, length)


def test_every_flipped_byte_is_noticed(file):
    whole = file.read_bytes()
    end_of_header = 12 + int.from_bytes(whole[4:8], "little")
    padding = range(end_of_header, end_of_header + -end_of_header % 64)  # holds nothing
    for place in [*range(0, 400), *range(400, len(whole), 61)]:
        if place not in padding:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            assert_is_noticed(file, place)


def test_another_format_is_not_used(file):
    whole = file.read_bytes()
    length = int.from_bytes(whole[4:8], "little")
    header = json.loads(whole[8 : 8 + length])
    header["format"] = snapshot.FORMAT + 1
    written = json.dumps(header).encode()
    assert len(written) == length
    checksum = zlib.crc32(written).to_bytes(4, "little")
    file.write_bytes(whole[:8] + written + checksum + whole[12 + length :])
    assert snapshot.load(file.parent, "part", MADE_OF) is None
    with pytest.raises(ValueError, match="format 2"):
        snapshot.verified_header(file)


def test_a_file_under_the_name_of_another_part_is_not_used(file):
    renamed = file.rename(snapshot.file_of(file.parent, "other"))
    assert snapshot.load(file.parent, "other", MADE_OF) is None
    with pytest.raises(ValueError, match="name of another part"):
        snapshot.verified_header(renamed)


@pytest.mark.parametrize("place", ["snapshot:array-written", "snapshot:written", "snapshot:before-rename"])
def test_a_writer_that_dies_leaves_the_old_part(file, place, monkeypatch):
    def die(reached):
        if reached == place:
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "listener", die)
    with pytest.raises(KeyboardInterrupt):
        snapshot.save(file.parent, "part", {"generation": 4}, ARRAYS)
    assert snapshot.load(file.parent, "part", MADE_OF) is not None
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_objects_are_never_kept(tmp_path):
    with pytest.raises(TypeError, match="numbers alone"):
        snapshot.save(tmp_path, "part", {}, {"x": np.array([object()])})
    assert list(tmp_path.iterdir()) == []


def test_removing_leaves_nothing_behind(file):
    (file.parent / "x.123.tmp").write_bytes(b"of a killed process")
    snapshot.remove_all(file.parent)
    assert list(file.parent.iterdir()) == []
    snapshot.remove_all(file.parent / "nowhere")


def test_what_a_killed_process_left_is_cleared_away_an_hour_later(file):
    left = file.with_suffix(".1.tmp"), file.with_suffix(".2.tmp")
    for each in left:
        each.write_bytes(b"half a file")
    hours_ago = file.stat().st_mtime - 2 * snapshot.STALE_S
    os.utime(left[0], (hours_ago, hours_ago))
    snapshot.save(file.parent, "part", MADE_OF, ARRAYS)
    assert not left[0].exists()
    assert left[1].exists()
